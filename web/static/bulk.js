// Many rows of a list at once: select all, ranges with Shift, "x" on the row that has
// the focus, and a bar that says what will happen to how many. Without this the bar
// stands above the list and the next page says it.
"use strict";

(() => {
  const bar = document.querySelector("form[data-bulk]");
  if (!bar) return;
  const picks = [...document.querySelectorAll("input[data-bulk-pick]")];
  const all = document.querySelector("input[data-bulk-all]");
  const count = bar.querySelector("[data-bulk-count]");
  const action = bar.querySelector("#bulk-action");
  const button = bar.querySelector("[data-bulk-button]");
  const said = bar.querySelector("[data-bulk-said]");
  const clear = bar.querySelector("[data-bulk-clear]");
  const next = button.textContent;
  // What asks for more than the bar holds goes by the page that says it.
  const asksMore = (name) => name === "transfer";
  let last = -1;

  const show = () => {
    const chosen = picks.filter((pick) => pick.checked);
    for (const pick of picks) pick.closest("tr").classList.toggle("g-picked", pick.checked);
    bar.hidden = chosen.length === 0;
    document.body.classList.toggle("g-bulk-open", chosen.length > 0);
    count.textContent = count.dataset.bulkCount.replace("#", chosen.length);
    if (all) {
      all.checked = chosen.length === picks.length && picks.length > 0;
      all.indeterminate = chosen.length > 0 && !all.checked;
    }
    const name = action.value;
    for (const part of bar.querySelectorAll("[data-bulk-for]")) {
      part.hidden = !part.dataset.bulkFor.split(" ").includes(name);
      if (part.dataset.bulkWill) part.textContent = part.dataset.bulkWill.replace("#", chosen.length);
    }
    said.value = asksMore(name) ? "" : "yes";
    button.textContent = asksMore(name) ? next : action.selectedOptions[0].dataset.button;
    delete button.dataset.words;
  };

  const set = (i, on) => {
    if (i >= 0 && i < picks.length) picks[i].checked = on;
  };

  picks.forEach((pick, i) => pick.addEventListener("click", (e) => {
    if (e.shiftKey && last >= 0) {
      for (let j = Math.min(i, last); j <= Math.max(i, last); j++) set(j, pick.checked);
    }
    last = i;
    show();
  }));
  all?.addEventListener("change", () => {
    for (const pick of picks) pick.checked = all.checked;
    show();
  });
  clear.addEventListener("click", () => {
    for (const pick of picks) pick.checked = false;
    show();
    picks[Math.max(0, last)]?.focus();
  });
  action.addEventListener("change", show);

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.key !== "x" || document.documentElement.dataset.keys === "off") return;
    if (e.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const pick = document.activeElement?.closest("tr")?.querySelector("input[data-bulk-pick]");
    if (!pick) return;
    e.preventDefault();
    pick.checked = !pick.checked;
    last = picks.indexOf(pick);
    show();
  });

  bar.classList.add("g-bulk-live");
  clear.hidden = false;
  bar.querySelector("[data-bulk-keys]").hidden = false;
  if (all) all.hidden = picks.length === 0;
  // Coming back with the browser's button finds the boxes as they were left.
  window.addEventListener("pageshow", show);
  show();
})();
