// Back from a record or a note to the case log as it was left: its filters, its order, its page. Per tab and person.
const person = document.body.dataset.person;
if (person && document.querySelector(".page--log")) {
  sessionStorage.setItem("log", JSON.stringify({ person, search: location.search }));
}
const left = JSON.parse(sessionStorage.getItem("log") ?? "{}");
if (person && left.person === person) {
  for (const link of document.querySelectorAll("a[data-log]")) link.search = left.search;
}
