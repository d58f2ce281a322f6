// What went wrong on the way, in words, with the way on. Nothing turned green: the server has not answered "committed".
const sheet = document.getElementById("problem");
let last = null;   // the form or link whose request failed

function say(kind, element) {
  if (!sheet || element?.id === "live" || element?.id === "figures") return;   // re-reading in the background saves nothing; its own sign says how it is
  last = element;
  sheet.querySelector("[data-words]").textContent = sheet.dataset[kind] ?? sheet.dataset.failed;
  const signIn = sheet.querySelector("[data-sign-in]");
  signIn.hidden = kind !== "signedOut";
  signIn.search = new URLSearchParams({ next: location.pathname });
  sheet.querySelector("[data-again]").hidden = kind === "signedOut" || kind === "kept" || !element?.matches?.("form");
  const without = sheet.querySelector("[data-without]");
  without.hidden = kind !== "kept" || !navigator.serviceWorker?.controller;
  without.href = `${location.pathname.match(/^\/cases\/[0-9a-f-]{36}\//)?.[0] ?? "/"}offline/`;
  sheet.hidden = false;
}

// What queue.js takes is kept, not lost; it says so itself once it is on the disk.
document.addEventListener("kypho:kept", (event) => say("kept", event.detail.form));
document.addEventListener("kypho:unkept", (event) => say("offline", event.detail.form));
document.addEventListener("kypho:signed-in", () => { if (sheet) sheet.hidden = true; });
document.addEventListener("kypho:sent", () => { if (sheet) sheet.hidden = true; });
document.addEventListener("htmx:sendError", (event) => event.detail.queued || say("offline", event.target));
document.addEventListener("htmx:timeout", (event) => event.detail.queued || say("timeout", event.target));
document.addEventListener("htmx:responseError", (event) => {
  const { queued, xhr } = event.detail;
  const { status } = xhr;
  const wanted = xhr.getResponseHeader("X-Kypho-Lock");
  if (wanted) {   // the lock covers the page (lock.js); what was tapped is said when it opens
    if (!queued && event.target.matches?.("form")) say("locked", event.target);
    document.dispatchEvent(new CustomEvent("kypho:locked", { detail: { wanted } }));
    return;
  }
  if (queued) return;
  say({ 401: "signedOut", 403: "forbidden", 404: "gone", 413: "tooLarge", 503: "unavailable" }[status] ?? "failed", event.target);
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.successful && sheet) sheet.hidden = true;
});
sheet?.querySelector("[data-again]")?.addEventListener("click", () => {
  sheet.hidden = true;
  if (last?.isConnected) last.requestSubmit();
});
