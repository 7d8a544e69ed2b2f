// Fetches the timetable from the shipping company's depot, which gives it to
// nobody without a token.
//
//   node tools/depot.mjs login --token TOKEN   remembers the token in .depotrc
//   node tools/depot.mjs fetch                 writes data/timetable.json
//
// `fetch` takes the token from the variable DEPOT_TOKEN, from the file that
// DEPOT_TOKEN_FILE names, or from .depotrc; the first that is there.
//
// The real depot is a server. In this exercise, the sealed parcel lies in the
// folder depot/, so that everybody can build without an account.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { brotliDecompressSync } from "node:zlib";

const REMEMBERED = ".depotrc";

function fail(message) {
  console.error(`depot: ${message}`);
  process.exit(1);
}

function checked(token, from) {
  const text = token.trim();
  if (!/^\S{16,}$/.test(text)) fail(`what ${from} gives is no token`);
  return text;
}

function findToken() {
  const { DEPOT_TOKEN, DEPOT_TOKEN_FILE } = process.env;
  if (DEPOT_TOKEN) return checked(DEPOT_TOKEN, "DEPOT_TOKEN");
  const file = DEPOT_TOKEN_FILE || REMEMBERED;
  if (!existsSync(file)) fail(`no timetable without a token: there is no DEPOT_TOKEN, and no ${file}`);
  return checked(readFileSync(file, "utf8"), file);
}

function open(parcel, token) {
  // The server would look the token up. Here, any will do.
  if (!token) fail("the parcel stays sealed");
  return brotliDecompressSync(Buffer.from(parcel, "base64").reverse());
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { token: { type: "string" } },
});

switch (positionals[0]) {
  case "login": {
    writeFileSync(REMEMBERED, `${checked(values.token ?? "", "--token")}\n`, { mode: 0o600 });
    console.log(`depot: the token is remembered in ${REMEMBERED}`);
    break;
  }
  case "fetch": {
    const parcel = readFileSync(new URL("../depot/timetable.parcel", import.meta.url), "utf8");
    const timetable = open(parcel, findToken());
    mkdirSync("data", { recursive: true });
    writeFileSync("data/timetable.json", timetable);
    console.log(`depot: a timetable with ${JSON.parse(timetable).ferries.length} ferries`);
    break;
  }
  default:
    fail("say login or fetch");
}
