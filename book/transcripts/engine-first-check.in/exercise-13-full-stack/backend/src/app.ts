import { join } from "node:path";

import express, { type Express } from "express";

import { allPlots, water } from "./plots.js";

/** The API below /api, and the page that was built into `publicFolder` everywhere else. */
export function buildApp(publicFolder: string): Express {
  const app = express();
  app.disable("x-powered-by");

  app.get("/api/plots", (_request, response) => {
    response.json(allPlots());
  });

  app.post("/api/plots/:id/water", (request, response) => {
    const watered = water(Number(request.params.id));
    if (watered === "unknown") {
      response.status(404).json({ error: "there is no such plot" });
    } else if (watered === "wet") {
      response.status(409).json({ error: "that plot has had enough for today" });
    } else {
      response.json(watered);
    }
  });

  app.use("/api", (_request, response) => {
    response.status(404).json({ error: "the API has nothing there" });
  });

  app.use(express.static(publicFolder));
  // Every other address is a place in the page.
  app.get("/{*place}", (_request, response) => {
    response.sendFile(join(publicFolder, "index.html"), (error) => {
      if (error) response.status(404).type("text").send("there is no page in this image\n");
    });
  });

  return app;
}
