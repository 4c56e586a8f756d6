// The palette: Ctrl K or a click on the search, then some letters; arrows and Enter. A combobox over the answers of /console/palette.
"use strict";

(() => {
  const dialog = () => document.getElementById("palette");
  let timer = 0;
  let asked = 0;
  let late = false; // what is listed is of other words than those that stand there by now
  let entered = false; // Enter was pressed meanwhile: it waits for the answer, and follows what is marked then

  async function look() {
    const box = dialog();
    const mine = ++asked;
    const words = box.querySelector("input").value.trim();
    const answer = await dealwright.ask(`${box.dataset.from}?q=${encodeURIComponent(words)}`, { headers: { "HX-Request": "true", "HX-Target": "palette" } }, true);
    const found = answer?.ok ? await answer.text() : null;
    if (mine !== asked) return;
    const follows = entered && box.open;
    late = entered = false;
    if (found === null) return;
    const list = box.querySelector("[role=listbox]");
    list.innerHTML = found;
    const none = list.querySelector(".empty"); // that nothing was found is no option: it stands beside the list, and is said
    list.hidden = none !== null;
    box.querySelector("[role=status]").replaceChildren(...(none ? [none] : []));
    say();
    if (follows) follow();
  }

  const chosen = () => dialog().querySelector('[aria-selected="true"]');

  function follow() {
    if (chosen()) location.assign(chosen().href);
  }

  function say() {
    const input = dialog().querySelector("input");
    if (chosen()) input.setAttribute("aria-activedescendant", chosen().id);
    else input.removeAttribute("aria-activedescendant");
  }

  function open() {
    const box = dialog();
    if (!box || box.open) return;
    entered = false;
    box.showModal();
    const input = box.querySelector("input");
    input.select();
    look();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-opens="palette"]') && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open();
    }
    if (event.target === dialog()) dialog().close();
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
      return;
    }
    const box = dialog();
    if (!box?.open) return;
    const options = [...box.querySelectorAll("[role=option]")];
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      const next = options[(options.indexOf(chosen()) + by + options.length) % options.length];
      options.forEach((one) => one.setAttribute("aria-selected", String(one === next)));
      next.scrollIntoView({ block: "nearest" });
      say();
    } else if (event.key === "Enter" && (late || chosen())) {
      event.preventDefault();
      if (late) entered = true;
      else follow();
    }
  });

  document.addEventListener("input", (event) => {
    if (!event.target.closest("#palette")) return;
    late = true;
    entered = false;
    clearTimeout(timer);
    timer = setTimeout(look, 120);
  });
})();
