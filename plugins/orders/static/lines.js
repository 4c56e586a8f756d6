// The lines of a document as a sheet: keys as in a spreadsheet, rows pasted from one, products while one types. What lines come to is
// asked of the server, which computes and renders; without this script the form is sent as it is.
"use strict";

(() => {
  const WAIT = 250;

  // The cells of copied rows; one that holds a tab, a quote or a new line stands in quotes.
  function parts(text) {
    const rows = [[""]];
    let quoted = false;
    for (let at = 0; at < text.length; at++) {
      const sign = text[at];
      const words = rows.at(-1);
      if (quoted && sign === '"' && text[at + 1] === '"') words[words.length - 1] += text[++at];
      else if (quoted ? sign === '"' : sign === '"' && words.at(-1) === "") quoted = !quoted;
      else if (!quoted && sign === "\t") words.push("");
      else if (!quoted && sign === "\n") rows.push([""]);
      else if (quoted || sign !== "\r") words[words.length - 1] += sign;
    }
    return rows.filter((words) => words.some((word) => word.trim()));
  }

  // A price of thousands reads with marks while it is not being typed; what is sent has none.
  const plain = (input) => (input.dataset.grouped === input.value ? input.value.replaceAll(",", "") : input.value);

  function grouped(input) {
    if (input.name !== "unit_price" || !/^\d{4,}(\.\d+)?$/.test(input.value)) return;
    const [whole, ...rest] = input.value.split(".");
    input.value = input.dataset.grouped = [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
  }

  class LineSheet {
    constructor(form) {
      this.form = form;
      this.body = form.querySelector("tbody");
      this.template = form.querySelector("template");
      this.list = form.querySelector('[role="listbox"]');
      if (form.hasAttribute("data-changed")) dealwright.unsaved(form);
      this.asked = 0;
      this.body.addEventListener("keydown", (event) => this.key(event));
      this.body.addEventListener("input", (event) => this.input(event));
      this.body.addEventListener("focusin", (event) => this.enter(event));
      this.body.addEventListener("focusout", (event) => this.leave(event));
      this.body.addEventListener("paste", (event) => this.paste(event));
      this.list.addEventListener("pointerdown", (event) => this.point(event));
      form.addEventListener("click", (event) => this.click(event));
      form.addEventListener("keydown", (event) => {
        const save = (event.ctrlKey || event.metaKey) && (event.key === "s" || event.key === "Enter");
        if (!save) return;
        event.preventDefault();
        form.requestSubmit(form.querySelector('header [value="save"]'));
      });
      form.addEventListener("formdata", (event) => {
        event.formData.delete("unit_price");
        for (const input of form.querySelectorAll('[name="unit_price"]')) event.formData.append("unit_price", plain(input));
      });
      form.querySelectorAll("input").forEach(grouped);
      this.number();
      form.querySelector("[aria-invalid]")?.focus();
      const idle = document.activeElement === document.body && matchMedia("(pointer: fine)").matches;
      if (idle && this.rows().every((row) => this.blank(row))) this.go(this.rows()[0], "named");
    }

    // --- rows and cells

    rows = () => [...this.body.rows];
    cells = (row) => [...row.querySelectorAll("input:not([type=hidden])")];
    cell = (row, name) => row.querySelector(`[name="${name}"]`);
    blank = (row) => !this.cell(row, "product")?.value && this.cells(row).every((one) => one.value === "" || ["discount", "tax_rate"].includes(one.name));
    snapshot = (row) => [...row.querySelectorAll("input")].map((one) => plain(one)).join("\u0000");

    fresh(after) {
      const row = this.template.content.firstElementChild.cloneNode(true);
      if (after) after.after(row);
      else this.body.append(row);
      return row;
    }

    // Numbers, names of buttons and the blank row at the end follow from the rows that are there.
    number() {
      const last = this.rows().at(-1);
      if (!last || !this.blank(last)) this.fresh();
      this.rows().forEach((row, at) => {
        row.querySelector(".nr span").textContent = at + 1;
        for (const button of row.querySelectorAll(".rowacts button")) {
          button.tabIndex = -1;
          button.value = `${button.value.split(":")[0]}:${at}`;
          button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/\d+/, at + 1));
        }
      });
    }

    put(input, value) {
      if (!input || input.value === value) return;
      input.value = value;
      if (input.name === "named") this.cell(input.closest("tr"), "product").value = "";
    }

    changed() {
      this.form.querySelector(".unsaved").hidden = false;
      this.form.dispatchEvent(new Event("input", { bubbles: true }));
      this.number();
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.ask(), WAIT);
    }

    go(row, name) {
      const input = row && (this.cell(row, name) || this.cells(row)[0]);
      if (!input) return false;
      input.focus();
      return true;
    }

    // --- what one does

    key(event) {
      const input = event.target;
      if (!input.matches("input") || event.isComposing) return;
      const row = input.closest("tr");
      const open = !this.list.hidden;
      const with_ctrl = event.ctrlKey || event.metaKey;
      const act = this.pressed(event, row, input, open, with_ctrl);
      if (!act) return;
      event.preventDefault();
      act();
    }

    pressed(event, row, input, open, with_ctrl) {
      const up = row.previousElementSibling;
      const down = row.nextElementSibling;
      if (event.key === "Escape") return open ? () => { event.stopPropagation(); this.close(); } : () => { if (input.value !== this.before) { this.put(input, this.before); this.changed(); } input.select(); };
      if (event.key === "Enter" && !with_ctrl) return () => this.enterKey(row, input, open, event.shiftKey ? up : down);
      if (event.key === "Tab" && open) { this.choose(input); return null; }
      if (event.altKey && event.key === "ArrowUp") return () => this.move(row, up, input.name);
      if (event.altKey && event.key === "ArrowDown") return input.matches('[role="combobox"]') && !open && (input.name !== "named" || this.blank(row)) ? () => this.look(input) : () => this.move(down, row, input.name, row);
      if (event.key === "ArrowDown") return open ? () => this.mark(input, 1) : () => this.go(down, input.name);
      if (event.key === "ArrowUp") return open ? () => this.mark(input, -1) : () => this.go(up, input.name);
      if (event.key === "ArrowLeft" && input.selectionEnd === 0) return () => this.step(input, -1);
      if (event.key === "ArrowRight" && input.selectionStart === input.value.length) return () => this.step(input, 1);
      if (event.key === "F2") return () => input.setSelectionRange(input.value.length, input.value.length);
      if (with_ctrl && event.key === "d") return () => this.above(row, up, input);
      if (with_ctrl && event.key === "Delete") return () => this.drop(row);
      return null;
    }

    enterKey(row, input, open, to) {
      if (open && this.choose(input)) return input.name === "named" ? this.go(row, "quantity") : input.focus();
      if (!to && !this.blank(row)) this.number();
      const next = to || row.nextElementSibling;
      return this.go(next, next && this.blank(next) ? "named" : input.name); // a line that is begun begins at its product
    }

    step(input, by) {
      const all = this.rows().flatMap((row) => this.cells(row));
      all[all.indexOf(input) + by]?.focus();
    }

    move(row, before, name, stay = row) {
      if (!row || !before) return;
      before.before(row);
      this.go(stay, name);
      this.changed();
    }

    // The line above, where this one is empty; else its cell.
    above(row, up, input) {
      if (!up) return;
      const whole = this.blank(row);
      for (const one of whole ? this.cells(up) : [this.cell(up, input.name)]) this.put(this.cell(row, one.name), one.value);
      if (whole || input.name === "named") this.cell(row, "product").value = this.cell(up, "product").value;
      this.changed();
    }

    drop(row) {
      const next = row.nextElementSibling || row.previousElementSibling;
      const name = document.activeElement.name;
      row.remove();
      this.changed();
      this.go(next?.isConnected ? next : this.rows()[0], name);
    }

    click(event) {
      const button = event.target.closest("button[name=act]");
      const row = button?.closest("tr");
      const input = event.target.closest('[role="combobox"]');
      if (input && this.list.hidden) this.look(input);
      if (!button || button.value === "save") return;
      event.preventDefault();
      const act = button.value.split(":")[0];
      if (act === "add") this.go(this.rows().at(-1), "named");
      else if (act === "up") this.move(row, row.previousElementSibling, "");
      else if (act === "down") this.move(row.nextElementSibling, row, "", row);
      else if (act === "drop") this.drop(row);
      else if (act === "copy") {
        const made = this.fresh(row);
        for (const one of row.querySelectorAll("input")) if (one.name !== "id") this.cell(made, one.name).value = one.value;
        this.changed();
        this.go(made, "quantity");
      }
    }

    input(event) {
      if (event.target === this.form) return;
      if (event.target.name === "named") this.cell(event.target.closest("tr"), "product").value = "";
      if (event.target.matches('[role="combobox"]')) {
        clearTimeout(this.looking);
        this.looking = setTimeout(() => this.look(event.target), 120);
      }
      this.changed();
    }

    enter(event) {
      if (!event.target.matches("input")) return;
      event.target.value = plain(event.target);
      this.before = event.target.value;
      event.target.select();
      const place = event.target.closest("tr").querySelector(".nr").textContent.trim(); // who listens hears of which line the cell is
      event.target.setAttribute("aria-description", `${this.form.querySelector("thead .nr").textContent.trim()} ${place}`);
    }

    leave(event) {
      grouped(event.target);
      if (event.target.matches('[role="combobox"]')) {
        clearTimeout(this.looking);
        this.close();
      }
    }

    // Rows with tabs between their cells, as spreadsheets copy them; they go into the cells from the present one on.
    paste(event) {
      const text = event.clipboardData.getData("text/plain");
      if (!/[\t\n]/.test(text.trim()) || !event.target.matches("input")) return;
      event.preventDefault();
      let row = event.target.closest("tr");
      const from = this.cells(row).indexOf(event.target);
      for (const words of parts(text)) {
        row ||= this.fresh();
        const inputs = this.cells(row).slice(from);
        words.forEach((word, at) => this.put(inputs[at], word.replace(/\s+/g, " ").trim()));
        row = row.nextElementSibling;
      }
      this.close();
      this.changed();
    }

    // --- products, and other records that a cell names

    async look(input) {
      const mine = (this.looks = (this.looks || 0) + 1);
      const answer = await fetch(`${input.dataset.pick || this.form.dataset.products}?q=${encodeURIComponent(input.value.trim())}`, { headers: { "HX-Request": "true", "HX-Target": "products" } });
      if (mine !== this.looks || !answer.ok || document.activeElement !== input) return;
      this.list.innerHTML = await answer.text();
      const place = input.getBoundingClientRect();
      const sheet = this.form.parentElement.getBoundingClientRect();
      this.list.style.left = `${place.left - sheet.left}px`;
      this.list.style.top = `${place.bottom - sheet.top + 2}px`;
      this.list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      this.mark(input, 0);
    }

    close() {
      this.looks = (this.looks || 0) + 1;
      this.list.hidden = true;
      for (const one of this.body.querySelectorAll('[aria-expanded="true"]')) {
        one.setAttribute("aria-expanded", "false");
        one.removeAttribute("aria-activedescendant");
      }
    }

    mark(input, by) {
      const options = [...this.list.querySelectorAll('[role="option"]:not([aria-disabled])')];
      const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
      if (!options.length || (by === 0 && at < 0)) return;
      const next = options[by === 0 ? at : (Math.max(at, by > 0 ? -1 : 0) + by + options.length) % options.length];
      options.forEach((one) => one.setAttribute("aria-selected", String(one === next)));
      next.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", next.id);
    }

    // Whether there was one to choose. Another product has its own words and its own price.
    choose(input, option = this.list.querySelector('[aria-selected="true"]')) {
      this.close();
      if (!option) return false;
      if (input.name !== "named") {
        input.value = option.textContent.trim();
        this.changed();
        return true;
      }
      const row = input.closest("tr");
      const same = this.cell(row, "product").value === option.dataset.value;
      input.value = option.querySelector(".name").textContent;
      this.cell(row, "product").value = option.dataset.value;
      if (!same) for (const name of ["description", "unit_price"]) this.put(this.cell(row, name), "");
      const count = this.cell(row, "quantity");
      if (count && !count.value) count.value = "1";
      const rate = this.cell(row, "tax_rate"); // most lines of a document are taxed as the one above
      if (rate && !same && !rate.value) rate.value = (row.previousElementSibling && this.cell(row.previousElementSibling, "tax_rate").value) || "";
      this.changed();
      return true;
    }

    point(event) {
      event.preventDefault();
      const option = event.target.closest('[role="option"]:not([aria-disabled])');
      const input = document.activeElement;
      if (!option || !input.matches('[role="combobox"]')) return;
      this.choose(input, option);
      if (input.name === "named") this.go(input.closest("tr"), "quantity");
    }

    // --- what it comes to

    async ask() {
      const mine = ++this.asked;
      const sent = this.rows().map((row) => [row, this.snapshot(row)]);
      const given = new URLSearchParams(new FormData(this.form));
      given.set("act", "check");
      this.form.classList.add("asking");
      const answer = await fetch(this.form.action, { method: "POST", body: given, headers: { "HX-Request": "true", "HX-Target": "linesheet", "X-CSRF-Token": dealwright.csrf() } }).catch(() => null);
      if (mine !== this.asked) return;
      this.form.classList.remove("asking");
      if (!answer?.ok) {
        const toasts = document.getElementById("toasts").dataset;
        const json = answer && (answer.headers.get("Content-Type") || "").includes("json");
        dealwright.toast(json ? dealwright.said(await answer.json()) : answer ? toasts.failed : toasts.offline, "bad");
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = page.querySelectorAll(".linegrid tbody tr");
      sent.forEach(([row, was], at) => {
        if (told[at] && row.isConnected && this.snapshot(row) === was) this.tell(row, told[at]);
      });
      this.form.querySelector(".sums").replaceWith(page.querySelector(".sums"));
    }

    tell(row, told) {
      for (const one of row.querySelectorAll("[data-out]")) one.textContent = told.querySelector(`[data-out="${one.dataset.out}"]`).textContent;
      for (const input of this.cells(row)) {
        const theirs = this.cell(told, input.name);
        const cell = input.closest("td");
        const typing = input === document.activeElement || (row.contains(document.activeElement) && !input.value);
        input.placeholder = theirs.placeholder;
        cell.querySelectorAll(".problem").forEach((one) => one.remove());
        const wrong = theirs.matches("[aria-invalid]") && !typing;
        input.toggleAttribute("aria-invalid", wrong);
        if (wrong) input.setAttribute("aria-invalid", "true");
        if (!typing) cell.append(...theirs.closest("td").querySelectorAll(".problem"));
        if (input.name === "named" && theirs.value && input !== document.activeElement) {
          input.value = theirs.value;
          this.cell(row, "product").value = this.cell(told, "product").value;
        }
      }
    }
  }

  const dress = (root) => {
    for (const form of root.querySelectorAll("form[data-lines]:not([data-dressed])")) {
      form.dataset.dressed = "";
      form.sheet = new LineSheet(form);
    }
  };
  dress(document);
  if (window.dealwrightLines) return;
  window.dealwrightLines = true;
  document.addEventListener("htmx:load", (event) => dress(event.target.parentElement || document));
})();
