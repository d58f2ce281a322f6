// By how many milliseconds this device's clock is behind the server's. A page that comes from the server measures it;
// a page that was kept uses what was last measured.
const { now, zone } = document.documentElement.dataset;
const KEY = "kypho-offset";

function measured() {
  if (!now) return Number(localStorage.getItem(KEY) ?? 0);
  const found = Math.round(Date.parse(now) - Date.now());
  try { localStorage.setItem(KEY, String(found)); } catch { /* a browser that keeps nothing still has a clock */ }
  return found;
}

export const offset = measured();
export const siteZone = zone || undefined;
