// The token is read from its cookie at send time: signing in another person rotates it while the page stays open.
import { token } from "./token.js";

document.addEventListener("htmx:configRequest", (event) => {
  const { verb, headers, parameters } = event.detail;
  // What no person asked for does not keep a tablet awake.
  const { elt, triggeringEvent } = event.detail;
  if (elt.id === "live" || triggeringEvent?.isTrusted === false) headers["X-Kypho-Background"] = "1";
  if (verb === "get") return;
  headers["X-CSRFToken"] = token();
  // Who this page takes its person to be: the server refuses where another one signed in on this tablet meanwhile.
  if (document.body.dataset.person) headers["X-Kypho-Person"] = document.body.dataset.person;
  parameters.delete?.("csrfmiddlewaretoken");
});

// Forms without htmx carry the token that they were drawn with, which a change of person has made void.
document.addEventListener("submit", ({ target }) => {
  const field = target.elements?.namedItem("csrfmiddlewaretoken");
  if (field && token()) field.value = token();
}, true);
