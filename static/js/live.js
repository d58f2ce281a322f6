// Follows what the others record: a stream wakes the page, the page re-reads only what changed since what it has seen.
// A hidden tab closes its stream; coming back, a network that is back, and a restarted server all repair what was missed.
const sign = document.getElementById("live");
const BEAT = 40000;             // the server says something every 15 s; after this silence the line is dead
const PAUSES = [500, 1000, 2000, 4000, 8000, 15000];
let stream = null;
let failures = 0;
let retry = 0;
let silence = 0;
let reading = false;
let again = false;

const seen = () => Number(document.getElementById("seen")?.value ?? 0);
const hand = () => document.getElementById("hand");

function show(state) {
  if (sign.dataset.state === state) return;
  sign.dataset.state = state;
  document.dispatchEvent(new CustomEvent("kypho:line", { detail: { state } }));
}

function heard() {
  clearTimeout(silence);
  silence = setTimeout(lost, BEAT);
  failures = 0;
  show("live");
}

function close() {
  clearTimeout(silence);
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

function lost() {
  close();
  if (document.hidden) return;
  show(navigator.onLine ? "reconnecting" : "offline");
  const pause = PAUSES[Math.min(failures++, PAUSES.length - 1)];
  retry = setTimeout(open, pause * (0.75 + Math.random() / 2));
}

function open() {
  close();
  stream = new EventSource(sign.dataset.stream);
  silence = setTimeout(lost, BEAT);
  stream.addEventListener("hello", (event) => { heard(); wake(Number(event.data), true); });
  stream.addEventListener("changed", (event) => { heard(); wake(Number(event.data)); });
  stream.addEventListener("beat", heard);
  stream.addEventListener("error", lost);
}

function wake(seq, first = false) {
  if (!sign.dataset.changes) { if (!first || missed) read(); missed = false; return; }
  if (!seq || seq > seen()) read();
}
let missed = false;

async function read() {
  if (reading) { again = true; return; }
  reading = true;
  // One's own tick brings the same rows along: its answer is waited for.
  while (document.querySelector("#hand .htmx-request, #hand.htmx-request, #undo .htmx-request")) await new Promise((go) => setTimeout(go, 50));
  const focus = document.activeElement?.closest?.("[id]")?.id;
  const { changes } = sign.dataset;
  try {
    if (changes) {
      const query = new URLSearchParams({ seen: String(seen()), was: document.getElementById("was")?.value ?? "", stamp: document.getElementById("stamp")?.value ?? "" });
      await htmx.ajax("GET", `${changes}?${query}`, { source: sign, target: sign, swap: "none" });
    } else {
      await htmx.ajax("GET", location.href, { source: sign, target: "#board", swap: "outerHTML" });
    }
  } catch { /* the stream's own error says that the network is away */ }
  if (focus && document.activeElement === document.body) document.getElementById(focus)?.querySelector("a, button, input")?.focus();
  reading = false;
  if (again) { again = false; read(); }
}

const giveUp = () => reading && htmx.trigger(sign, "htmx:abort");

// Whether somebody is at work in the step in hand: what is typed there is never taken away.
function touched() {
  const place = hand();
  if (!place) return false;
  if (place.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) return true;
  if (place.querySelector("details[open]")) return true;
  return [...place.querySelectorAll("input:not([type=hidden]), select, textarea")].some((field) => {
    if (field.matches("[type=radio], [type=checkbox]")) return field.checked !== field.defaultChecked;
    if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected) && !(field.selectedIndex === 0 && ![...field.options].some((option) => option.defaultSelected));
    return field.value !== field.defaultValue;
  });
}

// The step stays the same under the finger: it is drawn again in place, never exchanged for the next one.
function stale() {
  const news = document.getElementById("hand-news");
  if (!news) return;
  if (touched()) news.hidden = false;
  else htmx.trigger(news.querySelector("a"), "click");
}

function turned() {
  const news = document.getElementById("hand-news");
  if (touched() && news) news.hidden = false;
  else location.reload();
}

if (sign) {
  document.addEventListener("kypho:stale", stale);
  document.addEventListener("kypho:turned", turned);
  document.addEventListener("kypho:sent", read);
  document.addEventListener("visibilitychange", () => { if (document.hidden) { missed = true; close(); } else { failures = 0; open(); } });
  addEventListener("online", () => { failures = 0; missed = true; open(); });
  document.addEventListener("kypho:unlocked", () => { failures = 0; missed = true; open(); });
  addEventListener("offline", () => { missed = true; close(); show("offline"); });
  addEventListener("pagehide", () => { close(); giveUp(); });
  // On the way to another page (a plain form was sent) nothing is re-read: a reload would cut that way short.
  addEventListener("beforeunload", () => { close(); giveUp(); setTimeout(() => document.hidden || open(), 10000); });
  // One's own tap goes first: what was being read is older than its answer will be.
  document.addEventListener("htmx:beforeRequest", (event) => { if (reading && event.target !== sign) { again = true; giveUp(); } });
  addEventListener("pageshow", (event) => { if (event.persisted) { missed = true; open(); } });
  document.addEventListener("kypho:line", (event) => { if (event.detail.state !== "live") missed = true; });
  if (!document.hidden) open();
}
