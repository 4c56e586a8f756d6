// Stages are moved in place, by buttons, keys and dragging, and the bar above follows what is typed. Without this the form is sent for it.
"use strict";

(() => {
  const form = document.getElementById("stages");
  if (!form) return;
  const list = form.querySelector(".stagelist");
  const preview = document.getElementById("preview");
  const part = (stage, name) => stage.querySelector(`[name^="${name}."]`);

  function show() {
    const open = [...list.children].filter((one) => part(one, "type").value === "open");
    preview.replaceChildren(
      ...open.map((one, at) => {
        const step = document.createElement("li");
        const word = document.createElement("span");
        step.className = at ? "ahead" : "here";
        word.textContent = part(one, "name").value || "—";
        step.append(word);
        return step;
      }),
    );
    for (const one of list.children) one.querySelector(".dot").className = `dot ${part(one, "colour").value}`;
  }

  function changed() {
    form.dispatchEvent(new Event("input", { bubbles: true }));
    show();
  }

  function move(stage, by, focus) {
    const other = by < 0 ? stage.previousElementSibling : stage.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(stage);
    else other.after(stage);
    changed();
    focus?.focus();
  }

  form.addEventListener("input", (event) => {
    if (event.target !== form) show();
  });

  form.addEventListener("click", (event) => {
    const button = event.target.closest('button[value^="up:"], button[value^="down:"]');
    if (!button) return;
    event.preventDefault();
    move(button.closest(".stage"), button.value.startsWith("up") ? -1 : 1, button);
  });

  list.addEventListener("keydown", (event) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    move(event.target.closest(".stage"), event.key === "ArrowUp" ? -1 : 1, event.target);
  });

  // Dragging by the grip: the stage goes where the pointer is.
  let dragged = null;
  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip) return;
    dragged = grip.closest(".stage");
    grip.setPointerCapture(event.pointerId);
    dragged.classList.add("dragged");
  });
  list.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const over = document.elementFromPoint(event.clientX, event.clientY)?.closest(".stage");
    if (!over || over === dragged || over.parentElement !== list) return;
    const place = over.getBoundingClientRect();
    if (event.clientY < place.top + place.height / 2) over.before(dragged);
    else over.after(dragged);
  });
  const drop = () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    dragged = null;
    changed();
  };
  list.addEventListener("pointerup", drop);
  list.addEventListener("pointercancel", drop);
})();
