// What makes the pages quicker for who works with them all day. Every page works
// without it.
"use strict";

(() => {
  // A form is sent once. The server would carry it out once in any case; the
  // button says that it is on its way.
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (!form.hasAttribute("data-once")) return;
    if (form.dataset.sent) {
      e.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = e.submitter;
    // After the browser has read the form: a disabled button is not sent.
    setTimeout(() => {
      if (!button) return;
      button.disabled = true;
      if (button.dataset.busy) {
        button.dataset.words = button.textContent;
        button.textContent = button.dataset.busy;
      }
    }, 0);
  });

  // Coming back with the browser's button finds the form as it was left.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      const button = form.querySelector("button[data-words]");
      if (button) {
        button.disabled = false;
        button.textContent = button.dataset.words;
      }
    }
  });

  // Leaving a form with something typed that is kept nowhere asks first.
  const dirty = (form) => [...form.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);
  window.addEventListener("beforeunload", (e) => {
    for (const form of document.querySelectorAll("form.g-form[data-once]")) {
      if (!form.dataset.sent && !form.dataset.kept && dirty(form)) {
        if ([...document.querySelectorAll("form[data-sent]")].length > 0) return;
        e.preventDefault();
        return;
      }
    }
  });

  // The column beside a case stays in view. One that is taller than the window
  // moves until its end is seen, and stays then.
  const side = document.querySelector(".g-case-side");
  if (side) {
    const place = () => {
      const top = Math.min(16, window.innerHeight - side.offsetHeight - 16);
      side.style.setProperty("--g-side-top", `${top}px`);
    };
    new ResizeObserver(place).observe(side);
    window.addEventListener("resize", place);
  }

  // Errors are the first thing that is read.
  document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-focus]")?.focus());
})();
