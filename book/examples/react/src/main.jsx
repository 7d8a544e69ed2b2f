import { useState } from "react";
import { createRoot } from "react-dom/client";

const things = ["Tent", "Matches", "Map", "Second pair of socks"];

function PackingList() {
  const [packed, setPacked] = useState([]);
  const toggle = (thing) =>
    setPacked(packed.includes(thing) ? packed.filter((one) => one !== thing) : [...packed, thing]);

  return (
    <main>
      <h1>
        {packed.length} of {things.length} packed
      </h1>
      {things.map((thing) => (
        <p key={thing}>
          <label>
            <input type="checkbox" checked={packed.includes(thing)} onChange={() => toggle(thing)} /> {thing}
          </label>
        </p>
      ))}
    </main>
  );
}

createRoot(document.getElementById("root")).render(<PackingList />);
