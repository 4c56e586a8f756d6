// The builder's addresses, and the tiles of a dashboard.
"use strict";
document.addEventListener("submit", (event) => {
  // words that say nothing stay out of the address
  if (event.target.method === "get") for (const one of event.target.elements) if (one.name && one.value === "") one.disabled = true;
});

// Tiles are put in order by dragging; the buttons on them do the same for keyboard and touch.
const board = document.querySelector("[data-arranged]");
let dragged = null;
board?.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("[data-tile]");
  event.dataTransfer.effectAllowed = "move";
  dragged?.classList.add("dragged");
});
board?.addEventListener("dragover", (event) => {
  const over = event.target.closest("[data-tile]");
  if (!dragged || !over) return;
  event.preventDefault();
  if (over === dragged) return;
  const box = over.getBoundingClientRect();
  const after = event.clientY > box.bottom || event.clientX > box.left + box.width / 2;
  over[after ? "after" : "before"](dragged);
});
board?.addEventListener("drop", (event) => event.preventDefault());
board?.addEventListener("dragend", async () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  dragged = null;
  const order = [...board.querySelectorAll("[data-tile]")].map((tile) => tile.dataset.tile).join(",");
  const body = new URLSearchParams({ csrf_token: dealwright.csrf(), act: "order", order });
  const answer = await dealwright.ask(board.dataset.arranged, { method: "POST", body, redirect: "manual" });
  if (answer?.status >= 400) dealwright.toast(document.getElementById("toasts").dataset.failed, "bad");
});
