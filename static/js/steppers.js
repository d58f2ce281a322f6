// − value +. Empty at first; the first touch lands on the typical value, which is never stored untouched.
const decimals = (text) => (text.split(".")[1] ?? "").length;

function stepped(input, direction) {
  const { step = "1", typical, least, most } = input.dataset;
  const now = Number.parseFloat(input.value.replace(",", "."));
  const digits = Math.max(decimals(step), decimals(input.value.replace(",", ".")));
  let next = Number.isNaN(now) ? Number.parseFloat(typical ?? least ?? "0") : now + direction * Number.parseFloat(step);
  if (least !== undefined) next = Math.max(next, Number.parseFloat(least));
  if (most !== undefined) next = Math.min(next, Number.parseFloat(most));
  return next.toFixed(digits);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".stepper [data-direction]");
  if (!button) return;
  const input = button.closest(".stepper").querySelector("input");
  input.value = stepped(input, Number(button.dataset.direction));
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
