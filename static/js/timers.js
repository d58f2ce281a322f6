// Clocks that change over by themselves. The server gives each its stages as moments; here they are only counted, shown,
// and at a threshold said, sounded and felt. The server's time counts, not this device's.
const root = document.documentElement;
const offset = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
const MUTED = "kypho-muted";   // the only thing kept on the tablet: whether it is quiet
let heard = Date.now() + offset;   // thresholds up to here have been said

const stagesOf = (timer) => (timer.stages ??= JSON.parse(timer.dataset.timer));

// The same digits as screens/clocks.py: seconds where they matter, minutes left rounded up.
function digits(zero, now, fine) {
  const left = zero > now;
  const seconds = left ? Math.ceil((zero - now) / 1000) : Math.floor((now - zero) / 1000);
  if (fine && seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const minutes = left ? Math.ceil(seconds / 60) : Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function show(timer, now) {
  const [, severity, word, zero, note] = stagesOf(timer).findLast(([at]) => at <= now) ?? stagesOf(timer)[0];
  if (timer.dataset.severity !== severity) timer.dataset.severity = severity;
  write(timer.querySelector(".timer__count"), zero ? digits(zero, now, "fine" in timer.dataset) : "");
  write(timer.querySelector(".timer__word"), word);
  write(timer.querySelector(".timer__note"), note);
}

// Alerts belong to the one case that is open here; Today shows, and stays quiet.
function crossed(timers, now) {
  const found = [];
  for (const timer of timers) {
    const stage = stagesOf(timer).findLast(([at, severity]) => at > heard && at <= now && severity !== "ok");
    if (stage) found.push([timer.dataset.name, ...stage]);
  }
  return found;
}

// Sound -----------------------------------------------------------------------------------------------------------

let audio = null;
const muted = () => { try { return localStorage.getItem(MUTED) === "1"; } catch { return false; } };

let touched = false;
function ready() {   // browsers let a page sound and shake only after a finger has touched it
  touched = true;
  audio ??= globalThis.AudioContext ? new AudioContext() : null;
  if (audio?.state === "suspended") audio.resume();
}

function sound(over) {
  if (muted() || !touched) return;
  navigator.vibrate?.(over ? [200, 100, 200, 100, 200] : [200]);
  if (audio?.state !== "running") return;
  for (let beep = 0; beep < (over ? 3 : 1); beep += 1) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const start = audio.currentTime + beep * 0.3;
    tone.frequency.value = over ? 880 : 660;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.3, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.2);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.22);
  }
}

function alert(now) {
  const found = crossed(document.querySelectorAll("#timers .timer"), now);
  heard = now;
  if (!found.length) return;
  write(document.getElementById("timer-said"), found.map(([name, , , word]) => `${name}: ${word}.`).join(" "));
  sound(found.some(([, , severity]) => severity === "over"));
}

function drawSound() {
  document.querySelectorAll("[data-sound]").forEach((button) => button.setAttribute("aria-pressed", String(!muted())));
}

document.addEventListener("pointerup", ready);
document.addEventListener("keydown", ready);
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-sound]")) return;
  try { localStorage.setItem(MUTED, muted() ? "0" : "1"); } catch { /* a tablet that keeps nothing stays loud */ }
  drawSound();
});

// Counting ----------------------------------------------------------------------------------------------------------

function tick() {
  const now = Date.now() + offset;
  document.querySelectorAll(".timer[data-timer]").forEach((timer) => show(timer, now));
  document.querySelectorAll("[data-gone-at]").forEach((element) => { element.hidden = Date.parse(element.dataset.goneAt) <= now; });
  alert(now);
}

drawSound();
tick();
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => document.hidden || tick());
document.addEventListener("htmx:afterSettle", tick);
