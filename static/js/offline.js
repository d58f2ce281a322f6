// The page for a case without network: choose a row, fill in its form, keep it. It looks like the Case page on purpose.
import { keep } from "./queue.js";

const hand = document.getElementById("hand");
const where = document.body.dataset.case;
let current = null;

function take(row) {
  const form = document.querySelector(`template[data-form="${CSS.escape(row.dataset.code)}"]`);
  current?.removeAttribute("aria-current");
  current = row;
  row.setAttribute("aria-current", "step");
  hand.replaceChildren(form.content.cloneNode(true));
  hand.querySelector("[data-title]").textContent = row.dataset.title;
  hand.querySelector("[data-button]").textContent = row.dataset.title;
  const by = hand.querySelector("[name=performed_by]");
  if ([...by.options].some((option) => option.value === document.body.dataset.person)) by.value = document.body.dataset.person;
  hand.querySelector("fieldset[data-sides]").hidden = !row.dataset.sides;
  hand.querySelector("h2").focus();
  hand.scrollIntoView({ block: "nearest" });
}

function next() {
  const rows = [...document.querySelectorAll(".offline__rows [data-key]")];
  const after = rows.slice(rows.indexOf(current) + 1);
  return [...after, ...rows].find((row) => row.dataset.due && !row.querySelector("[data-queued]"));
}

document.addEventListener("click", (event) => {
  const row = event.target.closest?.(".offline__rows [data-key]");
  if (row) take(row);
});

hand.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const sides = hand.querySelector("fieldset[data-sides]");
  const lacksSide = form.dataset.action === "done" && !sides.hidden && !form.querySelector("[name=side]:checked");
  hand.querySelector("[data-side-error]").hidden = !lacksSide;
  if (lacksSide || !form.reportValidity()) return;
  const done = current;
  await keep(where, done.dataset.key, form.dataset.action, form);
  document.getElementById("said").textContent = `${done.dataset.title}: ${document.body.dataset.textQueued}`;
  const following = next();
  if (following) take(following);
});

const first = next();
if (first) take(first);

// Somebody else has to give a PIN, and the server is there to check it: the case itself asks for it.
document.addEventListener("kypho:needs", (event) => { if (event.detail.person) location.assign(`/cases/${where}/`); });

// Back on the network and everything sent: the case itself.
document.addEventListener("kypho:queue", (event) => {
  if (navigator.onLine && !event.detail.items.some((item) => item.state === "waiting") && sent && !hand.querySelector("form")?.matches(":focus-within")) location.assign(`/cases/${where}/`);
});
let sent = false;
document.addEventListener("kypho:sent", () => { sent = true; });
