// The tables of rights: what is changed and not saved yet is marked; "all fields" ticks them all.
"use strict";

document.addEventListener("change", (event) => {
  const scope = event.target.closest("select.scope");
  if (scope) scope.classList.toggle("changed", scope.value !== scope.dataset.was);
  const { every, of } = event.target.dataset ?? {};
  const table = event.target.closest("table");
  if (every) {
    for (const one of table.querySelectorAll(`[data-of="${every}"]`)) one.checked = event.target.checked;
  } else if (of && !event.target.checked) {
    table.querySelector(`[data-every="${of}"]`).checked = false;
  }
});

// The zone of the browser is a better guess than ours, where somebody sets up the first company.
for (const zone of document.querySelectorAll('input[data-zone="1"]')) {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
}

// A key follows the name beside it until somebody types one; of other letters than Latin ones the server makes it.
for (const key of document.querySelectorAll("input[data-key-of]")) {
  const name = document.getElementById(key.dataset.keyOf);
  let own = Boolean(key.value);
  key.addEventListener("input", () => (own = Boolean(key.value)));
  name.addEventListener("input", () => {
    const plain = name.value.normalize("NFKD").replace(/\p{M}/gu, "");
    if (!own) key.value = /[^\x20-\x7e]/.test(plain) ? "" : plain.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "").slice(0, 40);
  });
}
