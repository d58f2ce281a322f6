// A toast leaves by itself after its seconds (60 for undo), sooner when closed. Focus or a finger on it keeps it.
const timers = new WeakMap();

function watch(toast) {
  if (timers.has(toast)) return;
  timers.set(toast, setTimeout(() => {
    if (toast.matches(":focus-within, :hover")) { timers.delete(toast); setTimeout(watch, 5000, toast); } else toast.remove();
  }, Number(toast.dataset.seconds ?? 60) * 1000));
}

const watchAll = () => document.querySelectorAll(".toast[data-seconds]").forEach(watch);

document.addEventListener("click", (event) => event.target.closest?.("[data-close]")?.closest(".toast, .notice")?.remove());
document.addEventListener("htmx:afterSettle", watchAll);
watchAll();
