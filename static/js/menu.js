// @ts-check
/**
 * Menus made of `<details data-menu>`: they work without this module; with it they close on Escape, on a click elsewhere and
 * when the focus leaves, and the arrow keys, Home and End walk through the items.
 */

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

document.addEventListener(
  "toggle",
  (event) => {
    const menu = /** @type {Element} */ (event.target);
    const list = menu.matches("details[data-menu][open]") ? menu.querySelector(".menu__list") : null;
    if (!list) {
      return;
    }
    menu.classList.remove("menu--up");
    const needed = list.getBoundingClientRect();
    const above = menu.getBoundingClientRect().top;
    menu.classList.toggle("menu--up", needed.bottom > innerHeight && above > needed.height);
    list.scrollIntoView({ block: "nearest" });
  },
  true,
);

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
