// What every page does: messages, the menu of the phone, light and dark, keys, and what is typed and not saved.
"use strict";

const dealwright = {
  csrf: () => document.querySelector('meta[name="csrf-token"]').content,

  // What has happened; `to` is where it leads, `undo` takes it back.
  toast(text, kind = "", to = "", undo = null) {
    const place = document.getElementById("toasts");
    if (!place || !text) return;
    const box = document.createElement("div");
    box.className = `toast ${kind}`;
    const words = document.createElement("span");
    words.textContent = text;
    const way = document.createElement("a");
    way.href = to;
    way.textContent = place.dataset.open;
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "✕";
    close.setAttribute("aria-label", place.dataset.close);
    close.addEventListener("click", () => box.remove());
    const back = document.createElement("button");
    back.type = "button";
    back.className = "act";
    back.textContent = place.dataset.undo;
    back.addEventListener("click", () => {
      box.remove();
      undo();
    });
    box.append(words, ...(to ? [way] : []), ...(undo ? [back] : []), close);
    place.append(box);
    if (!kind) setTimeout(() => box.remove(), 6000);
  },

  // A call of the API as this person; a refusal is shown in its own words and thrown.
  async call(method, path, body) {
    const headers = { "X-CSRF-Token": dealwright.csrf(), Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch (failure) {
      dealwright.toast(document.getElementById("toasts").dataset.offline, "bad");
      throw failure;
    }
    const content = answer.status === 204 ? null : await answer.json().catch(() => ({})); // what stands before the server may answer in its own words
    if (!answer.ok) throw Object.assign(new Error(dealwright.said(content)), { status: answer.status, problem: content });
    return content;
  },

  // An answer, or null where there is none to go on with: the server was not reached, which is said but for what is asked at each letter
  // (`quiet`), or the session is over.
  async ask(path, options, quiet = false) {
    const answer = await fetch(path, options).catch(() => null);
    if (!answer && !quiet) dealwright.toast(document.getElementById("toasts").dataset.offline, "bad");
    dealwright.heard(answer?.headers.get("Dealwright-Told"));
    const away = answer?.status === 401 && answer.headers.get("HX-Redirect");
    if (!away) return answer;
    dealwright.leave(away);
    return null;
  },

  // What is told beside what was taken: an activity at a time that is taken already.
  heard(word) {
    if (!word) return;
    const bytes = Uint8Array.from(atob(word.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
    for (const text of JSON.parse(new TextDecoder().decode(bytes))) dealwright.toast(text, "warn");
  },

  // Whether it is a page; and what it says where it is none: a refusal in its own words.
  isPage: (answer) => (answer.headers.get("Content-Type") || "").startsWith("text/html"),
  async why(answer) {
    return dealwright.said(answer.bodyUsed ? {} : await answer.json().catch(() => ({})));
  },

  said(problem) {
    const words = (problem.errors || []).map((one) => one.message);
    const number = problem.status === 500 && problem.trace_id ? `: ${problem.trace_id}` : ""; // the log finds the failure by it
    return words.length ? words.join("; ") : problem.detail ? problem.detail + number : document.getElementById("toasts").dataset.failed;
  },
};

document.addEventListener("htmx:responseError", (event) => {
  let text = document.getElementById("toasts").dataset.failed;
  try {
    text = dealwright.said(JSON.parse(event.detail.xhr.responseText));
  } catch {
    // an answer that is no problem document: the general words will do
  }
  dealwright.toast(text, "bad");
});
document.addEventListener("htmx:afterOnLoad", (event) => dealwright.heard(event.detail.xhr.getResponseHeader("Dealwright-Told")));
document.addEventListener("htmx:sendError", () => dealwright.toast(document.getElementById("toasts").dataset.offline, "bad"));

document.addEventListener("click", (event) => {
  const back = event.target.closest("a[data-back]");
  if (back && history.length > 1) {  // as the browser does it, what was typed is still there
    event.preventDefault();
    history.back();
    return;
  }
  const side = event.target.closest("[data-side]");
  if (side) {
    const open = document.getElementById("side").classList.toggle("open");
    side.setAttribute("aria-expanded", String(open));
  }
  if (event.target.closest("[data-theme-next]")) {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `dealwright_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  }
  for (const drop of document.querySelectorAll("details.drop[open]")) {
    if (!drop.contains(event.target)) drop.open = false;
  }
});

// Keys that choose among the characters of an input method are its own: Enter takes the letters that were typed, Escape drops them.
addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation();
}, { capture: true });

// Letters alone do something where no field has the focus; who speaks to the computer turns that off (WCAG 2.1.4).
dealwright.letters = () => !document.cookie.split("; ").includes("dealwright_letters=off");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const drop of document.querySelectorAll("details.drop[open]")) {
      drop.open = false;
      drop.querySelector("summary").focus();
    }
    if (document.getElementById("side")?.classList.contains("open")) {
      const button = document.querySelector(".thumb [data-side]");
      button.click();
      button.focus();
    }
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal") || !dealwright.letters()) return;
  if (event.key === "?") document.getElementById("to-keys")?.click();
  if (event.key === "/") {
    const q = document.getElementById("q");
    if (q) {
      event.preventDefault();
      q.focus();
      q.select();
    }
    return;
  }
  const key = /^[a-z]$/.test(event.key) && document.querySelector(`[data-key="${event.key}"]`);
  if (key) {
    event.preventDefault();
    key.click();
    return;
  }
  if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
});

// j and k go through the rows of a list; Enter follows the link that has the focus.
function step(by) {
  const links = [...document.querySelectorAll(".list td.title a")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

// Where one is in a strip of tabs is in sight, however narrow it is.
function reveal(root) {
  for (const tab of root.querySelectorAll(".tabs [aria-current]")) {
    const strip = tab.parentElement;
    if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = tab.offsetLeft - strip.offsetLeft - 32;
  }
}
reveal(document);
document.addEventListener("htmx:afterSettle", (event) => reveal(event.target.parentElement || document));

// What the server has written into the page gets its button.
for (const box of document.querySelectorAll("#toasts > .toast")) {
  box.remove();
  dealwright.toast(box.textContent, "warn");
}

// What was made on another page, from which one has come back: that it is there, and the way to it.
function made() {
  const to = /^#made:(\/[\w-]+(?:\/[\w-]+)*)$/.exec(location.hash)?.[1];
  if (!to) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  const place = document.getElementById("toasts");
  dealwright.toast(place?.dataset.made, "", to);
}
made();

// What is typed and not saved is asked about before one leaves, before a part of the page with it gives way, and before a dialog with it closes.
const typed = new Set();
const unsaved = (within) => [...typed].some((form) => within.contains(form));
dealwright.saved = () => typed.clear();
dealwright.unsaved = (form) => typed.add(form);
dealwright.mayClose = (dialog) => !unsaved(dialog) || confirm(document.getElementById("toasts").dataset.unsaved);
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (form) typed.add(form);
});
document.addEventListener("submit", (event) => {
  typed.delete(event.target);
  if (event.defaultPrevented) return;
  const form = event.target;
  if (event.submitter?.matches(":focus-visible")) pressed(event.submitter);
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault(); // the second of two clicks
  form.dataset.sent = "true";
  setTimeout(() => delete form.dataset.sent, 3000); // the answer may be a file, or not come
});
// Who works with the keys stays where a form was sent from, where the answer is the same page again: on the button that was pressed or
// the list that was chosen from, where the form says that it goes on (`data-next`), or at the first field that was refused.
const PRESSED = "dealwright.pressed";
const buttons = () => [...document.querySelectorAll("main :is(button, select, input:not([type=hidden]))")];
const called = (button) => button.form?.dataset.next || button.id || button.getAttribute("aria-label") || button.textContent.trim();
const pressed = (button) => sessionStorage.setItem(PRESSED, JSON.stringify([location.pathname, called(button), buttons().indexOf(button), buttons().length]));
addEventListener("load", () => {
  const [path, name, at, count] = JSON.parse(sessionStorage.getItem(PRESSED) || "[]");
  sessionStorage.removeItem(PRESSED);
  if (path !== location.pathname || document.activeElement !== document.body) return;
  const wrong = document.querySelector('main [aria-invalid="true"]');
  const now = buttons(); // a switch is called otherwise once it is the other way round
  (wrong || document.getElementById(name) || now.find((one) => called(one) === name) || (now.length === count ? now[at] : null))?.focus();
});

// Choosing from a list with `data-submits` is enough to send its form, `alone` without the rest of it. By the keys one passes options that
// one does not mean: there Enter chooses, or going on. Without this the form's button does it, which is not needed then.
let passed = null;
function ask(list, next = list) {
  delete list.dataset.passing;
  if (next) pressed(next);
  if (list.dataset.submits === "alone") location.assign(`${list.form.action}?${list.name}=${encodeURIComponent(list.value)}`);
  else list.form.requestSubmit();
}
for (const one of document.querySelectorAll("[data-unneeded]")) one.hidden = true;
document.addEventListener("pointerdown", () => (passed = null));
document.addEventListener("keydown", (event) => {
  passed = event.target.matches?.("[data-submits]") && !["Enter", " "].includes(event.key) ? event.target : null;
  if (event.key !== "Enter" || event.target.dataset?.passing === undefined) return;
  event.preventDefault();
  ask(event.target);
});
document.addEventListener("change", (event) => {
  const list = event.target.closest("[data-submits]");
  if (list && list === passed) list.dataset.passing = "";
  else if (list) ask(list);
});
document.addEventListener("focusout", (event) => {
  if (event.target.dataset?.passing !== undefined) ask(event.target, event.relatedTarget);
});

// Whoever asks for more of a list by the keys goes on with the first of it: what was pressed has given way.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, shouldSwap } = event.detail;
  const before = target.matches?.("tr, li") && target.previousElementSibling;
  if (!before || !shouldSwap || !requestConfig?.elt.matches("a") || !target.contains(document.activeElement)) return;
  const first = () => before.nextElementSibling?.querySelector("td.title a") || before.nextElementSibling?.querySelector("a, button, summary");
  document.addEventListener("htmx:afterSwap", () => first()?.focus({ preventScroll: true }), { once: true });
});

// A form that is drawn anew, as it was typed, is as little saved as the one that gave way to it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, shouldSwap } = event.detail;
  const form = target.matches?.("form[data-guard][id]") ? target : null;
  if (!form || !shouldSwap || requestConfig?.verb !== "post") return;
  typed.delete(form);
  document.addEventListener("htmx:afterSwap", () => typed.add(document.getElementById(form.id)), { once: true });
});
addEventListener("beforeunload", (event) => {
  if (unsaved(document)) event.preventDefault();
});
// To another tab as to another page: the browser asks.
document.addEventListener("htmx:beforeRequest", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || !unsaved(event.detail.target)) return;
  event.preventDefault();
  location.assign(link.href);
});
