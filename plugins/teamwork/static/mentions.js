// Mentions: an @ in a comment offers people; who is chosen stands in brackets, as the API reads it.
"use strict";

if (!window.dealwrightMentions) {
  window.dealwrightMentions = true;
  let waiting = 0;
  const ASKED = /(^|\s)@([^\s@[\]]{0,40})$/;

  const listOf = (area) => {
    let list = area.parentElement.querySelector(".options");
    if (!list) {
      list = document.createElement("ul");
      list.className = "options";
      list.id = `${area.id}-people`;
      list.setAttribute("role", "listbox");
      list.setAttribute("aria-label", area.labels[0]?.textContent || "");
      area.setAttribute("aria-controls", list.id);
      area.setAttribute("aria-autocomplete", "list");
      area.after(list);
    }
    return list;
  };

  const close = (area) => {
    const list = area.parentElement.querySelector(".options");
    if (list) list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  };

  async function look(area) {
    const found = ASKED.exec(area.value.slice(0, area.selectionStart));
    const mine = ++waiting;
    if (!found) return close(area);
    const answer = await fetch(`${area.dataset.mentions}?q=${encodeURIComponent(found[2])}`, { headers: { Accept: "application/json" } });
    if (mine !== waiting || !answer.ok) return undefined;
    const { data } = await answer.json();
    const list = listOf(area);
    list.replaceChildren(
      ...data.map((one, index) => {
        const option = document.createElement("li");
        option.setAttribute("role", "option");
        option.id = `${list.id}-${index}`;
        option.dataset.word = one.word;
        option.textContent = one.email ? `${one.name} · ${one.email}` : one.name;
        option.setAttribute("aria-selected", String(index === 0));
        return option;
      }),
    );
    list.hidden = !data.length;
    if (data.length) area.setAttribute("aria-activedescendant", `${list.id}-0`);
    return undefined;
  }

  function take(area, option) {
    const before = area.value.slice(0, area.selectionStart).replace(ASKED, `$1@[${option.dataset.word}] `);
    area.setRangeText(before, 0, area.selectionStart, "end");
    close(area);
    area.focus();
  }

  function step(area, list, by) {
    const options = [...list.children];
    const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    options[at]?.setAttribute("aria-selected", "false");
    const next = options[(at + by + options.length) % options.length];
    next.setAttribute("aria-selected", "true");
    area.setAttribute("aria-activedescendant", next.id);
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-mentions]")) look(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.("[data-mentions]")) return;
    const list = event.target.parentElement.querySelector(".options");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit();
    if (!list || list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event.target, list, event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" || event.key === "Tab") take(event.target, list.querySelector('[aria-selected="true"]'));
    else if (event.key === "Escape") {
      event.stopPropagation();
      close(event.target);
    } else return;
    event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest?.("[data-word]");
    if (!option) return;
    event.preventDefault();
    take(option.closest(".face").querySelector("[data-mentions]"), option);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches?.("[data-mentions]")) close(event.target);
  });
}
