// A custom field being made: the parts of its kind are shown, and what is typed is looked at as it is typed.
"use strict";

for (const form of document.querySelectorAll("form[data-checked]")) {
  const kind = form.elements.kind;
  const parts = () => {
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(kind.value);
  };
  let waiting = 0;
  const look = async () => {
    const mine = ++waiting;
    const body = new FormData(form);
    body.set("do", "check");
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(body), headers: { "X-CSRF-Token": dealwright.csrf() } });
    if (mine !== waiting || !answer.ok) return;
    const wrong = Object.fromEntries((await answer.json()).problems.map((one) => [one.field.split(".")[0], one.message]));
    for (const place of form.querySelectorAll("[data-problem]")) {
      const input = form.elements[place.dataset.problem];
      // what is still empty is no mistake of somebody who is typing
      place.textContent = input.value === "" && !input.options ? "" : wrong[place.dataset.problem] ?? "";
      input.setAttribute("aria-invalid", String(place.textContent !== ""));
    }
  };
  let timer;
  form.addEventListener("input", () => {
    parts();
    clearTimeout(timer);
    timer = setTimeout(look, 400);
  });
  parts();
}
