// Lists: forms in a slip beside the list, choosing rows, changing a cell in its place.
"use strict";

(() => {
  const slip = () => document.getElementById("slip");

  // A link with data-sheet is a page of its own; here it opens over the list (on a phone from below).
  async function open(address) {
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Target": "slip-content" } });
    if (!answer.ok) return location.assign(address);
    const place = document.getElementById("slip-content");
    place.innerHTML = await answer.text();
    htmx.process(place);
    if (!slip().open) slip().showModal();
    (place.querySelector("[autofocus]") || place.querySelector("input:not([type=hidden]), select, button"))?.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-sheet]");
    if (link && slip() && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      const menu = link.closest("details");
      menu?.removeAttribute("open");
      menu?.querySelector("summary").focus(); // where one comes back to
      open(link.href);
    }
    const shut = event.target.closest("[data-shut]");
    if (shut && slip()?.open) {
      event.preventDefault();
      slip().close();
    }
    if (event.target === slip()) slip().close();
    const move = event.target.closest("[data-move]");
    if (move) {
      event.preventDefault();
      const line = move.closest("li");
      line.previousElementSibling?.before(line);
      move.focus();
    }
    if (event.target.closest("[data-unselect]")) {
      for (const box of boxes()) box.checked = false;
      tell();
    }
  });

  // --- choosing rows
  const boxes = () => [...document.querySelectorAll('.list input[name="id"]')];

  function tell() {
    const bar = document.getElementById("bulk");
    const all = boxes();
    const count = all.filter((box) => box.checked).length;
    for (const box of all) box.closest("tr").classList.toggle("chosen", box.checked);
    const head = document.querySelector(".list [data-all]");
    if (head) {
      head.checked = count > 0 && count === all.length;
      head.indeterminate = count > 0 && count < all.length;
    }
    if (!bar) return;
    bar.hidden = count === 0;
    const said = bar.querySelector("output");
    said.textContent = `${said.dataset.text} ${count}`;
    const whole = bar.querySelector("[data-whole]"); // once all in sight are chosen, and there are more; on a phone nothing chooses all
    whole.hidden = !count || (count < all.length && head?.offsetParent) || !document.querySelector("#rows tr.more");
    if (whole.hidden) whole.querySelector("input").checked = false;
  }

  let last = null;
  document.addEventListener("change", (event) => {
    if (event.target.matches(".list [data-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches('.list [data-all], .list input[name="id"]')) tell();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.matches?.('.list input[name="id"]')) return;
    const all = boxes();
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((a, b) => a - b);
      for (const box of all.slice(from, to + 1)) box.checked = event.target.checked;
      tell();
    }
    last = event.target;
  });
  addEventListener("pageshow", tell);
  document.addEventListener("htmx:afterSettle", tell);

  // --- one cell
  const cells = "td[data-field]";

  async function edit(cell) {
    if (!cell?.matches("[data-edits]:not(.asked, .editing)")) return;
    cell.classList.add("asked"); // until the form is there, nobody asks for it again
    const row = cell.closest("tr");
    const address = `${cell.closest("[data-list]").dataset.list}/${row.dataset.id}/cell/${cell.dataset.field}`;
    const ask = async () => {
      const answer = await dealwright.ask(address, { headers: { "HX-Request": "true", "HX-Target": "cell" } });
      return answer ? (answer.ok ? [await answer.text()] : ["", await dealwright.why(answer)]) : [""];
    };
    const [drawn, refused] = await ask().finally(() => cell.classList.remove("asked"));
    if (refused) return dealwright.toast(refused, "bad");
    if (!drawn) return;
    const before = [...cell.childNodes];
    const was = document.createElement("span"); // it keeps the width of the column, so that nothing moves
    was.className = "was";
    was.append(...before);
    cell.replaceChildren(was);
    cell.insertAdjacentHTML("beforeend", drawn);
    cell.classList.add("editing");
    const form = cell.querySelector("form");
    const place = () => {
      const at = cell.getBoundingClientRect();
      form.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - form.offsetWidth - 8))}px`;
      form.style.top = `${at.top + (at.height - form.offsetHeight) / 2}px`;
    };
    place();
    for (const name of ["scroll", "resize"]) addEventListener(name, place, { capture: true, passive: true });
    form.elements.version.value = row.dataset.version;
    (form.querySelector("input:not([type=hidden]), select, textarea")).focus();
    form.querySelector("input:not([type=hidden])")?.select?.();

    const back = (nodes) => {
      for (const name of ["scroll", "resize"]) removeEventListener(name, place, { capture: true });
      cell.classList.remove("editing");
      cell.replaceChildren(...nodes);
      focus(cell);
    };
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        back(before);
      }
    });
    form.querySelector("[data-cancel]").addEventListener("click", () => back(before));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const sent = await dealwright.ask(form.action, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true", "HX-Target": "cell", "X-CSRF-Token": dealwright.csrf() } });
      if (!sent) return; // what was typed stays
      const holder = document.createElement("template");
      if (dealwright.isPage(sent)) holder.innerHTML = await sent.text();
      const drawn = holder.content.querySelector("[data-version]");
      if (!drawn) {
        back(before);
        return dealwright.toast(await dealwright.why(sent), "bad");
      }
      if (sent.ok) row.dataset.version = drawn.dataset.version;
      cell.classList.toggle("blank", "blank" in drawn.dataset && sent.ok);
      cell.classList.toggle("refused", !sent.ok);
      back([...drawn.childNodes]);
    });
  }

  // --- what was ticked off: its row says so, it can be taken back, and the next change is made to the version that it is by now
  document.addEventListener("htmx:load", (event) => {
    const form = event.detail.elt;
    if (!form.matches?.("form.tick[data-version]")) return;
    const button = form.querySelector("button");
    const row = form.closest("tr[data-id]");
    const now = form.querySelector("template");
    if (row) {
      row.dataset.version = form.dataset.version;
      row.querySelector(`td[data-field="${now.dataset.now}"]`)?.replaceChildren(now.content.cloneNode(true));
    }
    dealwright.toast(form.dataset.said, "", "", () => {
      const again = document.getElementById(button.id);
      again?.focus();
      again?.click();
    });
  });

  function focus(cell) {
    cell.tabIndex = -1;
    cell.focus();
  }

  document.addEventListener("dblclick", (event) => {
    const cell = event.target.closest?.(`.list ${cells}`);
    if (cell && !event.target.closest("a, form")) edit(cell);
  });

  document.addEventListener("keydown", (event) => {
    if ((event.key === "x" || event.key === "e") && !dealwright.letters()) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) {
      if (!event.target.matches?.('.list input[name="id"]')) return;
    }
    const row = event.target.closest?.(".list tbody tr[data-id]");
    if (!row) return;
    const cell = event.target.closest(cells);
    const all = [...row.querySelectorAll(cells)];
    if (event.key === "x") {
      const box = row.querySelector('input[name="id"]');
      if (box) {
        box.checked = !box.checked;
        tell();
      }
    } else if (event.key === "e" || event.key === "F2" || (event.key === "Enter" && event.target === cell)) {
      event.preventDefault();
      edit(event.target === cell && cell.matches("[data-edits]") ? cell : all.find((one) => one.matches("[data-edits]")));
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const next = all[all.indexOf(cell) + (event.key === "ArrowRight" ? 1 : -1)];
      if (next) {
        event.preventDefault();
        focus(next);
      }
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const other = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
      const next = other?.querySelectorAll(cells)[Math.max(all.indexOf(cell), 0)];
      if (next) {
        event.preventDefault();
        focus(next);
      }
    }
  });
})();
