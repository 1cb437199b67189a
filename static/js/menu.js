// @ts-check
/**
 * Menus made of `<details data-menu>`: they work without this module; with it they close on Escape, on a click elsewhere and
 * when the focus leaves, and the arrow keys, Home and End walk through the items.
 */

const EDGE = 12; // pixels that stay free beside a menu
const LEAST = 120;
const ITEMS = ".menu__item:not(:disabled):not([aria-disabled='true'])";

/** @param {HTMLDetailsElement} menu @param {boolean} andFocus */
function close(menu, andFocus) {
  if (menu.open) {
    menu.open = false;
    if (andFocus) {
      menu.querySelector("summary")?.focus();
    }
  }
}

/** @param {Element | null} inside @returns {HTMLDetailsElement | null} */
function menuOf(inside) {
  return /** @type {HTMLDetailsElement | null} */ (inside?.closest("details[data-menu]") ?? null);
}

/** @param {Element | null} except */
function closeOthers(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!except || !menu.contains(except)) {
      close(/** @type {HTMLDetailsElement} */ (menu), false);
    }
  }
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  closeOthers(target);
  const menu = menuOf(target);
  if (menu && target.closest(".menu__item")) {
    close(menu, false);
  }
});

document.addEventListener("focusin", (event) => closeOthers(/** @type {Element} */ (event.target)));

/**
 * Below its button, or above it where there is more room; what does not fit scrolls inside. @param {Element} menu
 */
function place(menu) {
  const list = /** @type {HTMLElement | null} */ (menu.querySelector(".menu__list"));
  if (!list) {
    return;
  }
  menu.classList.remove("menu--up");
  list.style.maxBlockSize = "";
  const button = menu.getBoundingClientRect();
  const needed = list.scrollHeight + EDGE;
  const below = innerHeight - button.bottom;
  const isUp = needed > below && button.top > below;
  menu.classList.toggle("menu--up", isUp);
  list.style.maxBlockSize = `${Math.max(LEAST, (isUp ? button.top : below) - EDGE)}px`;
}

function placeAll() {
  document.querySelectorAll("details[data-menu][open]").forEach(place);
}

document.addEventListener("toggle", placeAll, true);
document.addEventListener("htmx:afterSettle", placeAll); // items may come later than the menu
addEventListener("resize", placeAll);

document.addEventListener("keydown", (event) => {
  const menu = menuOf(/** @type {Element} */ (event.target));
  if (!menu) {
    return;
  }
  if (event.key === "Escape" && menu.open) {
    event.stopPropagation();
    event.preventDefault();
    close(menu, true);
    return;
  }
  const moves = ["ArrowDown", "ArrowUp", "Home", "End"];
  const onSummary = document.activeElement === menu.querySelector("summary");
  if (!moves.includes(event.key) || (onSummary && !event.key.startsWith("Arrow"))) {
    return;
  }
  event.preventDefault();
  menu.open = true;
  const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll(ITEMS)]);
  const here = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const step = event.key === "ArrowDown" ? here + 1 : event.key === "ArrowUp" ? here - 1 : event.key === "Home" ? 0 : items.length - 1;
  items.at(here < 0 && event.key === "ArrowUp" ? -1 : step % items.length)?.focus();
});
