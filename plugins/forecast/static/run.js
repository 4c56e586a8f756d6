// A run that is not done yet is asked for again until it is; choosing a series shows it.
"use strict";
if (document.querySelector("[data-alive]")) setTimeout(() => location.reload(), 2500);
document.addEventListener("change", (event) => event.target.closest("[data-submits]")?.form.requestSubmit());
