// The link in the QR code carries the code behind "#", which no server and no log ever sees. It leaves the address at once.
const code = decodeURIComponent(location.hash.slice(1));
if (/^[0-9A-Z-]{6,20}$/i.test(code)) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("code").value = code;
}
