import { useEffect, useState } from "react";

import { roomAt, rooms } from "./rooms.js";

/** The path in the address bar, and a way to go to another one without loading the page again. */
function usePath() {
  const [path, setPath] = useState(window.location.pathname);

  useEffect(() => {
    const follow = () => setPath(window.location.pathname);
    window.addEventListener("popstate", follow);
    return () => window.removeEventListener("popstate", follow);
  }, []);

  const go = (to) => {
    window.history.pushState(null, "", to);
    setPath(to);
  };
  return [path, go];
}

export function App() {
  const [path, go] = usePath();
  const here = roomAt(path);

  const link = (to) => ({
    href: to,
    onClick: (event) => {
      event.preventDefault();
      go(to);
    },
  });

  return (
    <main>
      <h1>
        <a {...link("/")}>
          <img src="/assets/museum-5d1f0c3a.svg" alt="" width="40" height="40" /> Museum map
        </a>
      </h1>
      <nav aria-label="Rooms">
        {rooms.map((room) => (
          <a key={room.id} {...link(`/rooms/${room.id}`)} aria-current={room === here && "page"}>
            {room.name}
          </a>
        ))}
      </nav>
      {here ? (
        <section>
          <h2>{here.name}</h2>
          <ul>
            {here.shows.map((thing) => (
              <li key={thing}>{thing}</li>
            ))}
          </ul>
        </section>
      ) : (
        <p>Choose a room.</p>
      )}
    </main>
  );
}
