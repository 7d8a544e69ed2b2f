// Ends with 0 if the service answers well, and with 1 if not.
fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/`)
  .then((answer) => process.exit(answer.ok ? 0 : 1))
  .catch(() => process.exit(1));
