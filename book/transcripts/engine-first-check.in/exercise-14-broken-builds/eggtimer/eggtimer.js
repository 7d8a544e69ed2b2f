// Eggtimer says how many seconds an egg has to boil: `eggtimer.js 4m`.
import ms from "ms";

const [wish] = process.argv.slice(2);
const time = wish && ms(wish);
if (!time) {
  console.error("usage: eggtimer.js TIME, for example 4m or 270s");
  process.exit(2);
}
console.log(`take the egg out after ${time / 1000} seconds`);
