/** The CSRF token, from its cookie as it is now: signing in another person rotates it while the page stays open. */
export function token() {
  const name = document.querySelector('meta[name="csrf-cookie"]')?.content ?? "csrftoken";
  const pair = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : "";
}
