// Off an enrolled tablet: the session has ended, the page has not. The sign-in comes over the page, for the person whose page
// it is; then what waited is sent, and what was tapped is sent again. Nothing that was typed goes.
import { token } from "./token.js";

const sheet = document.getElementById("sign-in-sheet");
const password = sheet?.querySelector("[name=password]");
const problem = sheet?.querySelector("[data-problem]");
let tapped = null;    // a form whose request was answered 401, and that the queue has not taken

function say(word) {
  problem.hidden = !word;
  problem.querySelector("span").textContent = word ? sheet.dataset[word] : "";
}

function open(form = null) {
  tapped = form ?? tapped;
  if (sheet.open) return;
  sheet.querySelector("form").reset();
  say("");
  sheet.showModal();
  password.focus();
}

async function signIn(form) {
  const button = form.querySelector(".button--main");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST", credentials: "same-origin", body: new URLSearchParams(new FormData(form)),
      headers: { "X-CSRFToken": token(), "X-Requested-With": "XMLHttpRequest", Accept: "application/json" },
    });
    const told = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    if (answer.ok) goOn(told.location ?? "");
    else say({ 400: "wrong", 429: "often" }[answer.status] ?? "failed");
  } catch { say("failed"); }
  button.disabled = false;
  if (sheet.open) { password.value = ""; password.focus(); }
}

function goOn(location) {
  if (location.startsWith("/accounts/")) {   // a second factor is wanted: that is a page of its own
    globalThis.location.assign(`${location}?${new URLSearchParams({ next: globalThis.location.pathname })}`);
    return;
  }
  sheet.close();
  document.dispatchEvent(new CustomEvent("kypho:signed-in"));
  document.dispatchEvent(new CustomEvent("kypho:confirmed", { detail: { id: document.body.dataset.person } }));
  if (tapped?.isConnected) tapped.requestSubmit();
  tapped = null;
}

if (sheet) {
  document.addEventListener("htmx:responseError", ({ detail: { xhr, queued }, target }) => {
    if (xhr.status !== 401 || xhr.getResponseHeader("X-Kypho-Lock") || target.id === "live") return;
    open(!queued && target.matches?.("form") ? target : null);
  });
  document.addEventListener("kypho:ask-pin", () => open());
  sheet.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();   // a wrong password may be followed by a right one
    signIn(event.target);
  });
  sheet.querySelector("[data-later]").addEventListener("click", () => sheet.close());
}
