import { useEffect, useState } from "react";

import { allPlots, water } from "./api.js";

export function App() {
  const [plots, setPlots] = useState([]);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    allPlots().then(setPlots, (error) => setProblem(error.message));
  }, []);

  const pour = async (id) => {
    try {
      const wet = await water(id);
      setPlots((all) => all.map((plot) => (plot.id === wet.id ? wet : plot)));
      setProblem("");
    } catch (error) {
      setProblem(error.message);
    }
  };

  return (
    <main>
      <h1>Mill Lane allotment</h1>
      {problem && <p role="alert">{problem}</p>}
      <ul>
        {plots.map((plot) => (
          <li key={plot.id}>
            <span>
              Plot {plot.id}: {plot.grows}, {plot.litres} l today
            </span>
            <button type="button" onClick={() => pour(plot.id)}>
              Water
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}
