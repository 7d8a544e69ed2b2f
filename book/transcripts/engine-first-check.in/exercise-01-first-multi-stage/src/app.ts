import express from "express";

import { onTheShelf, sell, type Order } from "./breads.js";

function isOrder(body: unknown): body is Order {
  if (typeof body !== "object" || body === null) return false;
  const { bread, pieces } = body as Partial<Order>;
  return typeof bread === "string" && Number.isInteger(pieces) && pieces! > 0;
}

export const app = express();
app.disable("x-powered-by");
app.use(express.json());

app.get("/", (_request, response) => {
  response.json({ shop: "The Corner Bakery", breads: onTheShelf() });
});

app.get("/healthz", (_request, response) => {
  response.json({ status: "ok" });
});

app.post("/orders", (request, response) => {
  if (!isOrder(request.body)) {
    response.status(400).json({ error: "send { bread, pieces }" });
    return;
  }
  const sold = sell(request.body);
  if (sold === "unknown") {
    response.status(404).json({ error: "we do not bake that" });
  } else if (sold === "sold-out") {
    response.status(409).json({ error: "not enough left today" });
  } else {
    response.status(201).json(sold);
  }
});
