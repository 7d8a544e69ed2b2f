// The drawer's web service.
import { readFile } from "node:fs/promises";

import Koa from "koa";

import { allCards, card } from "./drawer.js";

const page = await readFile(new URL("../public/index.html", import.meta.url), "utf8");
const app = new Koa();

app.use((context) => {
  const number = /^\/cards\/(\d+)$/.exec(context.path)?.[1];
  if (context.path === "/") {
    context.type = "html";
    context.body = page;
  } else if (context.path === "/cards") {
    context.body = allCards();
  } else if (number && card(Number(number))) {
    context.body = card(Number(number));
  } else {
    context.status = 404;
    context.body = { error: "the drawer has no such card" };
  }
});

const port = Number(process.env.PORT ?? 3000);
const server = app.listen(port, () => console.log(`the drawer is open on port ${port}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
