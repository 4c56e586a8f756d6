// What was typed into a form that is refused, whose session has ended, or that did not reach the server, is there again when its page is
// next seen: in this window, for the same person, once. The form is kept as it stands, with the rows that a script has added; no password and no file.
// One that is marked is kept whenever it is sent; any other where something was typed into it, as a button by itself is pressed again.
"use strict";

(() => {
  const KEY = "dealwright.draft";
  const FRESH = ["csrf_token"]; // the mark `once` stays: if it did arrive, what is sent again is answered as it was
  const here = () => location.pathname + location.search;
  const CHANGES = 'form[method="post"]';
  const forms = () => (document.querySelector("body.entrance") ? [] : [...document.querySelectorAll(CHANGES)]);
  const touched = new Set();

  // Which of the forms of its page it is: of those that go to the same address the first, the second, and so on.
  const goes = (form) => `${form.id} ${form.getAttribute("action") || ""}`;
  const place = (form) => [goes(form), forms().filter((one) => goes(one) === goes(form)).indexOf(form)];
  const there = ([to, nth]) => forms().filter((one) => goes(one) === to)[nth];

  function as_it_stands(form) {
    const copy = form.cloneNode(true);
    const pairs = [...form.querySelectorAll("input, select, textarea")].map((one, at) => [one, copy.querySelectorAll("input, select, textarea")[at]]);
    for (const [one, twin] of pairs) {
      if (one.type === "checkbox" || one.type === "radio") twin.toggleAttribute("checked", one.checked);
      else if (one.tagName === "TEXTAREA") twin.textContent = one.value;
      else if (one.tagName === "SELECT") [...twin.options].forEach((option, at) => option.toggleAttribute("selected", one.options[at].selected));
      else twin.setAttribute("value", ["password", "file"].includes(one.type) ? "" : one.value);
    }
    for (const made of copy.querySelectorAll(".tags")) made.remove(); // drawn anew
    for (const dressed of copy.querySelectorAll("[data-dressed]")) dressed.removeAttribute("data-dressed");
    return copy.innerHTML;
  }

  dealwright.keep = (...sent) => {
    const worth = (form) => touched.has(form) || (sent.includes(form) && "guard" in form.dataset);
    const kept = forms().flatMap((form) => (worth(form) ? [[place(form), as_it_stands(form)]] : []));
    try {
      if (kept.length) sessionStorage.setItem(KEY, JSON.stringify({ at: here(), who: document.body.dataset.who, kept }));
    } catch {
      // no room, or not allowed: the form goes its way without
    }
  };

  // To the sign-in from a script, with what is typed kept.
  dealwright.leave = (path) => {
    dealwright.keep();
    dealwright.saved();
    location.assign(path);
  };

  function bring(draft) {
    for (const [at, html] of draft.kept) {
      const form = there(at);
      if (!form) continue;
      const fresh = FRESH.map((name) => form.elements[name]?.value);
      form.innerHTML = html;
      FRESH.forEach((name, nth) => form.elements[name]?.setAttribute("value", fresh[nth]));
      const note = document.createElement("div");
      note.className = "note warm";
      note.setAttribute("role", "alert");
      note.textContent = document.getElementById("toasts").dataset.kept;
      form.prepend(note);
      touched.add(form);
      if ("guard" in form.dataset) dealwright.unsaved(form);
    }
  }

  function kept_before() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY) || "null");
    } catch {
      return null; // not allowed, or damaged: there is nothing to bring back
    }
  }

  const draft = kept_before();
  if (draft && document.querySelector("body.entrance, .refused")) sessionStorage.setItem(KEY, JSON.stringify({ ...draft, away: true }));
  else if (draft) {
    sessionStorage.removeItem(KEY);
    const back = performance.getEntriesByType("navigation")[0]?.type === "back_forward"; // from a page of the browser's own
    if ((draft.away || back) && draft.at === here() && draft.who === document.body.dataset.who) bring(draft);
  }

  document.addEventListener("input", (event) => {
    const form = event.target.form || event.target.closest("form");
    if (form?.matches(CHANGES) && form.contains(event.target)) touched.add(form); // the boxes of a list belong to a form that they do not stand in
  });
  document.addEventListener("submit", (event) => event.target.matches(CHANGES) && dealwright.keep(event.target), true);
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const away = event.detail.xhr.status === 401 && event.detail.xhr.getResponseHeader("HX-Redirect");
    if (!away) return;
    event.preventDefault();
    dealwright.leave(away);
  });
})();
