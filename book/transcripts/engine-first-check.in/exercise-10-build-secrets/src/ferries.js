// Which ferry leaves next. The timetable comes from the depot; see tools/depot.mjs.
import { readFileSync } from "node:fs";

const file = new URL("../data/timetable.json", import.meta.url);
const { harbour, ferries } = JSON.parse(readFileSync(file, "utf8"));

export { harbour };

/** The first ferry that leaves at `time` (as 21:45) or later; after the last one, the first of the morning. */
export function nextFerry(time) {
  const next = ferries.find((ferry) => ferry.leaves >= time) ?? ferries[0];
  return { harbour, asked: time, ...next };
}
