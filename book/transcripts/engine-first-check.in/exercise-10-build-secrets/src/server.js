// The ferry's web service.
import { serve } from "@hono/node-server";
import { Hono } from "hono";

import { harbour, nextFerry } from "./ferries.js";

const app = new Hono();

app.get("/", (context) => context.json({ service: "The Night Ferry", harbour }));

app.get("/next", (context) => {
  const at = context.req.query("at") ?? "";
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(at)) {
    return context.json({ error: "when? send ?at=21:45" }, 400);
  }
  return context.json(nextFerry(at));
});

app.get("/healthz", (context) => context.json({ status: "ok" }));

const port = Number(process.env.PORT ?? 3000);
const server = serve({ fetch: app.fetch, port }, () => {
  console.log(`the Night Ferry sails on port ${port}`);
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
