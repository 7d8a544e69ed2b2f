async function ask(path, options) {
  const response = await fetch(`/api${path}`, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

export const allPlots = () => ask("/plots");

export const water = (id) => ask(`/plots/${id}/water`, { method: "POST" });
