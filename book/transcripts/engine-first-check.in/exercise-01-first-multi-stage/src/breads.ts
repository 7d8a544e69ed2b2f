export interface Bread {
  id: string;
  name: string;
  grams: number;
  left: number;
}

export interface Order {
  bread: string;
  pieces: number;
}

const breads = new Map<string, Bread>(
  [
    { id: "rye", name: "Dark rye", grams: 900, left: 12 },
    { id: "baguette", name: "Baguette", grams: 250, left: 30 },
    { id: "focaccia", name: "Focaccia with olives", grams: 600, left: 8 },
  ].map((bread) => [bread.id, bread]),
);

export function onTheShelf(): Bread[] {
  return [...breads.values()];
}

/** Takes bread off the shelf, or says why it cannot. */
export function sell(order: Order): Bread | "unknown" | "sold-out" {
  const bread = breads.get(order.bread);
  if (bread === undefined) return "unknown";
  if (bread.left < order.pieces) return "sold-out";
  bread.left -= order.pieces;
  return bread;
}
