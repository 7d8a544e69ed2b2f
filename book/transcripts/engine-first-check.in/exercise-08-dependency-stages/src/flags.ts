// The 26 letter flags of the International Code of Signals, as SVG on a square
// of 60 by 60. The hoist, the side at the rope, is on the left.

const red = "#c8102e";
const yellow = "#ffd100";
const blue = "#00539f";
const white = "#ffffff";
const black = "#101820";

const area = (x: number, y: number, width: number, height: number, colour: string): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour}"/>`;

const shape = (points: string, colour: string): string => `<polygon points="${points}" fill="${colour}"/>`;

const plain = (colour: string): string => area(0, 0, 60, 60, colour);

const upright = (...colours: string[]): string =>
  colours.map((colour, i) => area((i * 60) / colours.length, 0, 60 / colours.length, 60, colour)).join("");

const level = (...colours: string[]): string =>
  colours.map((colour, i) => area(0, (i * 60) / colours.length, 60, 60 / colours.length, colour)).join("");

const quarters = (one: string, other: string): string =>
  plain(one) + area(30, 0, 30, 30, other) + area(0, 30, 30, 30, other);

const cross = (ground: string, colour: string): string =>
  plain(ground) + area(24, 0, 12, 60, colour) + area(0, 24, 60, 12, colour);

const saltire = (ground: string, colour: string): string =>
  plain(ground) + shape("0,0 9,0 60,51 60,60 51,60 0,9", colour) + shape("60,0 51,0 0,51 0,60 9,60 60,9", colour);

const swallowtail = (body: string): string => body + shape("60,0 60,60 42,30", "#e8f1f8");

const chequers = (): string => {
  const fields = [];
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 4; column++) {
      fields.push(area(column * 15, row * 15, 15, 15, (row + column) % 2 === 0 ? blue : white));
    }
  }
  return fields.join("");
};

const slantedStripes = (): string => {
  const stripes = [];
  for (let i = 1; i < 10; i += 2) {
    stripes.push(shape(`${i * 12},0 ${(i + 1) * 12},0 0,${(i + 1) * 12} 0,${i * 12}`, red));
  }
  return plain(yellow) + stripes.join("");
};

const flags: Record<string, string> = {
  A: swallowtail(upright(white, blue)),
  B: swallowtail(plain(red)),
  C: level(blue, white, red, white, blue),
  D: level(yellow, blue, blue, yellow),
  E: level(blue, red),
  F: plain(white) + shape("30,0 60,30 30,60 0,30", red),
  G: upright(yellow, blue, yellow, blue, yellow, blue),
  H: upright(white, red),
  I: plain(yellow) + `<circle cx="30" cy="30" r="14" fill="${black}"/>`,
  J: level(blue, white, blue),
  K: upright(yellow, blue),
  L: quarters(yellow, black),
  M: saltire(blue, white),
  N: chequers(),
  O: plain(yellow) + shape("0,0 60,0 60,60", red),
  P: plain(blue) + area(20, 20, 20, 20, white),
  Q: plain(yellow),
  R: cross(red, yellow),
  S: plain(white) + area(20, 20, 20, 20, blue),
  T: upright(red, white, blue),
  U: quarters(red, white),
  V: saltire(white, red),
  W: plain(blue) + area(12, 12, 36, 36, white) + area(22, 22, 16, 16, red),
  X: cross(white, blue),
  Y: slantedStripes(),
  Z:
    shape("0,0 30,30 0,60", black) +
    shape("0,0 60,0 30,30", yellow) +
    shape("60,0 60,60 30,30", blue) +
    shape("0,60 60,60 30,30", red),
};

const STEP = 72;
const LONGEST = 20;

/** The flags of a word on one line, as SVG; nothing for what cannot be hoisted. */
export function hoist(word: string): string | undefined {
  const letters = [...word.toUpperCase()];
  if (letters.length === 0 || letters.length > LONGEST) return undefined;

  const drawn: string[] = [];
  for (const [i, letter] of letters.entries()) {
    const flag = flags[letter];
    if (flag === undefined) return undefined;
    drawn.push(`<svg x="${12 + i * STEP}" y="12" width="60" height="60" viewBox="0 0 60 60">${flag}</svg>`);
  }
  const width = 12 + letters.length * STEP;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="84">${area(0, 0, width, 84, "#e8f1f8")}${drawn.join("")}</svg>`;
}
