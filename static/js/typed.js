// Another person goes on with this page. What the one before has half typed stays, and says so until it is touched.
const sheet = document.getElementById("sheet");
const words = (text, name) => text.replace("NAME", name);

function isTyped(control) {
  if (control.type === "hidden" || control.disabled || !control.name) return false;
  if (control.type === "radio" || control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control instanceof HTMLSelectElement) {
    const drawn = [...control.options].find((option) => option.defaultSelected) ?? control.options[0];
    return control.selectedOptions[0] !== drawn;
  }
  return control.value !== control.defaultValue;
}

const typedIn = (root) => [...root.querySelectorAll("input, select, textarea")]
  .filter((control) => !control.closest("#sheet") && isTyped(control));

function line(className, text) {
  const found = document.createElement("p");
  found.className = className;
  found.textContent = text;
  return found;
}

function mark(control, name) {
  const field = control.closest(".field, .check, label") ?? control.parentElement;
  if (field.dataset.typedBy) return;   // still untouched since somebody before
  field.dataset.typedBy = name;
  field.append(line("typed-by", words(sheet.dataset.typed, name)));
  const send = field.closest("form")?.querySelector(".hand__do, .button--action, .button--main");
  if (!send || field.closest("form").querySelector(".typed-notice")) return;
  const notice = line("typed-notice", words(sheet.dataset.sends, name));
  notice.setAttribute("role", "status");
  if (send.matches(".hand__do")) send.prepend(notice);
  else send.before(notice);
}

function unmark(field) {
  const form = field.closest("form");
  delete field.dataset.typedBy;
  field.querySelector(":scope > .typed-by")?.remove();
  if (!form?.querySelector("[data-typed-by]")) form?.querySelector(".typed-notice")?.remove();
}

// Who did it is taken to be whoever sends it, unless somebody was chosen.
function takeOverAsPerformer(before, now) {
  document.querySelectorAll('select[name="performed_by"]').forEach((list) => {
    const { you } = sheet.dataset;
    const was = [...list.options].find((option) => option.value === before.id);
    const is = [...list.options].find((option) => option.value === now.id);
    if (was) was.textContent = was.textContent.replace(` ${you}`, "");
    if (is && !is.textContent.includes(you)) is.textContent += ` ${you}`;
    if (list.value === before.id && is) {
      was.defaultSelected = false;
      is.defaultSelected = true;
      list.value = now.id;
    }
  });
}

// Nothing half typed: the step in hand, or the page, is drawn anew for whoever is there now.
function drawAnew() {
  const hand = document.getElementById("hand");
  const base = location.pathname.match(/^\/cases\/[0-9a-f-]{36}\//)?.[0];
  if (!globalThis.htmx) return;   // the page that is kept for the time without network
  if (!hand || !base) { location.reload(); return; }
  const key = document.getElementById("was")?.value;
  globalThis.htmx.ajax("GET", key ? `${base}steps/${key}/` : base, { source: hand, target: "#hand", swap: "outerHTML" });
}

document.addEventListener("kypho:new-person", (event) => {
  const { before, now } = event.detail;
  const typed = typedIn(document).filter((control) => control.name !== "performed_by" || control.value !== before.id);
  if (!typed.length && now.confirmed) { drawAnew(); return; }
  takeOverAsPerformer(before, now);
  typed.forEach((control) => mark(control, before.name));
});

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const field = event.target.closest?.("[data-typed-by]");
    if (field && event.isTrusted !== false) unmark(field);
  });
}
document.addEventListener("click", (event) => {   // the steppers' buttons change their field without a person typing
  const field = event.target.closest?.(".stepper button, [data-now-for]")?.closest("[data-typed-by]");
  if (field) unmark(field);
});
