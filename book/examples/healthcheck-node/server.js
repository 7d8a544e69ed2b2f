// The harbour's fog horn, for ships that would rather ask.
const { createServer } = require("node:http");

const server = createServer((request, answer) => {
  answer.setHeader("content-type", "application/json");
  answer.end(JSON.stringify({ fog: false, horn: "silent" }));
});

server.listen(process.env.PORT ?? 3000);
process.on("SIGTERM", () => server.close());
