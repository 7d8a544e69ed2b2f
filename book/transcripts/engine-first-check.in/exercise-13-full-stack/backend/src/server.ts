import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import { buildApp } from "./app.js";

const port = Number(process.env.PORT ?? 3000);
// Beside dist/, unless somebody says otherwise.
const publicFolder = resolve(process.env.PUBLIC_DIR ?? join(import.meta.dirname, "..", "public"));

if (!existsSync(join(publicFolder, "index.html"))) {
  console.warn(`there is no index.html in ${publicFolder}: the API works, the page does not`);
}

const server = buildApp(publicFolder).listen(port, () => {
  console.log(`the garden gate is open on port ${port}`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.close());
}
