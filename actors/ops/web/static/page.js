// Fills the page's elements with what the server sends of them; it is escaped there.
"use strict";

const RETRY_AFTER = 3000; // milliseconds

function fill(changes) {
  for (const [id, html] of Object.entries(changes)) {
    const element = document.getElementById(id);
    if (element) element.innerHTML = html;
  }
  const summary = document.getElementById("summary");
  document.title = `${summary.textContent.slice(0, 1)} Surfaces: the live tree`;
}

function say(text) {
  const connection = document.getElementById("connection");
  if (connection.textContent !== text) connection.textContent = text;
  connection.hidden = !text;
  document.body.classList.toggle("old", Boolean(text));
}

function watch() {
  const source = new EventSource("/events");
  source.onopen = () => say("");
  source.onmessage = (event) => fill(JSON.parse(event.data));
  source.onerror = () => {
    say("! The connection is lost: what stands here is old. Trying again.");
    // An answer that is no stream, as from a program that starts, ends the browser's own attempts.
    if (source.readyState === EventSource.CLOSED) setTimeout(watch, RETRY_AFTER);
  };
  window.addEventListener("pagehide", () => source.close());
}

watch();
