import express from "express";

import { menu, pot } from "./teas.ts";

/** Whether this is what the compiler made, or the source itself. */
const compiled = import.meta.url.endsWith(".js");

/** Whether a watcher started this program: nodemon (see package.json) or `node --watch`. */
function watching(): boolean {
  return process.env.LIVE_RELOAD === "on" || process.env.WATCH_REPORT_DEPENDENCIES !== undefined;
}

export const app = express();
app.disable("x-powered-by");

app.get("/", (_request, response) => {
  response.json({ room: "The Quiet Kettle", teas: menu() });
});

app.get("/about", (_request, response) => {
  response.json({ compiled, watching: watching() });
});

app.get("/teas/:id", (request, response) => {
  const cups = Number(request.query.cups ?? 1);
  if (!Number.isInteger(cups) || cups < 1) {
    response.status(400).json({ error: "send ?cups= with a whole number from 1 on" });
    return;
  }
  const found = pot(request.params.id, cups);
  if (found === undefined) {
    response.status(404).json({ error: "not on our shelf" });
  } else {
    response.json(found);
  }
});
