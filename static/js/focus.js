// After a swap: what was open stays open, the focus goes to the step now in hand (or to what is wrong in it), its row is in view.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const fresh = event.detail.fragment;
  event.detail.target.querySelectorAll?.("details[id], input[type=checkbox][data-keep]").forEach((old) => {
    const twin = old.id && fresh.querySelector?.(`#${CSS.escape(old.id)}`);
    if (!twin) return;
    if (old.matches("details")) twin.open = old.open;
    else twin.checked = old.checked;
  });
});

// A phase folds to one line at the moment in which its last step settles, not each time it is drawn.
const settled = new Set();
function foldSettled(first = false) {
  document.querySelectorAll(".phase > summary > .phase__line").forEach((line) => {
    if (!line.hasAttribute("data-settled")) settled.delete(line.id);
    else if (!settled.has(line.id)) {
      settled.add(line.id);
      const phase = line.closest("details");
      if (!first && !phase.querySelector('[aria-current="step"]')) phase.open = false;
    }
  });
}
foldSettled(true);

function bringIntoView() {
  const pane = document.querySelector(".case__side");
  if (!pane || getComputedStyle(pane).overflowY === "visible") return;
  pane.querySelector('[aria-current="step"]')?.scrollIntoView({ block: "nearest" });
}

let handChanged = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  handChanged ||= event.detail.target?.id === "hand";
});
document.addEventListener("htmx:afterSettle", () => {
  foldSettled(!handChanged);   // what a colleague settled stays open: somebody may be about to tap in it
  if (!handChanged) return;
  handChanged = false;
  bringIntoView();
  const hand = document.getElementById("hand");
  const wrong = hand?.querySelector(".field--error :is(input, select, textarea), .field__ask input");
  (wrong ?? hand?.querySelector("h2"))?.focus();
});
bringIntoView();
