// The button of the paper sheet opens the browser's own print dialog.
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-print]")) globalThis.print();
});
