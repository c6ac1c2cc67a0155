// Many rows of a list at once: select all, ranges with Shift, "x" on the row that has
// the focus, and a bar that says what will happen to how many. Without this the bar
// stands above the list and the next page says it.
"use strict";

(() => {
  const bar = document.querySelector("form[data-bulk]");
  if (!bar) return;
  // Asked anew each time: the rows follow what happens elsewhere.
  const picks = () => [...document.querySelectorAll("input[data-bulk-pick]")];
  const all = document.querySelector("input[data-bulk-all]");
  const count = bar.querySelector("[data-bulk-count]");
  const action = bar.querySelector("#bulk-action");
  const button = bar.querySelector("[data-bulk-button]");
  const said = bar.querySelector("[data-bulk-said]");
  const clear = bar.querySelector("[data-bulk-clear]");
  const next = button.textContent;
  // What asks for more than the bar holds goes by the page that says it.
  const asksMore = (name) => name === "transfer";
  let last = null; // the box that was pressed last

  // What is said at the foot of the window stands above the bar, and the end of the
  // list can be scrolled clear of it.
  const place = () => document.body.style.setProperty("--g-bulk-height", `${bar.offsetHeight}px`);

  const show = () => {
    const boxes = picks();
    const chosen = boxes.filter((pick) => pick.checked);
    for (const pick of boxes) pick.closest("tr").classList.toggle("g-picked", pick.checked);
    bar.hidden = chosen.length === 0;
    document.body.classList.toggle("g-bulk-open", chosen.length > 0);
    count.textContent = count.dataset.bulkCount.replace("#", chosen.length);
    if (all) {
      all.hidden = boxes.length === 0;
      all.checked = chosen.length === boxes.length && boxes.length > 0;
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

  document.addEventListener("click", (e) => {
    const pick = e.target.closest("input[data-bulk-pick]");
    if (!pick) return;
    const boxes = picks();
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(pick)].sort((x, y) => x - y);
    if (e.shiftKey && from >= 0) for (const box of boxes.slice(from, to + 1)) box.checked = pick.checked;
    last = pick;
    show();
  });
  all?.addEventListener("change", () => {
    for (const pick of picks()) pick.checked = all.checked;
    show();
  });
  clear.addEventListener("click", () => {
    const boxes = picks();
    for (const pick of boxes) pick.checked = false;
    show();
    (boxes.includes(last) ? last : boxes[0])?.focus();
  });
  action.addEventListener("change", show);

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.key !== "x" || document.documentElement.dataset.keys === "off") return;
    if (e.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const pick = document.activeElement?.closest("tr")?.querySelector("input[data-bulk-pick]");
    if (!pick) return;
    e.preventDefault();
    pick.checked = !pick.checked;
    last = pick;
    show();
  });

  bar.classList.add("g-bulk-live");
  clear.hidden = false;
  bar.querySelector("[data-bulk-keys]").hidden = false;
  // Coming back with the browser's button finds the boxes as they were left.
  window.addEventListener("pageshow", show);
  document.addEventListener("guiling:refreshed", show);
  new ResizeObserver(place).observe(bar);
  show();
})();
