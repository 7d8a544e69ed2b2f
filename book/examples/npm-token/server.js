// How often the bell of the tower rings at a given hour.
import express from "express";

const app = express();

app.get("/bell/:hour", (request, answer) => {
  const hour = Number(request.params.hour);
  if (!Number.isInteger(hour) || hour < 0 || hour > 23) {
    answer.status(400).json({ error: "an hour is a number from 0 to 23" });
    return;
  }
  answer.json({ hour, strokes: hour % 12 || 12 });
});

const server = app.listen(process.env.PORT ?? 3000);
process.on("SIGTERM", () => server.close());
