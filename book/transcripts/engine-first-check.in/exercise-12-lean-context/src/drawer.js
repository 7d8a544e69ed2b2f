// The postcards, in the order in which they lie in the drawer.
const cards = [
  { from: "Saltholm", year: 1908, says: "The sea is grey. So is the soup." },
  { from: "Upper Fell", year: 1923, says: "We have counted the sheep. All well." },
  { from: "Farther Shore", year: 1931, says: "Greetings from the lighthouse!" },
  { from: "Grey Quay", year: 1955, says: "Missed the ferry. Staying for ever." },
];

export function allCards() {
  return cards.map(({ from, year }, index) => ({ number: index + 1, from, year }));
}

export function card(number) {
  return cards[number - 1];
}
