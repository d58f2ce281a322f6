// After a swap: what was open stays open, the focus moves to the next step only when the old one went, the row in hand is in view.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const fresh = event.detail.fragment;
  event.detail.target.querySelectorAll?.("details[id], input[type=checkbox][data-keep]").forEach((old) => {
    const twin = old.id && fresh.querySelector?.(`#${CSS.escape(old.id)}`);
    if (!twin) return;
    if (old.matches("details")) { if (!twin.hasAttribute("data-settled-now")) twin.open = old.open; } else twin.checked = old.checked;
  });
});

function bringIntoView() {
  const pane = document.querySelector(".case__side");
  if (!pane || getComputedStyle(pane).overflowY === "visible") return;
  pane.querySelector('[aria-current="step"]')?.scrollIntoView({ block: "nearest" });
}

let lostFocus = false;
document.addEventListener("htmx:beforeSwap", () => {
  lostFocus = Boolean(document.activeElement?.closest?.("#hand"));
});
document.addEventListener("htmx:afterSettle", () => {
  bringIntoView();
  if (lostFocus && !document.activeElement?.closest?.("#hand")) {
    document.querySelector("#hand [data-focus-first], #hand .field--error input, #hand h2[tabindex]")?.focus({ preventScroll: false });
    lostFocus = false;
  }
});
bringIntoView();
