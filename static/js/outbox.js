// What was ticked without the server waits here, in this browser's own database, until the server says that it stands in
// the record. It holds keys, times and the typed values of its own ticks; no name of a patient and no MRN.
import { offset } from "./offset.js";
import { token } from "./token.js";

const STORE = "ticks";
const BATCH = 25;
const AGAIN = 5000;
let opened = null;
let sending = false;

function database() {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open("kypho", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "n", autoIncrement: true });
    request.onsuccess = () => done(request.result);
    request.onerror = () => { opened = null; failed(request.error); };
  });
  return opened;
}

async function within(mode, work) {
  const base = await database();
  return new Promise((done, failed) => {
    const act = base.transaction(STORE, mode, { durability: "strict" });
    const result = work(act.objectStore(STORE));
    act.oncomplete = () => done(result?.result);
    act.onabort = act.onerror = () => failed(act.error);
  });
}

/** Everything that waits or was refused, oldest first. */
export const all = () => within("readonly", (store) => store.getAll());

/** Keep a tick. Resolves only once it is on the disk. */
export async function add(tick) {
  const { person, confirmed } = document.body.dataset;
  await within("readwrite", (store) => store.add({
    ...tick, person: Number(person), confirmed: confirmed !== "no", device_at: new Date().toISOString(), offset_ms: offset, state: "waiting",
  }));
  navigator.storage?.persist?.();
  await changed();
}

/** Take one away: the server has it, or the nurse has settled it. */
export async function remove(n) {
  await within("readwrite", (store) => store.delete(n));
  await changed();
}

/** The note was signed before this came: send it as an addendum, with the reason. */
export async function addend({ n }, reason) {
  const item = (await all()).find((one) => one.n === n);
  if (!item) return;
  const action = { done: "addendum", mark: "addendum-mark" }[item.action] ?? item.action;
  const fields = [...item.fields.filter(([name]) => name !== "addendum_reason"), ["addendum_reason", reason]];
  await within("readwrite", (store) => store.put({ ...item, action, fields, state: "waiting", code: "", sentence: "" }));
  await changed();
  await send();
}

async function changed() {
  const items = await all();
  document.dispatchEvent(new CustomEvent("kypho:queue", { detail: { items } }));
  return items;
}

async function post(items) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 8000);
  try {
    return await fetch("/outbox/", {
      method: "POST", credentials: "same-origin", redirect: "manual", signal: stop.signal,
      headers: { "Content-Type": "application/json", "X-CSRFToken": token(), "X-Kypho-Background": "1" },
      body: JSON.stringify({ items: items.map(({ id, case: where, key, action, person, device_at, offset_ms, fields }) => ({ id, case: where, key, action, person, device_at, offset_ms, fields })) }),
    });
  } finally { clearTimeout(timer); }
}

/** Send what waits, in order. Stops at the first that needs the PIN of its person, or when the server is away. */
export async function send() {
  if (sending || !navigator.onLine) return;
  sending = true;
  try {
    for (;;) {
      const waiting = (await all()).filter((item) => item.state === "waiting");
      if (!waiting.length) return;
      if (!document.body.dataset.person) { needs(waiting[0]); return; }   // nobody is signed in here
      const answer = await post(waiting.slice(0, BATCH));
      if (!answer.ok) { needs(answer.status === 401 ? waiting[0] : {}); return; }
      const { results } = await answer.json();
      if (await settle(waiting, results)) return;
    }
  } catch { /* no network: another try comes by itself */ } finally {
    sending = false;
    await changed();
  }
}

function needs({ person = 0, confirmed = true }) {
  document.dispatchEvent(new CustomEvent("kypho:needs", { detail: { person, confirmed } }));
}

// Returns whether to stop.
async function settle(waiting, results) {
  let applied = 0;
  for (const [place, { result, code, sentence }] of results.entries()) {
    const item = waiting[place];
    if (result === "applied") { applied += 1; await within("readwrite", (store) => store.delete(item.n)); }
    else if (result === "refused") await within("readwrite", (store) => store.put({ ...item, state: "refused", code, sentence }));
    else { needs(item); break; }
  }
  if (applied) document.dispatchEvent(new CustomEvent("kypho:sent", { detail: { applied } }));
  return results.length < Math.min(waiting.length, BATCH) || results.at(-1)?.result === "waiting";
}

addEventListener("online", send);
document.addEventListener("kypho:line", (event) => { if (event.detail.state === "live") send(); });
document.addEventListener("kypho:confirmed", send);
document.addEventListener("visibilitychange", () => document.hidden || send());
setInterval(async () => { if ((await all()).some((item) => item.state === "waiting")) send(); }, AGAIN);
changed().then((items) => items.length && send());
