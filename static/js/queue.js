// The queue as the nurse sees it: never green, always counted, and whatever the server refused is hers to settle.
import { add, addend, all, remove, send } from "./outbox.js";

const box = document.getElementById("queue");
const BUSY = new Set([401, 502, 503, 504]);
const ACTION = /\/cases\/([0-9a-f-]{36})\/steps\/([A-Za-z0-9-]+)\/(done|mark)\/$/;
const UNSENT = new Set(["csrfmiddlewaretoken", "seen", "was", "command_id", "as_user", "as_pin"]);
const here = document.body.dataset.case ?? location.pathname.match(/\/cases\/([0-9a-f-]{36})\//)?.[1];
let needed = null;

const titleOf = (key) => {
  const row = document.getElementById(`row-${key}`);
  return row?.dataset.title ?? row?.querySelector(".step__title")?.textContent.trim().replace(/\s+/g, " ") ?? key;
};

function draw(items) {
  if (!box) return;
  const waiting = items.filter((item) => item.state === "waiting");
  const refused = items.filter((item) => item.state === "refused");
  const say = (name, n) => box.dataset[n === 1 ? `${name}One` : `${name}Many`].replace("{n}", n);
  box.hidden = !items.length;
  box.querySelector("[data-count]").textContent = [waiting.length && say("waiting", waiting.length), refused.length && say("refused", refused.length)].filter(Boolean).join(" · ");
  const own = needed === Number(document.body.dataset.person);
  box.querySelector("[data-hint]").textContent = needed === null || !waiting.length ? "" : box.dataset[own ? "signedOut" : "person"];
  const ask = box.querySelector("[data-ask]");
  if (ask) ask.hidden = needed === null || !waiting.length || (ask.dataset.ask === "own" && !own);
  box.toggleAttribute("data-refused", refused.length > 0);
  if (refused.length) document.getElementById("queue-box").open = true;
  const list = document.getElementById("queue-items"), now = JSON.stringify([...refused, ...waiting].map(({ n, state, sentence }) => [n, state, sentence]));
  if (list.dataset.drawn !== now) list.replaceChildren(...[...refused, ...waiting].map(line));   // what is being typed there stays
  list.dataset.drawn = now;
  mark(items.filter((item) => item.case === here));
}

function line(item) {
  const fresh = document.getElementById("queue-item").content.cloneNode(true);
  fresh.querySelector("[data-title]").textContent = item.case === here ? titleOf(item.key) : item.key;
  fresh.querySelector("[data-time]").textContent = new Date(Date.parse(item.device_at) + item.offset_ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", timeZone: document.documentElement.dataset.zone });
  fresh.querySelector("[data-where]").textContent = item.said ?? "";
  fresh.querySelector("[data-sentence]").textContent = item.sentence ?? "";
  const settle = fresh.querySelector("[data-settle]");
  settle.hidden = item.state !== "refused";
  settle.querySelector("[data-look]").href = `/cases/${item.case}/steps/${item.key}/`;
  settle.querySelector("[data-remove]").addEventListener("click", () => remove(item.n));
  const late = fresh.querySelector("[data-signed]"), reason = late.querySelector("[data-reason]");
  late.hidden = item.state !== "refused" || !(item.code === "signed" || item.action.startsWith("addendum"));
  reason.value = item.fields.find(([name]) => name === "addendum_reason")?.[1] ?? "";
  late.querySelector("[data-addend]").addEventListener("click", () => { if (reason.value.trim()) addend(item, reason.value.trim()); else reason.focus(); });
  return fresh;
}

// The rows say "waiting to send", in words; a tick turns green only when the server has it.
function mark(items) {
  document.querySelectorAll("[data-queued]").forEach((row) => delete row.dataset.queued);
  for (const { key, state } of items) {
    const row = document.getElementById(`row-${key}`);
    const text = row?.querySelector(".step__text");
    if (text && state === "waiting") text.dataset.queued = document.body.dataset.textQueued ?? "";
  }
}

/** Keep what a form would have sent. */
export async function keep(where, key, action, form) {
  const fields = [...new FormData(form)].filter(([name, value]) => !UNSENT.has(name) && typeof value === "string");
  const id = form.querySelector('input[name="command_id"]')?.value || crypto.randomUUID();
  // Three notes in a row look alike: what was written tells them apart.
  const said = [...form.querySelectorAll("textarea, [name=reason]")].map((field) => field.value.trim()).filter(Boolean).join(" · ");
  await add({ id, case: where, key, action, fields, said });
  return id;
}

async function take(event) {
  const form = event.target;
  const [, where, key, action] = ACTION.exec(form.getAttribute?.("hx-post") ?? "") ?? [];
  if (!where || form.elements.as_user?.value) return;   // as a colleague: their PIN is judged at once, and kept nowhere
  event.detail.queued = true;
  try {
    await keep(where, key, action, form);
    form.reset();
    const field = form.querySelector('input[name="command_id"]');
    if (field) field.value = crypto.randomUUID();
    document.dispatchEvent(new CustomEvent("kypho:kept", { detail: { form } }));
  } catch {
    document.dispatchEvent(new CustomEvent("kypho:unkept", { detail: { form } }));
  }
}

document.addEventListener("htmx:sendError", take);
document.addEventListener("htmx:timeout", take);
document.addEventListener("htmx:responseError", (event) => { if (BUSY.has(event.detail.xhr.status)) take(event); });
document.addEventListener("kypho:queue", (event) => draw(event.detail.items));
document.addEventListener("kypho:needs", async (event) => {
  const { person, confirmed } = event.detail;
  needed = person || null;
  draw(await all());
  // Whoever went on by name alone gives the PIN as soon as somebody can check it.
  if (person && confirmed === false) document.dispatchEvent(new CustomEvent("kypho:ask-pin", { detail: { id: person } }));
});
box?.querySelector("[data-ask]")?.addEventListener("click", () => document.dispatchEvent(new CustomEvent("kypho:ask-pin", { detail: { id: needed } })));
document.addEventListener("kypho:sent", () => { needed = null; });
document.addEventListener("htmx:afterSettle", async () => { const items = await all(); if (items.length) mark(items.filter((item) => item.case === here)); });

// The app's own worker, and the page that it keeps of the case in view.
const worker = navigator.serviceWorker;
let dirty = false;

async function tell(message) {
  const active = (await worker.ready).active;
  return new Promise((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    active.postMessage(message, [channel.port2]);
    setTimeout(done, 1500);
  });
}
const keepCase = () => { dirty = false; if (here && !document.hidden) tell({ keep: `/cases/${here}/offline/` }); };

if (worker && document.body.dataset.person) {
  worker.register("/service-worker.js");
  if (here && !document.body.dataset.case) {
    keepCase();
    // New rows came up (a vertebra, an access): a tablet that loses the network now must have them.
    document.addEventListener("htmx:oobAfterSwap", (event) => {
      dirty = true;
      if (event.target.id === event.detail.target?.id && event.target.matches("#procedure, .level")) keepCase();
    });
    setInterval(() => dirty && keepCase(), 180000);
  }
} else if (worker && "caches" in globalThis) {
  caches.delete("cases");   // nobody is signed in: what was kept for somebody goes
}

// Signing out: what waits is said and stays for its owner; everything else that was kept goes.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!/\/logout\/$/.test(form.getAttribute("action") ?? "") || form.dataset.ready) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const go = async () => {
    if (worker?.controller) await tell({ wipe: true });
    sessionStorage.clear();
    form.dataset.ready = "yes";
    form.requestSubmit();
  };
  const sheet = document.getElementById("sign-out-sheet");
  if (!(await all()).length || !sheet) { await go(); return; }
  sheet.addEventListener("close", () => sheet.returnValue === "go" && go(), { once: true });
  sheet.showModal();
}, true);

all().then((items) => { draw(items); if (items.length) send(); });
