// A wall display has nobody in front of it. When its link is revoked it goes dark by itself, and once in a while it is
// read anew, so that a screen that runs for weeks shows the present version.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 404) location.reload();
});
setInterval(() => { if (navigator.onLine) location.reload(); }, 6 * 3600 * 1000);
