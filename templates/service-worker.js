// Keeps the interface and, of each case opened on this tablet, the one page made for it. Ordinary pages are never kept.
const SHELL = "shell-{{ version }}";
const CASES = "cases";
const FILES = {{ files|safe }};
const NOTHING = "{% url 'offline' %}";
const KEPT_HOURS = 12;
const PATIENCE = 7000;   // one second more than the server's own deadline

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const shell = await caches.open(SHELL);
  await shell.addAll([...FILES, NOTHING]);
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== SHELL && name !== CASES) await caches.delete(name);
  await dropOld();
  await self.clients.claim();
})()));

// A page of a case that is too old is dropped before anybody can see it.
async function dropOld() {
  const cases = await caches.open(CASES);
  for (const request of await cases.keys()) {
    const kept = await cases.match(request);
    if (Date.now() - Number(kept?.headers.get("X-Kept-At") ?? 0) > KEPT_HOURS * 3600000) await cases.delete(request);
  }
}

async function keep(url) {
  const cases = await caches.open(CASES);
  let answer;
  try { answer = await fetch(url, { credentials: "same-origin", redirect: "manual", headers: { "X-Kypho-Background": "1" } }); } catch { return; }
  // Signed out, revoked, over, or not ours any more: what was kept goes.
  if (answer.type === "opaqueredirect" || [401, 403, 404, 410].includes(answer.status)) { await cases.delete(url); return; }
  if (!answer.ok) return;
  const headers = new Headers(answer.headers);
  headers.set("X-Kept-At", String(Date.now()));
  headers.delete("Content-Encoding");
  await cases.put(url, new Response(await answer.blob(), { status: 200, headers }));
}

self.addEventListener("message", (event) => {
  const { keep: url, wipe } = event.data ?? {};
  if (url && new URL(url, self.location.origin).origin === self.location.origin) event.waitUntil(keep(url));
  if (wipe) event.waitUntil(caches.delete(CASES).then(() => event.ports[0]?.postMessage("wiped")));
});

async function page(request) {
  const url = new URL(request.url);
  const found = url.pathname.match(/^\/cases\/[0-9a-f-]{36}\//);
  try {
    const answer = await Promise.race([
      fetch(request),
      new Promise((_, stop) => { setTimeout(stop, PATIENCE, new Error("no answer")); }),
    ]);
    if (![502, 503, 504].includes(answer.status)) return answer;
    if (!found) return answer;
    return await offline(found[0]) ?? answer;
  } catch {
    return (found && await offline(found[0])) ?? caches.match(NOTHING);
  }
}

async function offline(where) {
  await dropOld();
  return (await caches.open(CASES)).match(`${where}offline/`);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") { event.respondWith(page(request)); return; }
  if (FILES.includes(url.pathname)) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});
