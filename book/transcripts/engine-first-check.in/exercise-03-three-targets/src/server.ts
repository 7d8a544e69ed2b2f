import { app } from "./app.ts";

const port = Number(process.env.PORT ?? 3000);
const server = app.listen(port, () => {
  console.log(`the kettle is on, port ${port}`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.close());
}
