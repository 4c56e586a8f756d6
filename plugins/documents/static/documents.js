// Templates of documents: a variable is copied by a click, and put into the text that one was in.
"use strict";

(() => {
  let last = null;

  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(".doc-source:not([readonly])")) last = event.target;
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const word = button.dataset.copy;
    if (last?.isConnected) {
      last.focus();
      last.setRangeText(word, last.selectionStart, last.selectionEnd, "end");
      last.dispatchEvent(new Event("input", { bubbles: true }));
    }
    await navigator.clipboard?.writeText(word);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1200);
  });
})();
