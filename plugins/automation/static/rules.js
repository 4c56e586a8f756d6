// The builder of rules: a word of the record goes into the text that one was in.
"use strict";

(() => {
  let last = null;

  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("#builder input:not([type]), #builder input[type=text], #builder textarea") && !event.target.matches('[role="combobox"]')) last = event.target.id;
  });

  document.addEventListener("click", (event) => {
    const word = event.target.closest?.("[data-word]")?.dataset.word;
    if (!word) return;
    const field = last && document.getElementById(last);
    if (!field) {
      navigator.clipboard?.writeText(word);
      return;
    }
    field.focus();
    field.setRangeText(word, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
