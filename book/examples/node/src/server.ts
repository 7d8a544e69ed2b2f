import express from "express";

import { nextBuses } from "./timetable.js";

const app = express();

app.get("/", (_request, response) => {
  response.json({ stop: "Harbour Square", next: nextBuses(new Date()) });
});

const port = Number(process.env.PORT ?? 3000);
const server = app.listen(port, () => {
  console.log(`waiting for buses on port ${port}`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.close());
}
