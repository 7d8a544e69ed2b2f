import { Resvg } from "@resvg/resvg-js";
import { Hono } from "hono";

import { hoist } from "./flags.js";

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="UTF-8" />
    <title>The flag locker</title>
  </head>
  <body>
    <h1>The flag locker</h1>
    <p>Ask for /hoist/ and a word, such as /hoist/welcome.png:</p>
    <p><img src="/hoist/welcome.png" alt="The word welcome in seven signal flags" /></p>
  </body>
</html>
`;

export const app = new Hono();

app.get("/", (c) => c.html(page));

app.get("/healthz", (c) => c.json({ status: "ok" }));

app.get("/hoist/:file{.+\\.png}", (c) => {
  const word = c.req.param("file").replace(/\.png$/, "");
  const svg = hoist(word);
  if (svg === undefined) {
    return c.json({ error: "there are flags for A to Z only, and a rope holds twenty" }, 400);
  }
  const picture = new Resvg(svg).render().asPng();
  return c.body(new Uint8Array(picture), 200, { "content-type": "image/png" });
});
