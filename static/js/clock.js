// Clocks from the server's time, so a wrong tablet clock shows no wrong time.
import { offset } from "./offset.js";

const root = document.documentElement;
const two = (number) => String(number).padStart(2, "0");

function show(element, now) {
  const { since, until, clock } = element.dataset;
  if (clock !== undefined) {
    const zone = root.dataset.zone || undefined;
    element.textContent = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(now);
    return;
  }
  const seconds = Math.max(0, Math.floor((since ? now - Date.parse(since) : Date.parse(until) - now) / 1000));
  const text = element.dataset.seconds === undefined
    ? `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}`
    : `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = Date.now() + offset;
  document.querySelectorAll("[data-since], [data-until], [data-clock]").forEach((element) => show(element, now));
}

tick();
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => document.hidden || tick());
document.addEventListener("htmx:afterSettle", tick);
