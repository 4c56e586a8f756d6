// The steps of an import: a file that is dropped, fields that are found by typing, cells that are mended where they stand.
"use strict";

(() => {
  // --- the file: what is dropped or chosen is sent at once; what is said of a refusal leaves the choice as it is
  async function send(form) {
    const told = form.querySelector("[data-sending]");
    told.textContent = told.dataset.sending;
    form.setAttribute("aria-busy", "true");
    try {
      const headers = { "HX-Request": "true", "HX-Target": "said", "X-CSRF-Token": dealwright.csrf() };
      const answer = await dealwright.ask(form.action, { method: "POST", headers, body: new FormData(form) });
      const next = answer?.headers.get("HX-Redirect");
      if (next) return location.assign(next);
      if (!answer) return undefined;
      if (!dealwright.isPage(answer)) return dealwright.toast(await dealwright.why(answer), "bad");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const mark = page.querySelector('[name="once"]');
      if (mark) form.elements.once.value = mark.value;
      document.getElementById("said").replaceWith(page.getElementById("said"));
      document.querySelector("#said select, #said [role=alert]")?.focus();
    } finally {
      told.textContent = "";
      form.removeAttribute("aria-busy");
      delete form.dataset.sent;
    }
    return undefined;
  }

  const fileForm = (event) => event.target.closest?.("form[data-import-file]");
  document.addEventListener("submit", (event) => {
    if (!fileForm(event) || event.defaultPrevented) return;
    event.preventDefault();
    send(event.target);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches('[data-import-file] input[type="file"]') && event.target.files.length) send(event.target.form);
  });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      if (!document.querySelector("form[data-import-file]")) return;
      event.preventDefault();
      document.querySelector(".dropzone").classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.querySelector(".dropzone")?.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    const form = document.querySelector("form[data-import-file]");
    if (!form) return;
    event.preventDefault();
    form.querySelector(".dropzone").classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    form.elements.file.files = event.dataTransfer.files;
    send(form);
  });

  // --- the columns: a field is found by typing; its choice is looked at at once
  const plain = (word) => word.toLowerCase().replace(/[\s_*]+/g, "");

  function searched(select) {
    const input = document.createElement("input");
    const list = document.createElement("ul");
    list.className = "options";
    list.id = `o-${select.name}`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-labelledby", select.getAttribute("aria-labelledby"));
    input.className = "input";
    input.id = `i-${select.name}`;
    input.autocomplete = "off";
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-autocomplete", "list"], ["aria-controls", list.id]]) input.setAttribute(name, value);
    input.setAttribute("aria-labelledby", select.getAttribute("aria-labelledby"));
    const told = () => select.selectedOptions[0].textContent.trim();
    input.value = told();
    let at = 0;

    const shut = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      input.value = told();
    };
    const choose = (value) => {
      const changed = select.value !== value;
      select.value = value;
      shut();
      if (changed) select.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const mark = (place) => {
      const options = [...list.children];
      if (!options.length) return;
      at = (place + options.length) % options.length;
      options.forEach((one, index) => one.setAttribute("aria-selected", String(index === at)));
      options[at].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[at].id);
    };
    const draw = (word) => {
      const wanted = plain(word);
      const fits = [...select.options].filter((one) => plain(`${one.textContent} ${one.value}`).includes(wanted));
      list.replaceChildren(
        ...fits.map((one, index) => {
          const option = document.createElement("li");
          option.id = `${list.id}-${index}`;
          option.setAttribute("role", "option");
          option.dataset.value = one.value;
          option.textContent = one.textContent.trim();
          return option;
        }),
      );
      list.hidden = !fits.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
      mark(Math.max(fits.findIndex((one) => one.selected), 0));
    };
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => draw(""));
    input.addEventListener("input", () => draw(input.value));
    input.addEventListener("blur", shut);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) draw("");
        else mark(at + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (list.hidden) draw("");
        else choose(list.children[at].dataset.value);
      } else if (event.key === "Escape" && !list.hidden) {
        event.stopPropagation();
        shut();
      }
    });
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[data-value]");
      if (option) choose(option.dataset.value);
    });
    select.hidden = true;
    select.after(input, list);
  }

  const dress = (root) => {
    for (const select of root.querySelectorAll("select[data-search]:not([hidden])")) searched(select);
  };
  document.addEventListener("DOMContentLoaded", () => dress(document));
  document.addEventListener("htmx:load", (event) => dress(event.target));
  document.addEventListener("change", (event) => {
    const form = event.target.matches?.("[data-looks]") && event.target.form;
    if (!form) return;
    const here = document.activeElement?.id;
    const values = { act: "again" };
    htmx.ajax("POST", form.dataset.again, { source: form, values, target: "#columns", select: "#columns", swap: "outerHTML" }).then(() => {
      if (here) document.getElementById(here)?.focus({ preventScroll: true });
    });
  });

  // --- the rows: a cell is changed where it stands, and what is then said of its row is put in its place
  const OPENS = new Set(["Enter", "F2"]);

  function open(cell) {
    if (cell.querySelector("input, textarea")) return;
    const row = cell.closest("tr");
    if (row.classList.contains("left")) return;
    const id = cell.dataset.cell;
    const input = document.createElement(/\n/.test(cell.dataset.text) ? "textarea" : "input");
    input.className = "input";
    input.id = id;
    input.name = id;
    input.value = cell.dataset.text;
    const head = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex];
    input.setAttribute("aria-label", `${cell.closest("table").dataset.edits}: ${head.firstChild.textContent.trim()}`);
    cell.classList.add("editing");
    cell.replaceChildren(input);
    input.focus();
    input.select();
  }

  async function keep(input) {
    const cell = input.closest("td");
    if (!cell || cell.dataset.busy) return;
    const row = cell.closest("tr");
    const form = document.getElementById("mending");
    cell.dataset.busy = "true";
    const body = new URLSearchParams({ csrf_token: dealwright.csrf(), act: "mend", [input.name]: input.value, [`was.${input.name.slice(5)}`]: cell.dataset.text });
    await swap(form, body, row);
    delete cell.dataset.busy;
  }

  async function swap(form, body, row) {
    const next = document.activeElement?.id;
    const headers = { "HX-Request": "true", "HX-Target": "import", "X-CSRF-Token": dealwright.csrf() };
    const answer = await dealwright.ask(row.closest("tbody").dataset.from || form.getAttribute("action"), { method: "POST", headers, body });
    if (!answer) return undefined;
    if (!dealwright.isPage(answer)) return dealwright.toast(await dealwright.why(answer), "bad");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const problem = page.querySelector("[role=alert]");
    if (problem && !answer.ok) return dealwright.toast(problem.textContent.trim(), "bad");
    const fresh = page.getElementById(row.id);
    if (fresh) row.replaceWith(fresh);
    else location.reload();
    document.getElementById("tally").replaceWith(page.getElementById("tally"));
    reachable();
    if (next) document.getElementById(next)?.focus();
    return undefined;
  }

  // Cells can be reached by Tab only where something is wrong; arrows go through all of them.
  function reachable() {
    for (const cell of document.querySelectorAll(".staged td[data-cell]:not([tabindex])")) {
      if (!cell.querySelector("input, textarea")) cell.tabIndex = -1;
    }
    const first = document.querySelector(".staged td[data-cell][tabindex]");
    if (first && !document.querySelector('.staged td[tabindex="0"]')) first.tabIndex = 0;
  }

  function walk(cell, key) {
    const row = cell.parentElement;
    const to = {
      ArrowLeft: cell.previousElementSibling,
      ArrowRight: cell.nextElementSibling,
      ArrowUp: row.previousElementSibling?.cells[cell.cellIndex],
      ArrowDown: row.nextElementSibling?.cells[cell.cellIndex],
    }[key];
    if (!to) return false;
    (to.querySelector("input, textarea, button") || to).focus();
    return true;
  }

  document.addEventListener("DOMContentLoaded", reachable);
  document.addEventListener("htmx:load", reachable);
  document.addEventListener("dblclick", (event) => {
    const cell = event.target.closest?.(".staged td[data-cell]");
    if (cell) open(cell);
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest?.(".staged td[data-cell]")) keep(event.target);
  });
  document.addEventListener("focusout", (event) => {
    const cell = event.target.closest?.(".staged td.editing");
    if (!cell || cell.dataset.busy || event.target.value !== cell.dataset.text) return;
    restore(cell);
  });
  function restore(cell) {
    const text = document.createElement("span");
    text.className = "text";
    text.textContent = cell.dataset.text;
    cell.classList.remove("editing");
    cell.replaceChildren(text);
  }
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(".staged td[data-cell]");
    if (!cell) return;
    if (event.target === cell) {
      if (OPENS.has(event.key)) {
        event.preventDefault();
        open(cell);
      } else if (walk(cell, event.key)) event.preventDefault();
    } else if (event.key === "Enter" && event.target.tagName === "INPUT") {
      event.preventDefault();
      const wrong = [...document.querySelectorAll('.staged input[aria-invalid="true"]')];
      const following = wrong[wrong.indexOf(event.target) + 1];
      if (following) following.focus();
      else event.target.blur();
    } else if (event.key === "Escape") {
      event.target.value = cell.dataset.text;
      if (cell.classList.contains("editing")) {
        restore(cell);
        cell.focus();
      }
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.('.staged button[name="leave"], .staged button[name="back"]');
    if (!button) return;
    event.preventDefault();
    const form = document.getElementById("mending");
    const body = new URLSearchParams({ csrf_token: dealwright.csrf(), act: "mend", [button.name]: button.value });
    swap(form, body, button.closest("tr"));
  });
})();
