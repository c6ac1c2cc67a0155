// The letter keys: a day's work without a mouse. /help/keys says what they do; each
// has something on the page that does the same. Who dictates or is disturbed by
// them turns them off for this browser (WCAG 2.1.4).
"use strict";

(() => {
  const root = document.documentElement;
  const link = document.querySelector("[data-keys-page]");
  const stored = "guiling.keys";
  const off = () => root.dataset.keys === "off";
  try {
    root.dataset.keys = localStorage.getItem(stored) === "off" ? "off" : "on";
  } catch {
    root.dataset.keys = "on"; // a browser that keeps nothing
  }

  const typing = (e) => e.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog");
  const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")];
  const row = () => document.activeElement?.closest("[data-rows] tbody tr");

  const move = (by) => {
    const links = rows();
    if (links.length === 0) return false;
    const now = links.findIndex((a) => a.closest("tr") === row());
    links[now < 0 ? 0 : Math.min(links.length - 1, Math.max(0, now + by))].focus();
    return true;
  };

  const open = () => {
    const a = row()?.querySelector("[data-row]");
    if (!a || document.activeElement === a || document.activeElement.matches("a, button")) return false; // the browser does it
    a.click();
    return true;
  };

  // claim takes the row that has the focus, or the case of the page.
  const claim = () => {
    const form = row()?.querySelector("form[action$='/actions/claim']") ?? document.getElementById("form-claim");
    const button = form?.querySelector("button.btn");
    if (!button) return false;
    form.requestSubmit(button);
    return true;
  };

  // act leads to the form of the next action: on the page of a case, or of the row.
  const act = () => {
    const a = row()?.querySelector("[data-row]");
    if (a) {
      location.assign(`${a.href}#action-title`);
      return true;
    }
    const card = document.querySelector(".g-actions");
    const field = card?.querySelector("form :is(input:not([type=hidden]), select, textarea), form button.btn");
    if (!field) return false;
    card.scrollIntoView({ block: "start" });
    field.focus();
    return true;
  };

  const find = () => {
    const field = document.getElementById("find") ?? document.getElementById("list-search");
    if (!field) return false;
    field.focus();
    field.select();
    return true;
  };

  // help shows the page of the keys over this one; what is typed here stays.
  const help = () => {
    if (!link) return false;
    fetch(link.dataset.keysPage, { headers: { "X-Guiling-Background": "1" } })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((text) => {
        const page = new DOMParser().parseFromString(text, "text/html").querySelector("article");
        if (!page) throw new Error("no article");
        show(page);
      })
      .catch(() => location.assign(link.dataset.keysPage));
    return true;
  };

  const button = (words, does) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn";
    made.textContent = words;
    made.addEventListener("click", does);
    return made;
  };

  const show = (page) => {
    const dialog = document.createElement("dialog");
    dialog.className = "g-dialog";
    const title = page.querySelector("h1");
    if (title) {
      title.id = "keys-title";
      dialog.setAttribute("aria-labelledby", "keys-title");
    }
    const buttons = document.createElement("p");
    buttons.className = "g-buttons";
    const toggle = button(off() ? link.dataset.keysOn : link.dataset.keysOff, () => {
      root.dataset.keys = off() ? "on" : "off";
      try {
        localStorage.setItem(stored, root.dataset.keys);
      } catch { /* for this page only, then */ }
      toggle.textContent = off() ? link.dataset.keysOn : link.dataset.keysOff;
    });
    buttons.append(button(link.dataset.keysClose, () => dialog.close()), toggle);
    dialog.append(...page.childNodes, buttons);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };

  const keys = { j: () => move(1), k: () => move(-1), Enter: open, c: claim, e: act, "/": find, "?": help };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.repeat && !"jk".includes(e.key) || typing(e)) return;
    if (off() && e.key !== "Enter" && e.key !== "?") return;
    if (keys[e.key]?.()) e.preventDefault();
  });

  // Whoever comes to the form by its key goes on typing there.
  if (location.hash === "#action-title") act();
})();
