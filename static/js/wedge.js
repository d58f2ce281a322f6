// A barcode scanner is a keyboard that types very fast and ends with Enter. Wherever the focus is, its code goes into the
// product field of the step in hand, and neither letters nor the Enter reach anything else.
const FAST = 50;       // ms between two keys: nobody types a whole code so fast, and scanners need 1 to 40
const SURE = 6;        // keys in a row that fast are a scanner; from then on they are held back
const SHORTEST = 8;    // the shortest code: a GTIN-8, or a date
const GS = "␝";        // the separator, visible; the server knows what it stands for

let burst = null;      // { text, last, target, value, start, end, held }
let alt = "";          // digits typed while Alt is down: some scanners send a sign as its number

const isText = (element) => element?.matches?.("textarea, select, input:not([type=button], [type=checkbox], [type=radio], [type=submit])");
const scanInput = () => {
  const inputs = [...document.querySelectorAll("#hand [data-scan]")];
  return inputs.find((input) => !input.closest(".product").querySelector("[name$=_read]").value) ?? inputs[0] ?? null;
};

function begin(target, now) {
  const text = isText(target) ? target : null;
  burst = { text: "", keys: 0, last: now, target: text, value: text?.value, held: false };
  try { burst.start = text?.selectionStart; burst.end = text?.selectionEnd; } catch { burst.start = null; }
}

// What the first keys left in the focused input is taken out again.
function takeBack() {
  const { target, value, start } = burst;
  if (!target || target.value === value) return;
  target.value = value;
  if (start !== null && start !== undefined && target.setSelectionRange) {
    try { target.setSelectionRange(start, burst.end); } catch { /* a date or number has no selection */ }
  }
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

// It was no scanner after all: what was held back is typed into where it belonged.
function giveBack(old) {
  if (!old?.held || !old.target?.isConnected || old.target.matches("select")) return;
  const { target, text, start, end } = old;
  const at = start ?? target.value.length;
  target.value = target.value.slice(0, at) + text + target.value.slice(end ?? at);
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

// A scan that has no place to go is said, and does nothing.
function tell(words) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.setAttribute("role", "status");
  toast.append(Object.assign(document.createElement("p"), { textContent: words }));
  document.getElementById("toasts")?.append(toast);
  setTimeout(() => toast.remove(), 6000);
}

function deliver(text) {
  const input = scanInput();
  if (!input) {
    tell(document.getElementById("main")?.dataset.textNoProduct ?? "");
    return;
  }
  input.closest("details")?.setAttribute("open", "");
  input.value = text;
  input.dispatchEvent(new CustomEvent("scanned", { bubbles: true }));
}

function sign(event) {
  if (event.ctrlKey || event.metaKey) return event.code === "BracketRight" || event.key === "]" ? GS : "";
  if (event.key === "F8") return GS;
  return event.key.length === 1 && !event.altKey ? event.key : "";
}

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

function add(text, event) {
  const now = event.timeStamp;
  if (!burst || now - burst.last > FAST) begin(event.target, now);
  burst.text += text;
  burst.keys += 1;
  burst.last = now;
  if (burst.keys === SURE) {
    burst.held = true;
    takeBack();
  }
  if (burst.held) stop(event);
  const mine = burst;
  clearTimeout(mine.timer);
  mine.timer = setTimeout(() => { if (burst === mine) { burst = null; giveBack(mine); } }, 10 * FAST);
}

function onKey(event) {
  const own = event.target.closest?.("[data-scan]");
  if (own) return inScanInput(event, own);
  if (event.target.matches?.("input[type=password]") || event.isComposing) return undefined;
  if (event.altKey && /^\d$/.test(event.key)) { alt += event.key; return stop(event); }
  if (event.key === "Enter" && burst?.held && burst.text.length >= SHORTEST && event.timeStamp - burst.last <= 3 * FAST) {
    const { text, timer } = burst;
    clearTimeout(timer);
    burst = null;
    stop(event);
    return deliver(text);
  }
  const typed = sign(event);
  return typed ? add(typed, event) : undefined;
}

// With the focus in the scan input itself everything is typed as it comes; Enter reads it and never sends the step.
function inScanInput(event, input) {
  if (event.key === "Enter") {
    stop(event);
    if (input.value.trim()) input.dispatchEvent(new CustomEvent("scanned", { bubbles: true }));
  } else if (sign(event) === GS) {
    stop(event);
    input.setRangeText(GS, input.selectionStart, input.selectionEnd, "end");
  }
}

document.addEventListener("keydown", onKey, true);
document.addEventListener("keyup", (event) => {
  if (event.key !== "Alt" || !alt) return;
  const code = Number(alt);
  alt = "";
  const typed = code === 29 ? GS : code > 31 && code < 127 ? String.fromCharCode(code) : "";
  const own = event.target.closest?.("[data-scan]");
  if (typed && own) own.setRangeText(typed, own.selectionStart, own.selectionEnd, "end");
  else if (typed) add(typed, event);
}, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-read-scan]");
  const input = button?.closest(".product").querySelector("[data-scan]");
  if (input?.value.trim()) input.dispatchEvent(new CustomEvent("scanned", { bubbles: true }));
});

// What came of the scan is said aloud too.
document.addEventListener("htmx:afterSettle", (event) => {
  const words = event.target.matches?.(".product") ? event.target.querySelector("[data-said]")?.textContent : "";
  const said = document.getElementById("said");
  if (words && said) said.textContent = words;
});
