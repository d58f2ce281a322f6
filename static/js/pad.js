// Large digits for a PIN. With them there is no need for the keyboard of the device, which would cover half the screen.
function prepare(root) {
  root.querySelectorAll?.("[data-pad]").forEach((pad) => {
    const field = document.getElementById(pad.dataset.pad);
    if (field) field.inputMode = "none";
  });
}

document.addEventListener("click", (event) => {
  const key = event.target.closest?.("[data-pin-key]");
  if (!key) return;
  const field = document.getElementById(key.closest("[data-pad]").dataset.pad);
  const digit = key.dataset.pinKey;
  if (digit === "all") field.value = "";
  else if (digit === "last") field.value = field.value.slice(0, -1);
  else if (field.value.length < field.maxLength) field.value += digit;
});

document.addEventListener("htmx:afterSettle", () => prepare(document));
document.addEventListener("kypho:sheet", () => prepare(document));
prepare(document);
