export interface Tea {
  id: string;
  name: string;
  degrees: number;
  seconds: number;
}

export interface Pot {
  tea: string;
  degrees: number;
  seconds: number;
}

const SECONDS_A_FURTHER_CUP = 15;

const teas: readonly Tea[] = [
  { id: "sencha", name: "Sencha", degrees: 75, seconds: 90 },
  { id: "oolong", name: "Oolong", degrees: 90, seconds: 180 },
  { id: "assam", name: "Assam", degrees: 98, seconds: 240 },
  { id: "mint", name: "Fresh mint", degrees: 100, seconds: 420 },
];

export function menu(): readonly Tea[] {
  return teas;
}

/** How to make a pot. A bigger pot takes longer: some seconds for every cup after the first. */
export function pot(id: string, cups: number): Pot | undefined {
  if (!Number.isInteger(cups) || cups < 1) throw new RangeError("cups must be a whole number from 1 on");
  const tea = teas.find((one) => one.id === id);
  if (tea === undefined) return undefined;
  return {
    tea: tea.name,
    degrees: tea.degrees,
    seconds: tea.seconds + (cups - 1) * SECONDS_A_FURTHER_CUP,
  };
}
