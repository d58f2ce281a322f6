// The sheet with the names and the pad over an open page. The page stays; the session under it becomes another's.
const sheet = document.getElementById("sheet");
const say = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

// Fetched before it is needed, so that the names are there without a network too. Nobody asked for it: no act.
async function load() {
  const from = new URLSearchParams({ next: location.pathname + location.search });
  const answer = await fetch(`${sheet.dataset.src}?${from}`, { headers: { "HX-Request": "true", "X-Kypho-Background": "1" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = await answer.text();
  if (sheet.open && sheet.querySelector("form")) return;   // somebody is at it
  sheet.innerHTML = fresh;
  globalThis.htmx?.process(sheet);
  say("kypho:sheet");
}

function ready(person) {
  const form = sheet.querySelector("form");
  form?.reset();
  const chosen = person && sheet.querySelector(`input[name="user_id"][value="${person}"]`);
  if (chosen) chosen.checked = true;
  sheet.querySelector("[data-no-network]")?.toggleAttribute("hidden", navigator.onLine && !("case" in document.body.dataset));
}

async function open(person) {
  if (!sheet.querySelector("form")) await load().catch(() => {});
  ready(person);
  if (!sheet.open) sheet.showModal();
  (sheet.querySelector(person ? "#turn-pin" : "#sheet-title"))?.focus();
}

function show(person) {
  const { body } = document;
  body.dataset.person = person.id;
  body.dataset.personName = person.name;
  body.dataset.confirmed = person.confirmed ? "yes" : "no";
}

// Whoever is there now, by PIN or (without a network) by name alone.
function becomes(person) {
  const { dataset } = document.body;
  const before = { id: dataset.person, name: dataset.personName };
  show(person);
  if (before.id !== person.id) say("kypho:new-person", { before, now: person });
  say("kypho:person", person);
  if (person.confirmed) say("kypho:confirmed", { id: person.id });
}

if (sheet) {
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-sheet]")) {
      event.preventDefault();
      open();
    } else if (event.target.closest?.("[data-close-sheet]")) sheet.close();
  });
  // `kypho:ask-pin` {id}: the queue needs somebody's PIN before it can send what they made.
  document.addEventListener("kypho:ask-pin", (event) => open(event.detail?.id));
  document.addEventListener("kypho:load-sheet", () => load().catch(() => {}));
  document.addEventListener("kypho:becomes", (event) => becomes(event.detail));
  document.addEventListener("kypho:switched", (event) => {
    const { id, name } = event.detail;
    becomes({ id: String(id), name, confirmed: true });
    sheet.close();
    load().catch(() => {});
  });
  if ("requestIdleCallback" in globalThis) requestIdleCallback(() => load().catch(() => {}), { timeout: 3000 });
  else setTimeout(() => load().catch(() => {}), 1000);
}
