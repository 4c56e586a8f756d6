// Choosing a record for a link: a combobox over the answers of /console/pick (WAI-ARIA 1.2, combobox with a listbox).
"use strict";

(() => {
  const OPTION = '[role="option"]:not([aria-disabled])'; // that nothing was found stands among them, as a list has to have one
  let asked = 0; // each picker has the number of its own last question

  // Until the answer is there the list is of other words: Enter waits for it, and takes what is marked then.
  async function look(picker, input, list) {
    const mine = (picker.asked = ++asked);
    if (!picker.dataset.pick) return;
    const words = picker.querySelector('input[type="hidden"]').value ? "" : input.value.trim(); // whoever comes to what is chosen may want another
    try {
      const answer = await fetch(`${picker.dataset.pick}?q=${encodeURIComponent(words)}`, { headers: { "HX-Request": "true" } });
      const text = answer.ok && (await answer.text());
      if (mine !== picker.asked || !answer.ok) return;
      show(input, list, text);
      if (picker.entered) take(picker, input, list);
    } finally {
      if (mine === picker.asked) picker.late = picker.entered = false;
    }
  }

  function show(input, list, text) {
    const marked = list.querySelector('[aria-selected="true"]')?.dataset.value;
    list.innerHTML = text;
    offer(list, input.value.trim());
    open(input, list, true);
    if (marked === undefined) return;
    // what was marked before the answer came stays so; where it is not there any more, the first is
    const options = [...list.querySelectorAll(OPTION)];
    const at = options.findIndex((one) => one.dataset.value === marked);
    if (options.length) mark(input, list, at < 0 ? 1 : at + 1);
  }

  // What is not there yet can be made with the name that was typed, where the field has a + for that.
  function offer(list, words) {
    const link = list.parentElement.querySelector("a[data-new]");
    if (!words || !link?.offsetParent || list.parentElement.querySelector('input[type="hidden"]').value) return;
    const line = document.createElement("li");
    line.setAttribute("role", "option");
    line.dataset.make = "";
    line.id = `${list.id}-make`;
    line.textContent = `+ ${link.getAttribute("aria-label")} “${words}”`;
    list.append(line);
  }

  function open(input, list, shown) {
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown));
    if (!shown) input.removeAttribute("aria-activedescendant");
  }

  function choose(picker, input, list, option) {
    if (option.dataset.make !== undefined) {
      open(input, list, false);
      return picker.querySelector("a[data-new]").click();
    }
    picker.querySelector('input[type="hidden"]').value = option.dataset.value;
    input.value = option.textContent;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    clearTimeout(picker.timer);
    picker.late = picker.entered = false;
    picker.asked = 0; // what is still on its way is not asked for any more
    open(input, list, false);
    return undefined;
  }

  function mark(input, list, by) {
    const options = [...list.querySelectorAll(OPTION)];
    if (!options.length) return;
    const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    options.forEach((one) => one.setAttribute("aria-selected", "false"));
    const next = options[(at + by + options.length) % options.length];
    next.setAttribute("aria-selected", "true");
    next.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", next.id);
  }

  function take(picker, input, list) {
    const chosen = list.querySelector('[aria-selected="true"]');
    if (chosen) choose(picker, input, list, chosen);
  }

  const parts = (target) => {
    const picker = target.closest?.(".picker");
    return picker && [picker, picker.querySelector('[role="combobox"]'), picker.querySelector('[role="listbox"]')];
  };

  document.addEventListener("focusin", (event) => {
    const found = event.target.matches?.('.picker [role="combobox"]') && parts(event.target);
    if (found) look(...found);
  });

  document.addEventListener("input", (event) => {
    if (!event.isTrusted || !event.target.matches('.picker [role="combobox"]')) return;
    const [picker, input, list] = parts(event.target);
    picker.querySelector('input[type="hidden"]').value = "";
    picker.late = true;
    picker.entered = false;
    clearTimeout(picker.timer);
    picker.timer = setTimeout(() => look(picker, input, list), 150);
  });

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.('.picker [role="combobox"]')) return;
    const [picker, input, list] = parts(event.target);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open(input, list, true);
      mark(input, list, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      if (picker.late) picker.entered = true;
      else take(picker, input, list);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault(); // a dialog that it stands in stays open
      event.stopPropagation();
      picker.entered = false;
      open(input, list, false);
    }
  });

  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest?.(`.picker ${OPTION}`);
    if (option) {
      event.preventDefault();
      const [picker, input, list] = parts(option);
      choose(picker, input, list, option);
      return;
    }
    for (const list of document.querySelectorAll(".picker .options:not([hidden])")) {
      if (!list.parentElement.contains(event.target)) open(parts(list)[1], list, false);
    }
  });

  document.addEventListener("focusout", (event) => {
    const found = parts(event.target);
    if (found && !found[0].contains(event.relatedTarget)) open(found[1], found[2], false);
  });
})();
