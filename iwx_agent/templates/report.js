"use strict";
(() => {
  const status = document.getElementById("status");
  const opened = [];

  // Selected, so that a person can copy it by hand where a page may not.
  function select(place) {
    if (place instanceof HTMLTextAreaElement) {
      place.focus();
      place.select();
    } else {
      getSelection().selectAllChildren(place);
    }
  }

  async function copy(button) {
    const place = document.getElementById(button.dataset.copies);
    const name = button.dataset.name;
    let copied = true;
    try {
      await navigator.clipboard.writeText(place.value ?? place.textContent);
    } catch {
      copied = false;
      select(place);
    }
    button.classList.toggle("copied", copied);
    status.textContent = copied ? `Copied: ${name}` : `Selected: ${name}. Press Ctrl+C to copy it`;
    clearTimeout(status.timer);
    status.timer = setTimeout(() => {
      status.textContent = "";
      button.classList.remove("copied");
    }, 4000);
  }

  for (const button of document.querySelectorAll("button[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  // Browsers that cannot open what is folded by style alone.
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details:not([open])")) {
      fold.open = true;
      opened.push(fold);
    }
  });
  addEventListener("afterprint", () => {
    for (const fold of opened.splice(0)) fold.open = false;
  });
})();
