// Keeps what is typed into the forms of a case, and puts texts in. Without this
// script the buttons of the forms do both.
"use strict";

(() => {
  const pause = 2000; // milliseconds without a stroke
  const alive = 10 * 60 * 1000; // milliseconds after which a save keeps the session alive as well
  const largest = 60000; // bytes that a browser sends after its page has gone

  for (const place of document.querySelectorAll("[data-draft]")) {
    const form = place.closest("form");
    const state = place.querySelector("[role=status]");
    let timer = 0;
    let typed = 0; // counts what was typed
    let kept = 0; // how much of it is kept
    let sending = null;
    let carried = 0; // how much of it is on its way
    let lived = Date.now();

    const keep = async (leaving) => {
      clearTimeout(timer);
      if (kept === typed || form.dataset.sent || (sending && (!leaving || carried === typed))) return;
      sending?.abort(); // what it carries is older
      const count = typed;
      const fields = new URLSearchParams(new FormData(form));
      if (Date.now() - lived > alive) {
        lived = Date.now();
        fields.set("alive", "1");
      }
      const body = fields.toString();
      const mine = new AbortController();
      sending = mine;
      carried = count;
      try {
        const answer = await fetch(place.dataset.draft, {
          method: "POST", body, signal: mine.signal, keepalive: body.length < largest, redirect: "error",
          headers: { "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json" },
        });
        if (!answer.ok) {
          state.textContent = answer.status === 401 ? place.dataset.signedOut : place.dataset.failed;
          state.className = "g-wrong";
          return;
        }
        const { words } = await answer.json();
        kept = count;
        if (kept !== typed) return;
        state.textContent = words;
        state.className = "";
        form.dataset.kept = "1";
      } catch {
        if (form.dataset.sent || mine.signal.aborted) return;
        state.textContent = place.dataset.failed;
        state.className = "g-wrong";
      } finally {
        // What was typed meanwhile; after a failure, once more in a while.
        const latest = sending === mine;
        if (latest) sending = null;
        if (latest && kept !== typed && !form.dataset.sent) timer = setTimeout(keep, kept === count ? pause : 5 * pause, false);
      }
    };

    form.addEventListener("input", (e) => {
      if (e.target.name?.startsWith("template-")) return;
      typed += 1;
      delete form.dataset.kept;
      clearTimeout(timer);
      timer = setTimeout(keep, pause, false);
    });
    form.addEventListener("focusout", (e) => {
      if (e.relatedTarget?.type !== "submit") keep(false); // about to be sent
    });
    // What is still on its way then comes too late, and is not kept.
    form.addEventListener("submit", () => clearTimeout(timer));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") keep(true);
    });
    window.addEventListener("pagehide", () => keep(true));

    const button = place.querySelector("[data-keep]");
    button.type = "button";
    button.addEventListener("click", () => {
      typed += 1; // also when nothing has changed since
      keep(false);
    });
  }

  for (const button of document.querySelectorAll("[data-use]")) {
    button.type = "button";
    button.addEventListener("click", () => {
      const field = document.getElementById(button.dataset.use);
      const chosen = document.getElementById(`${button.dataset.use}-text`).selectedOptions[0];
      const missing = document.getElementById(`${button.dataset.use}-missing`);
      const text = chosen?.dataset.text;
      if (!text) return;
      // Nothing typed is ever written over.
      const before = field.value.trimEnd();
      field.value = before === "" ? text : `${before}\n\n${text}`;
      missing.hidden = !chosen.dataset.missing;
      missing.querySelector("span").textContent = chosen.dataset.missing ?? "";
      field.rows = Math.min(14, Math.max(field.rows, field.value.split("\n").length + 1));
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    });
  }
})();
