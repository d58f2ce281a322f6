// The big pad: digits go into the value that is chosen, and "Next value" goes on. The tablet's own keyboard stays away
// while the pad is there; a real keyboard works as ever.
const padOf = (element) => element?.closest?.(".vitals");
const valuesOf = (vitals) => [...vitals.querySelectorAll(".vitals__rows .stepper input")];
const chosenIn = (vitals) => vitals.querySelector(".vitals__rows .field--chosen input");

function choose(input) {
  const vitals = padOf(input);
  vitals.querySelector(".field--chosen")?.classList.remove("field--chosen");
  input.closest(".field").classList.add("field--chosen");
}

function changed(input, value) {
  input.value = value.slice(0, 6);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function prepare() {
  document.querySelectorAll(".vitals:not([data-ready])").forEach((vitals) => {
    vitals.dataset.ready = "yes";
    const inputs = valuesOf(vitals);
    inputs.forEach((input) => { input.inputMode = "none"; });
    const first = inputs.find((input) => !input.value) ?? inputs[0];
    if (first) choose(first);
  });
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.(".vitals__rows .stepper input")) choose(event.target);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".vitals__pad button");
  if (!button) return;
  const vitals = padOf(button);
  const input = chosenIn(vitals) ?? valuesOf(vitals)[0];
  if ("digit" in button.dataset) {
    const point = button.dataset.digit === ".";
    if (!point || !input.value.includes(".")) changed(input, input.value + button.dataset.digit);
  } else if ("erase" in button.dataset) changed(input, input.value.slice(0, -1));
  else {
    const inputs = valuesOf(vitals);
    choose(inputs[(inputs.indexOf(input) + 1) % inputs.length]);
  }
});

prepare();
document.addEventListener("htmx:afterSettle", prepare);
