export interface Plot {
  id: number;
  grows: string;
  litres: number;
}

const LITRES_A_CAN = 5;
const ENOUGH = 20;

const plots = new Map<number, Plot>(
  ["Broad beans", "Pumpkins", "Sweet peas", "Rhubarb"].map((grows, i) => [i + 1, { id: i + 1, grows, litres: 0 }]),
);

export function allPlots(): Plot[] {
  return [...plots.values()];
}

/** Pours one can over a plot, unless it is wet enough already. */
export function water(id: number): Plot | "unknown" | "wet" {
  const plot = plots.get(id);
  if (plot === undefined) return "unknown";
  if (plot.litres >= ENOUGH) return "wet";
  plot.litres += LITRES_A_CAN;
  return plot;
}
