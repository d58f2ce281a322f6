// The note: a usual answer goes into its section with one tap, and Enter after the password signs.
document.addEventListener("click", (event) => {
  const pick = event.target.closest?.("[data-pick]");
  if (!pick) return;
  const area = document.getElementById(pick.dataset.for);
  const others = [...pick.parentElement.querySelectorAll("[data-pick]")].map((one) => one.dataset.pick);
  const lines = area.value.split("\n").filter((line) => line && !others.includes(line));
  area.value = [...lines, pick.dataset.pick].join("\n");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("#proof-password, #proof-code")) return;
  const button = document.getElementById("sign-button");
  if (!button) return;
  event.preventDefault();
  button.click();
});

// After a refusal: to what is wrong first.
document.querySelector("main form [aria-invalid]")?.focus();
