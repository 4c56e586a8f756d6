// Choosing is enough: what is chosen is asked for at once. Without this file the buttons do it.
"use strict";
for (const one of document.querySelectorAll("[data-unneeded]")) one.hidden = true;
document.addEventListener("change", (event) => {
  const chosen = event.target.closest("[data-submits]");
  if (!chosen) return;
  if (chosen.dataset.submits === "alone") location.assign(`${chosen.form.action}?entity=${encodeURIComponent(chosen.value)}`);
  else chosen.form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  // words that say nothing stay out of the address
  if (event.target.method === "get") for (const one of event.target.elements) if (one.name && one.value === "") one.disabled = true;
});
