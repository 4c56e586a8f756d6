// One's own password and second factor belong to the session, not to a company: their forms call the API.
"use strict";

(() => {
  const factor = document.querySelector("[data-factor]");

  function stand(state, told) {
    for (const one of factor.querySelectorAll("[data-if]")) one.hidden = one.dataset.if !== state;
    for (const one of factor.querySelectorAll("[data-show]")) {
      const value = told?.[one.dataset.show];
      if (value === undefined) continue;
      one.textContent = Array.isArray(value) ? value.join("\n") : value;
      if (one.dataset.show === "uri") one.href = value;
    }
  }

  async function refused(work) {
    try {
      await work();
    } catch (failure) {
      if (failure.problem) dealwright.toast(failure.message, "bad");
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-call]");
    if (!form) return;
    event.preventDefault();
    refused(async () => {
      const [method, path] = form.dataset.call.split(" ");
      const told = await dealwright.call(method, path, Object.fromEntries(new FormData(form)));
      form.reset();
      dealwright.toast(form.dataset.done, "good");
      if (form.dataset.then) stand(form.dataset.then, told);
    });
  });

  const letters = document.querySelector("[data-letters]");
  if (letters) {
    letters.checked = dealwright.letters();
    letters.addEventListener("change", () => (document.cookie = `dealwright_letters=${letters.checked ? "on" : "off"}; path=/; max-age=31536000; samesite=lax`));
  }

  if (!factor) return;
  const path = "/api/v1/session/second_factor";
  factor.querySelector("[data-offer]").addEventListener("click", () => refused(async () => stand("offered", await dealwright.call("POST", path))));
  refused(async () => {
    const told = await dealwright.call("GET", path);
    stand(told.enabled ? "on" : "off", told);
  });
})();
