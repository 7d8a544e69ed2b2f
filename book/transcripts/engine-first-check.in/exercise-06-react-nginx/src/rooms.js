export const rooms = [
  { id: "clocks", name: "Clocks", shows: ["A water clock", "A pendulum", "A quartz crystal"] },
  { id: "ships", name: "Ships", shows: ["A canoe", "A steam engine", "A sextant"] },
  { id: "letters", name: "Letters", shows: ["A printing press", "A typewriter", "A love letter"] },
];

export function roomAt(path) {
  const [, kind, id] = path.split("/");
  return kind === "rooms" ? rooms.find((room) => room.id === id) : undefined;
}
