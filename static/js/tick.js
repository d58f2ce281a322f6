// One entry, one command id; a second tap while the first is on its way does nothing; the row says "waiting" meanwhile.
function newId() {
  if (globalThis.crypto?.randomUUID) return crypto.randomUUID();
  // crypto.randomUUID exists only on secure origins; a tablet on plain http in a demo has getRandomValues.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const rowOf = (form) => {
  const row = form.dataset?.row && document.getElementById(form.dataset.row);
  return row?.querySelector(".step__text, .half__value") ?? null;
};

document.addEventListener("htmx:beforeRequest", (event) => {
  const text = rowOf(event.target);
  if (text) text.dataset.waiting = document.body.dataset.textWaiting ?? "";
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target;
  const text = rowOf(form);
  if (text) delete text.dataset.waiting;
  // After a lost reply the id stays: sending the same again is then harmless.
  if (event.detail.successful && form.isConnected) {
    const field = form.querySelector?.('input[name="command_id"]');
    if (field) field.value = newId();
  }
});

// Plain forms (no htmx on them): the first submit goes, later ones are dropped until the page comes back.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// Another person goes on with this page: what they send is a command of their own.
document.addEventListener("kypho:new-person", () => {
  document.querySelectorAll('input[name="command_id"]').forEach((field) => { field.value = newId(); });
});
