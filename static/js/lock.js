// The lock. After some minutes without a person's doing the names cover the page; the case, what is half typed and the running
// timers stay where they are. The server keeps the same clock and answers a locked session with nothing but the PIN.
import { token } from "./token.js";

const sheet = document.getElementById("sheet");
const { body } = document;
const say = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
const idle = Number(sheet?.dataset.idle ?? 5) * 60_000;
const TELL_EVERY = 60_000;

let lastAct = Date.now();
let lastTold = Date.now();
let timersPlace = null;    // where the strip of timers stands while the page is open
let focused = null;

const tell = (address) => fetch(address, {
  method: "POST", headers: { "HX-Request": "true", "X-CSRFToken": token() }, keepalive: true,
}).catch(() => null);

const isLocked = () => "locked" in body.dataset;

// Who is there by name alone, and that it is locked, outlives a reload, also without a network. Names of staff, never a patient's.
const KEPT = "kypho-turn";
function keepTurn() {
  const { person, personName: name, confirmed } = body.dataset;
  if (confirmed !== "no" && !isLocked()) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, JSON.stringify({ person, name, confirmed, locked: isLocked() }));
}

function takeUpTurn() {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
  if (!kept) return;
  if (kept.confirmed === "no") say("kypho:becomes", { id: kept.person, name: kept.name, confirmed: false });
  if (kept.locked) lock();
  else if (navigator.onLine) askForThePin();
}

function borrowTimers() {
  const timers = document.getElementById("timers");
  if (!timers || sheet.contains(timers)) return;
  timersPlace = document.createComment("timers");
  timers.replaceWith(timersPlace);
  sheet.prepend(timers);
}

function returnTimers() {
  const timers = sheet.querySelector("#timers");
  if (timers) timersPlace?.replaceWith(timers);
  timersPlace = null;
}

function lock({ told = false } = {}) {
  if (isLocked() || !sheet) return;
  focused = document.activeElement;
  if (sheet.open) sheet.close();
  if (!sheet.querySelector("form")) say("kypho:load-sheet");
  body.dataset.locked = "";
  for (const part of body.children) if (part !== sheet) part.inert = true;
  borrowTimers();
  sheet.classList.add("sheet--lock");
  sheet.querySelector("form")?.reset();
  noNetwork(!navigator.onLine);
  sheet.show();   // not modal: no key closes it
  sheet.querySelector("#sheet-title")?.focus();
  keepTurn();
  if (!told) tell(sheet.dataset.lockAt);
}

function unlock() {
  lastAct = lastTold = Date.now();
  if (!isLocked()) return;
  returnTimers();
  delete body.dataset.locked;
  for (const part of body.children) part.inert = false;
  sheet.classList.remove("sheet--lock");
  sheet.close();
  keepTurn();
  if (focused?.isConnected) focused.focus();
  say("kypho:unlocked");
}

function acted() {
  const now = Date.now();
  if (isLocked()) return;
  if (now - lastAct >= idle) { lock(); return; }   // the device slept
  lastAct = now;
  if (now - lastTold < TELL_EVERY || body.dataset.confirmed === "no") return;
  lastTold = now;
  tell(sheet.dataset.actAt);
}

// Without a network nobody can check a PIN: the name alone opens the lock, and is not yet confirmed. A page that was kept
// for that time sends nothing by itself, whatever the device believes of its network: the server may be away too.
const standIn = "case" in body.dataset;
let unreachable = standIn;
function noNetwork(is) {
  unreachable = standIn || is;
  sheet.querySelector("[data-no-network]")?.toggleAttribute("hidden", !unreachable);
}

function byNameAlone(radio) {
  const name = radio.closest("label").querySelector("b").textContent;
  radio.checked = false;
  say("kypho:becomes", { id: radio.value, name, confirmed: false });
  unlock();
  if (sheet.open) sheet.close();
}

function showWhoIsThere(person) {
  const bar = document.getElementById("you");
  if (!bar) return;
  const words = bar.querySelector("[data-name]");
  const other = words.textContent !== person.name;
  words.textContent = person.name;
  const label = sheet.querySelector(`input[name="user_id"][value="${person.id}"]`)?.closest("label");
  if (other && label) {
    bar.querySelector("[data-role]").textContent = label.querySelector("small").firstChild.textContent;
    bar.querySelector(".initials").textContent = label.querySelector(".initials").textContent;
  }
  bar.querySelector("[data-unconfirmed]").hidden = person.confirmed;
}

// Back on the network: whoever is there by name alone gives the PIN. Until then nothing goes out under another's session.
function askForThePin() {
  if (body.dataset.confirmed === "no" && !standIn) say("kypho:ask-pin", { id: body.dataset.person });
}

if (sheet) {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, acted, { capture: true, passive: true });
  setInterval(() => { if (Date.now() - lastAct >= idle) lock(); }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - lastAct >= idle) lock(); });
  document.addEventListener("kypho:locked", (event) => {
    if (event.detail?.wanted === "change") location.assign(`/pin/?${new URLSearchParams({ next: location.pathname })}`);
    else lock({ told: true });
  });
  document.addEventListener("kypho:needs", (event) => {   // the queue waits for a PIN: that of whoever is there by name alone
    if (String(event.detail.person) === body.dataset.person) askForThePin();
  });
  document.addEventListener("kypho:switched", unlock);
  document.addEventListener("kypho:person", (event) => { showWhoIsThere(event.detail); keepTurn(); });
  document.addEventListener("htmx:afterSettle", () => {   // the bar may have been drawn anew, for the person of the session
    if (body.dataset.person) showWhoIsThere({ id: body.dataset.person, name: body.dataset.personName, confirmed: body.dataset.confirmed === "yes" });
  });
  document.addEventListener("kypho:sheet", () => {
    noNetwork(unreachable || !navigator.onLine);
    if (isLocked()) sheet.querySelector("#sheet-title")?.focus();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-lock]")) {
      event.preventDefault();
      lock();
    }
  });
  addEventListener("offline", () => noNetwork(true));
  addEventListener("online", () => { noNetwork(false); askForThePin(); });
  for (const kind of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(kind, (event) => { if (sheet.contains(event.target)) noNetwork(true); });
  }
  document.addEventListener("htmx:responseError", (event) => {
    if (sheet.contains(event.target) && [502, 503, 504].includes(event.detail.xhr.status)) noNetwork(true);
  });
  sheet.addEventListener("change", (event) => {
    if (event.target.name === "user_id" && unreachable) byNameAlone(event.target);
  });
  document.addEventListener("htmx:confirm", (event) => {   // before anything is sent
    if (body.dataset.confirmed !== "no" || unreachable || sheet.contains(event.target) || event.detail.verb === "get") return;
    event.preventDefault();
    askForThePin();
  });
  document.addEventListener("submit", (event) => {
    if (body.dataset.confirmed !== "no" || unreachable || event.target.hasAttribute("hx-post")) return;
    event.preventDefault();
    askForThePin();
  }, true);
  takeUpTurn();
}

// The page with the names, and the sign-out: from there on the server alone says who is there.
document.addEventListener("submit", (event) => {
  if (event.target.matches('body.turn-page form, form[action$="/logout/"]')) localStorage.removeItem(KEPT);
});
