// Forms while one types: fields under a condition, likely duplicates, a linked record made in place, words as tags.
"use strict";

(() => {
  const LATER = 350;

  // What the server says of the values so far; it decides again when the form is sent.
  async function look(form) {
    const wanted = new Set(form.dataset.liveFields.split(" "));
    const given = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      const field = name.split("__")[0];
      if (wanted.has(field) && typeof value === "string" && value.length < 300) given.append(name, value);
    }
    if (form.dataset.id) given.append("_id", form.dataset.id);
    const mine = (form.looks = (form.looks || 0) + 1);
    const answer = await fetch(`${form.dataset.live}?${given}`, { headers: { "HX-Request": "true", "HX-Target": "live" } });
    if (!answer.ok || mine !== form.looks) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".live");
    if (!found) return;
    const words = (list) => new Set(list.split(" ").filter(Boolean));
    const away = words(found.dataset.away);
    const musts = words(found.dataset.musts);
    for (const box of form.querySelectorAll("[data-field]")) {
      const name = box.dataset.field;
      if (box.hasAttribute("data-away") || away.has(name)) box.toggleAttribute("data-away", away.has(name));
      ask(box, musts.has(name));
    }
    form.querySelector(".live").replaceWith(found);
  }

  // Marks a field that is asked for under a condition; those that are always asked for keep their mark.
  function ask(box, wanted) {
    const label = box.querySelector("label, legend");
    const mark = box.querySelector(".must");
    if (wanted && !mark && label) {
      const star = document.createElement("span");
      star.className = "must now";
      star.textContent = " *";
      label.append(star);
    } else if (!wanted && mark?.classList.contains("now")) mark.remove();
    const input = box.querySelector("input:not([type=hidden]), select, textarea");
    if (input && (wanted || mark?.classList.contains("now"))) input.setAttribute("aria-required", String(wanted));
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-live]");
    const name = event.target.closest?.("[data-field]")?.dataset.field;
    if (!form || !form.dataset.liveFields.split(" ").includes(name)) return;
    clearTimeout(form.waiting);
    form.waiting = setTimeout(() => look(form), LATER);
  });

  // The + of a field: the form of a record that it can name, in a dialog above this one, whose values stay as they are.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-new]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const field = link.closest("[data-pick]");
    const dialog = document.createElement("dialog");
    dialog.className = "above";
    dialog.dataset.from = link.href;
    dialog.setAttribute("aria-label", link.getAttribute("aria-label"));
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus();
    });
    dialog.addEventListener("cancel", (cancelled) => {
      if (cancelled.target !== dialog) return; // of a field in it that chooses a file
      cancelled.preventDefault();
      shut(dialog);
    });
    const words = field.querySelector('[role="combobox"]');
    const typed = !words || field.querySelector('input[type="hidden"]').value ? "" : words.value;
    if (!(await fill(dialog, await part(link.href)))) return dialog.remove();
    dialog.showModal();
    const first = dialog.querySelector("form input:not([type=hidden]), form select, form textarea");
    if (first && typed && first.type === "text" && !first.value) first.value = typed;
    first?.focus();
    dialog.addEventListener("submit", (sent) => {
      sent.preventDefault();
      sent.stopPropagation();
      make(dialog, sent.target, link, field);
    });
    return undefined;
  });

  const shut = (dialog) => dealwright.mayClose(dialog) && dialog.close();

  const part = (path, body) =>
    dealwright.ask(path, {
      method: body ? "POST" : "GET",
      headers: { "HX-Request": "true", "HX-Target": "dialog", "X-CSRF-Token": dealwright.csrf() },
      body,
    });

  async function fill(dialog, answer) {
    if (!answer) return false;
    if (!dealwright.isPage(answer)) {
      dealwright.toast(await dealwright.why(answer), "bad");
      return false;
    }
    dialog.innerHTML = await answer.text();
    apart(dialog);
    return true;
  }

  // The names of a form's parts in a dialog, so that no other form of the page has them.
  function apart(root) {
    for (const one of root.querySelectorAll("[id]")) one.id = `d-${one.id}`;
    for (const name of ["for", "aria-controls", "aria-labelledby", "aria-describedby"]) {
      for (const one of root.querySelectorAll(`[${name}]`)) one.setAttribute(name, `d-${one.getAttribute(name)}`);
    }
  }

  async function make(dialog, form, link, field) {
    const answer = await part(link.href, new URLSearchParams(new FormData(form)));
    const made = answer?.headers.get("HX-Redirect");
    if (!made) {
      if (!(await fill(dialog, answer))) return;
      dealwright.unsaved(dialog.querySelector("form"));
      dialog.querySelector('[aria-invalid="true"], [role="alert"]')?.focus?.();
      return;
    }
    const id = made.split("/").pop();
    const told = await fetch(`${field.dataset.pick}?id=${id}`, { headers: { "HX-Request": "true" } });
    const list = document.createElement("ul");
    list.innerHTML = told.ok ? await told.text() : "";
    const option = list.querySelector("[data-value]");
    const input = choose(field, link, { id, key: option?.dataset.key || id, title: option?.textContent || id });
    dialog.close();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
  }

  // What was made is what the field has now: a link its id, a list of words and boxes to tick its key.
  function choose(field, link, made) {
    const words = field.querySelector('[role="combobox"]');
    const select = field.querySelector("select");
    if (words) {
      field.querySelector('input[type="hidden"]').value = made.id;
      words.value = made.title;
    } else if (select) {
      select.add(new Option(made.title, made.key));
      select.value = made.key;
    } else {
      const label = document.createElement("label");
      label.className = "check";
      const box = Object.assign(document.createElement("input"), { type: "checkbox", name: field.dataset.name, value: made.key, checked: true });
      label.append(box, made.title);
      link.before(label);
      return box;
    }
    return words || select;
  }

  document.addEventListener("click", (event) => {
    const close = event.target.closest?.("dialog.above [data-close]");
    if (!close) return;
    event.preventDefault();
    shut(close.closest("dialog"));
  });
  // Before the browser closes it, which asks only once.
  document.addEventListener("keydown", (event) => {
    const dialog = event.target.closest?.("dialog.above");
    if (!dialog || event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    shut(dialog);
  });

  // What can be chosen in some fields follows from another: they are drawn anew for it, the rest stays as it is.
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-redraws]");
    const [from, ...names] = form?.dataset.redraws.split(" ") || [];
    if (form && event.target.name === from) redraw(form, names, { [from]: event.target.value });
  });

  async function redraw(form, names, given) {
    const dialog = form.closest("dialog.above");
    const asked = { headers: { "HX-Request": "true", "HX-Target": dialog ? "dialog" : "page" } };
    const path = dialog ? new URL(dialog.dataset.from).pathname : location.pathname;
    const answer = await dealwright.ask(`${path}?${new URLSearchParams(given)}`, asked);
    if (!answer) return;
    if (!answer.ok) return void dealwright.toast(await dealwright.why(answer), "bad");
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (dialog) apart(drawn);
    for (const name of names) {
      const [old, now] = [form, drawn].map((where) => where.querySelector(`[data-field="${CSS.escape(name)}"]`));
      if (old && now) old.replaceWith(now);
    }
  }

  // Conditions on the records of an entity: lines, each said in words. One more is made by the form of a list's filter, in a dialog above.
  const lines = (form, name) => form.elements[name].value.split("\n").filter((line) => line.trim());

  async function say(field, kept) {
    const [form, name] = [field.closest("form"), field.dataset.field];
    const [from] = form.dataset.redraws?.split(" ") || [];
    if (!from) return; // a form that shows one
    await redraw(form, [name], { [from]: form.elements[from].value, [name]: kept.join("\n") });
    form.querySelector(`[data-field="${CSS.escape(name)}"] [data-clause]`)?.focus();
    form.elements[name].dispatchEvent(new Event("input", { bubbles: true })); // it is not saved yet
  }

  document.addEventListener("click", (event) => {
    const off = event.target.closest?.("[data-clause-off]");
    const field = off?.closest("[data-field]");
    if (off) say(field, lines(field.closest("form"), field.dataset.field).filter((line) => line.trim() !== off.dataset.clauseOff));
  });

  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-clause]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const field = link.closest("[data-field]");
    const dialog = document.createElement("dialog");
    dialog.className = "slip";
    dialog.setAttribute("aria-label", link.textContent.trim());
    document.body.append(dialog);
    const shown = async (answer) => {
      const html = answer && dealwright.isPage(answer) && (await answer.text());
      if (answer && !html) dealwright.toast(await dealwright.why(answer), "bad");
      if (!html) return false;
      dialog.innerHTML = html;
      htmx.process(dialog);
      return true;
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus();
    });
    dialog.addEventListener("click", (inside) => {
      if (inside.target !== dialog && !inside.target.closest("[data-shut]")) return;
      inside.preventDefault();
      dialog.close();
    });
    // What is sent leads to the list as it would be filtered: its address has the conditions.
    dialog.addEventListener("submit", async (sent) => {
      if (sent.target.method !== "post") return;
      sent.preventDefault();
      sent.stopPropagation();
      const answer = await part(sent.target.action, new URLSearchParams(new FormData(sent.target)));
      const list = answer?.headers.get("HX-Redirect");
      if (!list) return void shown(answer);
      const asked = [...new URL(list, location.href).searchParams].filter(([name]) => !name.startsWith("_"));
      dialog.close();
      say(field, [...new Set([...lines(field.closest("form"), field.dataset.field), ...asked.map((pair) => pair.join("="))])]);
    }, true);
    if (!(await shown(await part(`${link.href}?_view=all`)))) return void dialog.remove();
    dialog.showModal();
    dialog.querySelector("select")?.focus();
  });

  // A record of any entity: which one is chosen from follows what it is to be.
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-picks]")) return;
    const picker = event.target.closest(".anyone").querySelector(".picker");
    picker.dataset.pick = event.target.selectedOptions[0].dataset.pick || "";
    for (const input of picker.querySelectorAll("input")) input.value = "";
  });

  // Words with commas between them, as tags that can be taken away.
  function tags(input) {
    const box = document.createElement("div");
    box.className = "tags";
    input.before(box);
    const draw = () => {
      const words = input.value.split(/[,;，]/).map((word) => word.trim()).filter(Boolean);
      box.replaceChildren(
        ...words.map((word) => {
          const tag = document.createElement("button");
          tag.type = "button";
          tag.className = "chip";
          tag.textContent = `${word} ✕`;
          tag.setAttribute("aria-label", input.dataset.tags.replace("%word%", () => word));
          tag.addEventListener("click", () => {
            input.value = words.filter((one) => one !== word).join(", ");
            input.dispatchEvent(new Event("input", { bubbles: true }));
            input.focus();
          });
          return tag;
        }),
      );
    };
    input.addEventListener("input", draw);
    draw();
  }
  const dress = (root) => {
    for (const input of root.querySelectorAll("input[data-tags]:not([data-dressed])")) {
      input.dataset.dressed = "";
      tags(input);
    }
  };
  // A new record begins at its first field, one that is refused at what is wrong; not where that would bring up a keyboard of glass.
  function begin() {
    const form = document.getElementById("record-form");
    if (!form || !matchMedia("(pointer: fine)").matches || document.activeElement !== document.body) return;
    const plain = "input:not([type=hidden]), select, textarea";
    (form.querySelector('[aria-invalid="true"]') || (form.dataset.id ? null : form.querySelector(plain)))?.focus();
  }
  document.addEventListener("DOMContentLoaded", () => {
    dress(document);
    begin();
  });
  document.addEventListener("htmx:load", (event) => dress(event.target));
})();

// What was chosen stands beside the button of a file field.
document.addEventListener("change", (event) => {
  const told = event.target.closest?.(".filepick")?.querySelector("output");
  if (told) told.textContent = [...event.target.files].map((file) => file.name).join(", ");
});
