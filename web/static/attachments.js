// A file goes to its case while the other forms of the page stay as they are, with
// what was typed into them. Without this, the form is sent like any other.
"use strict";

(() => {
  const version = (root) => Number(root.querySelector("input[name=version]")?.value);

  // What came back is the page of the case, as it is now.
  const show = (page) => {
    const fresh = page.getElementById("attachments");
    const old = document.getElementById("attachments");
    const message = page.querySelector(".g-alert");
    if (!fresh || !old) return false;
    if (message) fresh.prepend(message);
    old.replaceWith(fresh);
    const story = document.querySelector(".g-timeline");
    const told = page.querySelector(".g-timeline");
    if (story && told) story.replaceWith(told);
    // The other forms rest on what was seen: on nothing but the file more. Had
    // somebody else done something, they are told so when they are sent.
    const seen = version(document);
    if (version(page) === seen + 1) {
      for (const field of document.querySelectorAll("input[name=version]")) field.value = seen + 1;
    }
    message?.scrollIntoView({ block: "nearest" });
    message?.setAttribute("tabindex", "-1");
    message?.focus();
    return true;
  };

  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (!form.matches(".g-file-form") || e.defaultPrevented) return;
    e.preventDefault();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (show(page)) return;
    } catch {
      // The browser says it better.
    }
    form.submit();
  });
})();
