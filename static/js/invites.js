// @ts-check
/**
 * The list of invitations. It works without this module; with it the bar of what can be done shows when something is ticked, a
 * page is ticked at once, and the list renews itself after a change and now and then, never under somebody's hands.
 */

const RENEWED_EVERY = 30000; // milliseconds

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-list-search]"));
const said = document.querySelector("[data-list-said]");

const found = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-found]"));

/** @param {ParentNode} root @returns {HTMLInputElement[]} */
const ticks = (root) => /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll("input[name='chosen']")]);

/** The bar shows for those who have ticked something. */
function count() {
  const root = found();
  const bar = /** @type {HTMLElement | null} */ (root?.querySelector("[data-selection-bar]") ?? null);
  if (!root || !bar) {
    return;
  }
  const all = /** @type {HTMLInputElement | null} */ (bar.querySelector("[data-tick-all]"));
  const boxes = ticks(root);
  const number = boxes.filter((box) => box.checked).length;
  const page = /** @type {HTMLInputElement | null} */ (root.querySelector("[data-tick-page]"));
  if (page) {
    page.hidden = false;
    page.checked = number > 0 && number === boxes.length;
    page.indeterminate = number > 0 && number < boxes.length;
  }
  if (all && number === 0) {
    all.checked = false;
  }
  bar.hidden = number === 0;
  const text = number === 1 ? root.dataset.textSelectedOne : root.dataset.textSelected;
  const counter = bar.querySelector("[data-selection-count]");
  if (counter) {
    counter.textContent = (text ?? "").replace("%s", String(number));
  }
}

/** Ask for the list anew, as the address says. */
function renew() {
  const root = found();
  if (!root) {
    return false;
  }
  /** @type {any} */ (window).htmx?.ajax("GET", root.dataset.listUrl ?? location.href, { target: root, swap: "outerHTML" });
  return true;
}

/** Whether somebody is at work in the list, who should not have it changed under their hands. */
function isInUse() {
  const root = found();
  return (
    document.hidden ||
    document.querySelector("dialog[open], details[data-menu][open]") !== null ||
    (root !== null && (root.contains(document.activeElement) || ticks(root).some((box) => box.checked))) ||
    form?.contains(document.activeElement) === true
  );
}

document.addEventListener("change", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  const root = found();
  if (!root?.contains(box)) {
    return;
  }
  if (box.matches("[data-tick-page]")) {
    for (const each of ticks(root)) {
      each.checked = box.checked;
    }
  } else if (box.matches("[data-tick-all]") && box.checked) {
    for (const each of ticks(root)) {
      each.checked = true;
    }
  }
  count();
});

document.body.addEventListener("foyer:changed", (event) => {
  if (document.querySelector("[data-selection]") && renew()) {
    event.preventDefault();
  }
});

document.addEventListener("htmx:afterSwap", (event) => {
  const root = found();
  if (!root || /** @type {CustomEvent} */ (event).detail.target?.id !== "found") {
    return;
  }
  count();
  const state = /** @type {HTMLInputElement | null} */ (form?.querySelector("[data-list-state]") ?? null);
  const here = /** @type {HTMLElement | null} */ (root.querySelector("[data-list-filter][aria-current]"));
  if (state) {
    state.value = here?.dataset.listFilter ?? "";
  }
  const line = /** @type {HTMLElement | null} */ (root.querySelector("[data-found-said]"));
  if (said && said.textContent !== line?.textContent) {
    said.textContent = line?.textContent ?? "";
  }
});

document.addEventListener("htmx:afterSettle", (event) => {
  // What had the focus may be gone with the change: go on reading where the list begins.
  if (/** @type {CustomEvent} */ (event).detail.target?.id === "found" && document.activeElement === document.body) {
    /** @type {HTMLElement | null} */ (document.getElementById("found-said"))?.focus({ preventScroll: true });
  }
});

setInterval(() => {
  if (!isInUse()) {
    renew();
  }
}, RENEWED_EVERY);

count();
