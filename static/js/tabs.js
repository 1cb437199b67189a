// @ts-check
/**
 * Sections as tabs: `<div data-tabs><div class="tabs"><a class="tab" href="#chat">…</a>…</div><section id="chat">…</section>…</div>`; what
 * shares a line with the tabs stands beside them in a `<div data-tabs-bar>`.
 * Without JavaScript the links jump and every section shows. Dispatches `tabs:shown` on the section that comes to the front.
 */

/** @param {HTMLElement[]} tabs @param {HTMLElement} chosen */
function choose(tabs, chosen) {
  for (const tab of tabs) {
    const isChosen = tab === chosen;
    const panel = document.getElementById((tab.getAttribute("href") ?? "").slice(1));
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    if (panel && panel.hidden === isChosen) {
      panel.hidden = !isChosen;
      if (isChosen) {
        panel.dispatchEvent(new CustomEvent("tabs:shown", { bubbles: true }));
      }
    }
  }
}

/** What does not fit into one line is told to the style sheet, which shows less, and then less. @param {HTMLElement} list */
function fit(list) {
  list.removeAttribute("data-tight");
  for (const tight of ["somewhat", "very"]) {
    if (list.scrollWidth > list.clientWidth) {
      list.dataset.tight = tight;
    }
  }
  for (const word of list.querySelectorAll(".tab__word")) {
    const tab = /** @type {HTMLElement} */ (word.parentElement);
    tab.title = list.dataset.tight === "very" ? (word.textContent ?? "") : "";
  }
}

/** @param {HTMLElement} group */
function enhance(group) {
  const list = /** @type {HTMLElement | null} */ (group.querySelector(":scope > .tabs, :scope > [data-tabs-bar] > .tabs"));
  const tabs = /** @type {HTMLElement[]} */ ([...(list?.querySelectorAll("a.tab[href^='#']") ?? [])]);
  if (!list || tabs.length === 0 || list.role === "tablist") {
    return;
  }
  list.setAttribute("role", "tablist");
  for (const tab of tabs) {
    const panel = document.getElementById((tab.getAttribute("href") ?? "").slice(1));
    tab.setAttribute("role", "tab");
    tab.id ||= `tab-${panel?.id}`;
    panel?.setAttribute("role", "tabpanel");
    panel?.setAttribute("aria-labelledby", tab.id);
    tab.setAttribute("aria-controls", panel?.id ?? "");
  }
  list.addEventListener("click", (event) => {
    const tab = /** @type {Element} */ (event.target).closest("a.tab");
    if (tab instanceof HTMLElement && tabs.includes(tab)) {
      event.preventDefault();
      choose(tabs, tab);
    }
  });
  list.addEventListener("keydown", (event) => {
    const here = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backward = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
    const steps = { [forward]: here + 1, [backward]: here - 1, Home: 0, End: -1, " ": here };
    if (here >= 0 && event.key in steps) {
      event.preventDefault();
      const tab = tabs.at(steps[event.key] % tabs.length);
      if (tab) {
        choose(tabs, tab);
        tab.focus();
      }
    }
  });
  choose(tabs, tabs.find((tab) => tab.getAttribute("href") === location.hash) ?? tabs[0]);
  const watcher = new ResizeObserver(() => fit(list));
  for (const each of [list, ...tabs]) {
    watcher.observe(each);
  }
}

/** @param {ParentNode} root */
function enhanceAll(root) {
  for (const group of root.querySelectorAll("[data-tabs]")) {
    enhance(/** @type {HTMLElement} */ (group));
  }
}

enhanceAll(document);
document.querySelector("nav.tabs [aria-current='page']")?.scrollIntoView({ block: "nearest", inline: "center" });
document.addEventListener("foyer:added", (event) => enhanceAll(/** @type {Element} */ (event.target)));
document.addEventListener("htmx:load", () => enhanceAll(document));
