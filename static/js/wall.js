// A wall display has nobody in front of it. When its link is revoked it goes dark by itself, and once in a while it is
// read anew, so that a screen that runs for weeks shows the present version.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 404) location.reload();
});
// A stream that is refused may only be a server that restarts: the page itself says whether the link still holds.
setInterval(async () => {
  if (document.getElementById("live")?.dataset.state === "live") return;
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (answer.status === 404) location.reload();
  } catch { /* no network: the board says so itself */ }
}, 30000);
setInterval(() => { if (navigator.onLine) location.reload(); }, 6 * 3600 * 1000);
