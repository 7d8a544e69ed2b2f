import Fastify, { type FastifyInstance } from "fastify";

import { price } from "./price.js";

export function buildApp(): FastifyInstance {
  const app = Fastify();

  app.get("/healthz", async () => ({ status: "ok" }));

  app.get<{ Querystring: { minutes: number } }>(
    "/price",
    {
      schema: {
        querystring: {
          type: "object",
          required: ["minutes"],
          properties: { minutes: { type: "integer", minimum: 0 } },
        },
      },
    },
    async (request) => price(request.query.minutes),
  );

  return app;
}
