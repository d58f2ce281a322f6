// Lists the cases that this tablet keeps: by the time at which they were opened, since nothing else may be said outside of them.
const list = document.getElementById("kept-cases");
const kept = await (await caches.open("cases")).keys();
for (const request of kept) {
  const answer = await (await caches.open("cases")).match(request);
  const time = new Date(Number(answer.headers.get("X-Kept-At"))).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const link = Object.assign(document.createElement("a"), { className: "button", href: request.url, textContent: `${list.dataset.word} ${time}` });
  list.append(Object.assign(document.createElement("li"), {}));
  list.lastElementChild.append(link);
}
list.hidden = !kept.length;
document.getElementById("kept-none").hidden = kept.length > 0;
addEventListener("online", () => location.reload());
