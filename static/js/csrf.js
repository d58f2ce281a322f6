// The token is read from its cookie at send time: signing in another person rotates it while the page stays open.
const cookieName = document.querySelector('meta[name="csrf-cookie"]')?.content ?? "csrftoken";

function token() {
  const pair = document.cookie.split("; ").find((part) => part.startsWith(`${cookieName}=`));
  return pair ? decodeURIComponent(pair.slice(cookieName.length + 1)) : "";
}

document.addEventListener("htmx:configRequest", (event) => {
  const { verb, headers, parameters } = event.detail;
  if (verb === "get") return;
  headers["X-CSRFToken"] = token();
  parameters.delete?.("csrfmiddlewaretoken");
});
