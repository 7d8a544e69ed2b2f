export interface Bus {
  line: number;
  to: string;
  /** A bus leaves each time this many minutes have passed. */
  every: number;
}

const buses: Bus[] = [
  { line: 4, to: "Lighthouse", every: 20 },
  { line: 7, to: "University", every: 10 },
  { line: 12, to: "Night market", every: 30 },
];

/** The minutes to wait for each line, the shortest wait first. */
export function nextBuses(now: Date): { line: number; to: string; minutes: number }[] {
  return buses
    .map(({ line, to, every }) => ({ line, to, minutes: every - (now.getMinutes() % every) }))
    .sort((a, b) => a.minutes - b.minutes);
}
