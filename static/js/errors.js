// What went wrong on the way, in words, with the way on. Nothing turned green: the server has not answered "committed".
const sheet = document.getElementById("problem");
let last = null;   // the form or link whose request failed

function say(kind, element) {
  if (!sheet || element?.id === "live") return;   // re-reading in the background saves nothing; its own sign says how it is
  last = element;
  sheet.querySelector("[data-words]").textContent = sheet.dataset[kind] ?? sheet.dataset.failed;
  const signIn = sheet.querySelector("[data-sign-in]");
  signIn.hidden = kind !== "signedOut";
  signIn.search = new URLSearchParams({ next: location.pathname });
  sheet.querySelector("[data-again]").hidden = kind === "signedOut" || !element?.matches?.("form");
  sheet.hidden = false;
}

document.addEventListener("htmx:sendError", (event) => say("offline", event.target));
document.addEventListener("htmx:timeout", (event) => say("timeout", event.target));
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  const wanted = event.detail.xhr.getResponseHeader("X-Kypho-Lock");
  if (wanted) {   // the lock covers the page (lock.js); what was tapped is said when it opens
    if (event.target.matches?.("form")) say("locked", event.target);
    document.dispatchEvent(new CustomEvent("kypho:locked", { detail: { wanted } }));
    return;
  }
  say({ 401: "signedOut", 403: "forbidden", 404: "gone", 413: "tooLarge", 503: "unavailable" }[status] ?? "failed", event.target);
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.successful && sheet) sheet.hidden = true;
});
sheet?.querySelector("[data-again]")?.addEventListener("click", () => {
  sheet.hidden = true;
  if (last?.isConnected) last.requestSubmit();
});
