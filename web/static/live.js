// Pages that follow what happens elsewhere while they are looked at. They are
// refreshed where they stand: the focus, what is chosen, what is typed and the place
// on the page stay. Every page works without.
"use strict";

(() => {
  const bar = document.getElementById("live");
  const list = document.querySelector('[data-live="list"], [data-live="inbox"]');
  const shown = document.querySelector('[data-live="case"]');
  if (!bar || !(list || shown)) return;

  let over = false; // the session has ended, or the case is out of sight

  // say puts a line on the bar, with a button that does something.
  const say = (words, button, act) => {
    const line = document.createElement("span");
    line.textContent = words;
    const parts = [line];
    if (button) {
      const press = document.createElement("button");
      press.type = "button";
      press.className = "btn btn-sm";
      press.textContent = button;
      press.addEventListener("click", () => act(press));
      parts.push(press);
    }
    bar.replaceChildren(...parts);
    document.body.classList.add("g-live-shown");
  };
  const hush = () => {
    bar.replaceChildren();
    document.body.classList.remove("g-live-shown");
  };
  const fill = (words, values) => words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

  const ended = () => {
    over = true;
    say(bar.dataset.ended, bar.dataset.signIn, () => window.open("/sign-in", "_blank", "noopener"));
  };

  // read asks for a page by itself, which is no use of the session. null: not now.
  const read = async (address) => {
    let answer;
    try {
      answer = await fetch(address, { headers: { "X-Guiling-Background": "1" }, cache: "no-store" });
    } catch {
      return null;
    }
    if (new URL(answer.url).pathname === "/sign-in") {
      ended();
      return null;
    }
    if (answer.status === 404 && shown) {
      over = true;
      say(bar.dataset.left);
      return null;
    }
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  };

  const renewed = (root) => {
    if (window.htmx) window.htmx.process(root);
    root.dispatchEvent(new CustomEvent("guiling:refreshed", { bubbles: true }));
  };

  // --- lists ---

  // What stands in a cell, without what differs each time and what a person chose.
  const plain = (cell) => {
    const copy = cell.cloneNode(true);
    for (const input of copy.querySelectorAll("input")) {
      input.removeAttribute("checked");
      if (input.name === "key") input.removeAttribute("value");
    }
    return copy.innerHTML.replace(/\s+/g, " ");
  };
  const keyed = (body) => {
    const rows = new Map();
    for (const row of body.rows) {
      const link = row.querySelector("[data-row]");
      let key = link ? link.getAttribute("href") : "";
      while (rows.has(key)) key += " ";
      rows.set(key, row);
    }
    return rows;
  };
  const focusRow = (row) => row?.querySelector("[data-row]")?.focus({ preventScroll: true });

  const updateRow = (row, fresh) => {
    if (row.cells.length !== fresh.cells.length) {
      const had = row.contains(document.activeElement);
      row.replaceChildren(...fresh.cells);
      if (had) focusRow(row);
      return;
    }
    [...fresh.cells].forEach((cell, i) => {
      const old = row.cells[i];
      if (plain(old) === plain(cell) && old.className === cell.className) return;
      const had = old.contains(document.activeElement);
      const chosen = old.querySelector("input[data-bulk-pick]:checked");
      const pick = cell.querySelector("input[data-bulk-pick]");
      if (chosen && pick) pick.checked = true;
      old.replaceWith(cell);
      if (had && chosen !== null && pick) pick.focus({ preventScroll: true });
      else if (had) focusRow(row);
    });
    row.className = fresh.className;
  };

  // updateRows brings the rows of a list to what is fresh, and gives how many are new.
  const updateRows = (body, freshBody) => {
    const old = keyed(body);
    const fresh = keyed(freshBody);
    const focused = document.activeElement?.closest("tr");
    const stays = (row) => [...fresh.keys()].some((key) => old.get(key) === row);
    const inView = [...old.values()].find((row) => stays(row) && row.getBoundingClientRect().bottom > 0);
    const anchor = focused && stays(focused) ? focused : inView;
    const top = anchor?.getBoundingClientRect().top;
    const place = focused && body.contains(focused) && !stays(focused) ? focused.rowIndex : -1;

    for (const [key, row] of old) if (!fresh.has(key)) row.remove();
    let next = body.rows[0] ?? null;
    let count = 0;
    for (const [key, row] of fresh) {
      const known = old.get(key);
      if (known) updateRow(known, row);
      else {
        count++;
        row.classList.add("g-row-new");
      }
      const at = known ?? row;
      if (at !== next) body.insertBefore(at, next); // moving a row would take its focus
      else next = at.nextElementSibling;
    }
    if (place >= 0) focusRow(body.rows[Math.min(Math.max(place - 1, 0), body.rows.length - 1)]);
    else if (focused && body.contains(focused) && !focused.contains(document.activeElement)) focusRow(focused);
    if (anchor) window.scrollBy(0, anchor.getBoundingClientRect().top - top);
    return count;
  };

  const updateList = (page) => {
    const fresh = page.querySelector("[data-live]");
    if (!fresh) return;
    for (const count of document.querySelectorAll("[data-live-count]")) {
      const now = page.querySelector(`[data-live-count="${CSS.escape(count.dataset.liveCount)}"]`);
      if (now && now.textContent !== count.textContent) count.textContent = now.textContent;
    }
    if (list.hasAttribute("data-live-later")) {
      const same = (root) => [...root.querySelectorAll("[data-row]")].map((link) => link.closest("tr").textContent.replace(/\s+/g, " ")).join();
      if (same(list) !== same(fresh)) say(bar.dataset.later, bar.dataset.again, () => location.reload());
      return;
    }
    const [body, freshBody] = [list, fresh].map((root) => root.querySelector("[data-rows] > tbody"));
    let count = 0;
    if (body && freshBody) {
      count = updateRows(body, freshBody);
      const [pager, freshPager] = [list, fresh].map((root) => root.querySelector(".g-pager"));
      if (pager && freshPager && !pager.contains(document.activeElement)) pager.replaceWith(freshPager);
      else if (!pager && freshPager) list.append(freshPager);
      else if (pager && !freshPager) pager.remove();
    } else if (body || freshBody) {
      count = freshBody ? freshBody.rows.length : 0;
      list.replaceChildren(...fresh.childNodes);
    }
    if (count > 0) say(fill(bar.dataset.new, { n: count }), bar.dataset.read, hush);
    renewed(list);
  };

  const onList = (number) => [...list.querySelectorAll("[data-row]")].some((link) => link.pathname === `/cases/${encodeURIComponent(number)}`);

  // --- the page of a case ---

  const parts = [".g-case-head", ".g-standing", ".g-case-quote", ".g-case-side", ".g-case-story"];
  const texts = "textarea, input:not([type]), input[type=text], input[type=date], input[type=search]";
  const changed = (field) => {
    switch (field.type) {
      case "hidden":
      case "submit":
      case "button":
        return false;
      case "checkbox":
      case "radio":
        return field.checked !== field.defaultChecked;
      case "select-one":
        return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
      case "file":
        return field.files.length > 0;
      case "textarea":
        return field.value.trim() !== "";
      default:
        return "value" in field && field.value !== field.defaultValue;
    }
  };
  // Something is typed, or is being typed, that a refreshed form would lose.
  const typing = () => {
    const at = document.activeElement;
    return Boolean(at?.closest("main") && at.matches(texts)) || document.querySelector("main [role=alert], main .g-kept") !== null ||
      [...document.querySelectorAll("main form")].some((form) => [...form.elements].some(changed));
  };

  // refreshParts brings the page to what is fresh, without those parts that are left.
  const refreshParts = (page, left) => {
    const unfolded = new Set([...document.querySelectorAll("main details[open] > summary")].map((summary) => summary.textContent));
    const focus = document.activeElement?.id;
    const revealed = document.querySelector("#reviewer .g-citizen, #reviewer [role=status]") && document.getElementById("reviewer");
    let before = null;
    for (const part of parts) {
      const old = document.querySelector(`main ${part}`);
      const fresh = page.querySelector(`main ${part}`);
      if (!left.includes(part)) {
        if (old && fresh) {
          old.replaceWith(fresh);
          before = fresh;
          renewed(fresh);
          continue;
        }
        if (old) old.remove();
        else if (fresh && before) before.after(fresh);
      }
      if (document.contains(old ?? fresh)) before = old ?? fresh;
    }
    if (revealed) document.getElementById("reviewer")?.replaceWith(revealed);
    for (const summary of document.querySelectorAll("main details > summary")) {
      if (unfolded.has(summary.textContent)) summary.parentElement.open = true;
    }
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    shown.dataset.version = page.querySelector('[data-live="case"]').dataset.version;
  };

  const newest = (page) => {
    const events = [...page.querySelectorAll("main .g-event")];
    const known = new Set([...document.querySelectorAll("main .g-event")].map((event) => event.id));
    const fresh = events.filter((event) => !known.has(event.id));
    return fresh.findLast((event) => event.querySelector(".g-who")) ?? fresh.at(-1);
  };
  const whatHappened = (event) => {
    const at = event.querySelector("time");
    const today = new Date().toLocaleDateString("sv", { timeZone: "Asia/Shanghai" });
    const when = at.dateTime.startsWith(today) ? at.dateTime.slice(11, 16) : at.textContent;
    const who = event.querySelector(".g-who")?.textContent;
    return fill(who ? bar.dataset.case : bar.dataset.clock, { who, time: when, what: event.querySelector(".g-event-what").textContent.trim() });
  };

  const updateCase = (page) => {
    const fresh = page.querySelector('[data-live="case"]');
    if (!fresh || Number(fresh.dataset.version) <= Number(shown.dataset.version)) return;
    const event = newest(page);
    if (!typing()) {
      refreshParts(page, []);
      if (event) say(whatHappened(event), bar.dataset.read, hush);
      return;
    }
    if (!event) return;
    const { id } = event; // the event itself goes over to this page
    say(whatHappened(event), bar.dataset.show, () => {
      refreshParts(page, [".g-case-side"]);
      hush();
      document.getElementById(id)?.scrollIntoView({ block: "center" });
    });
  };

  // --- when ---

  let timer = 0;
  let due = Infinity;
  let reading = false;
  const address = () => (shown ? shown.dataset.path : location.pathname + location.search);

  const refresh = async () => {
    timer = 0;
    due = Infinity;
    if (over) return;
    // A page that is going, or that nobody looks at, can wait.
    if (reading || document.hidden || document.querySelector("form[data-sent]")) {
      later(2000);
      return;
    }
    reading = true;
    try {
      const page = await read(address());
      if (page && !over && !document.querySelector("form[data-sent]")) (shown ? updateCase : updateList)(page);
    } finally {
      reading = false;
    }
  };
  const later = (wait) => {
    const at = Date.now() + wait;
    if (at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(refresh, wait);
  };

  const hear = (said) => {
    if (over) return;
    if (said.kind === "end") ended();
    else if (said.kind === "resync") later(500 + Math.random() * 2500); // not all at once
    else if (shown) {
      if (said.number === shown.dataset.number && said.version > Number(shown.dataset.version)) later(1000);
    } else if (onList(said.number) || (list.dataset.live === "inbox" && said.inbox)) later(1000);
    else if (list.dataset.live === "list") later(10000);
  };

  // --- from where ---

  // alone holds a stream of its own while the page is looked at.
  const alone = () => {
    const script = document.createElement("script");
    script.src = bar.dataset.worker;
    script.addEventListener("load", () => {
      let line = null;
      const adjust = () => {
        if (document.hidden || over) {
          line?.close();
          line = null;
        } else {
          line = line ?? window.guilingLive(hear);
        }
      };
      document.addEventListener("visibilitychange", adjust);
      window.addEventListener("pagehide", () => {
        line?.close();
        line = null;
      });
      window.addEventListener("pageshow", adjust);
      adjust();
    });
    document.head.append(script);
  };

  const together = () => {
    const worker = new SharedWorker(bar.dataset.worker, { name: `guiling-live-${bar.dataset.key}` });
    worker.addEventListener("error", alone, { once: true });
    const { port } = worker;
    port.addEventListener("message", ({ data }) => hear(data));
    port.start();
    let since = performance.timeOrigin;
    port.postMessage({ kind: "hello", since });
    document.addEventListener("visibilitychange", () => port.postMessage({ kind: document.hidden ? "away" : "back" }));
    window.addEventListener("pagehide", () => {
      since = Date.now();
      port.postMessage({ kind: "bye" });
    });
    window.addEventListener("pageshow", (e) => {
      if (e.persisted) port.postMessage({ kind: "hello", since });
    });
  };

  if ("SharedWorker" in window) together();
  else alone();
})();
