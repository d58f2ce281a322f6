// Three small helps: a tap on the chosen segment takes the choice back, "None" stands alone among its boxes, and "Now"
// fills a time in the site's zone.
import { offset, siteZone as zone } from "./offset.js";

let chosenBefore = null;
document.addEventListener("pointerdown", (event) => {
  const radio = event.target.closest?.(".segments label")?.querySelector("input[type=radio]");
  chosenBefore = radio?.checked ? radio : null;
});
document.addEventListener("click", (event) => {
  const radio = event.target;
  if (radio.matches?.(".segments input[type=radio]") && radio === chosenBefore && !radio.required && !radio.closest(".when-done")) {
    radio.checked = false;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }
  chosenBefore = null;
});

document.addEventListener("change", ({ target }) => {
  if (!target.matches?.(".chips input[type=checkbox]") || !target.checked) return;
  for (const other of target.closest(".chips").querySelectorAll("input[type=checkbox]"))
    if (other !== target && (other.value === "none") !== (target.value === "none")) other.checked = false;
});

function localNow() {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", timeZone: zone,
  }).formatToParts(Date.now() + offset).map(({ type, value }) => [type, value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-now-for]");
  if (button) document.getElementById(button.dataset.nowFor).value = localNow();
});

// "Now | Earlier…": Earlier starts from the present minute; going back to Now empties the time, and the server's clock counts.
document.addEventListener("change", (event) => {
  const box = event.target.closest?.(".when-done");
  if (!box || event.target.type !== "radio") return;
  const input = box.querySelector('input[type="datetime-local"]');
  input.value = event.target.value === "earlier" ? input.value || localNow() : "";
});
