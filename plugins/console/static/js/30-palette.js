// The palette: Ctrl K or a click on the search, then some letters; arrows and Enter. A combobox over the answers of /console/palette.
"use strict";

(() => {
  const dialog = () => document.getElementById("palette");
  let timer = 0;
  let asked = 0;

  async function look() {
    const box = dialog();
    const mine = ++asked;
    const words = box.querySelector("input").value.trim();
    const answer = await fetch(`${box.dataset.from}?q=${encodeURIComponent(words)}`, { headers: { "HX-Request": "true", "HX-Target": "palette" } });
    if (mine !== asked || !answer.ok) return;
    box.querySelector("[role=listbox]").innerHTML = await answer.text();
    say();
  }

  function say() {
    const box = dialog();
    const chosen = box.querySelector('[aria-selected="true"]');
    const input = box.querySelector("input");
    if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function open() {
    const box = dialog();
    if (!box || box.open) return;
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
    const at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      const next = options[(at + by + options.length) % options.length];
      options.forEach((one) => one.setAttribute("aria-selected", String(one === next)));
      next.scrollIntoView({ block: "nearest" });
      say();
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      location.assign(options[at].href);
    }
  });

  document.addEventListener("input", (event) => {
    if (!event.target.closest("#palette")) return;
    clearTimeout(timer);
    timer = setTimeout(look, 120);
  });
})();
