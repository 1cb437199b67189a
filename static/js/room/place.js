// @ts-check
/** The menu of a message or a person: below its button, or above it where it would run out of what scrolls; with arrow keys. */

/** @param {HTMLElement} menu as it stands below its button */
export function place(menu) {
  menu.addEventListener("keydown", walk);
  const scroller = menu.closest(".chat__log, .people");
  if (!scroller) {
    return;
  }
  const room = scroller.getBoundingClientRect();
  const below = menu.getBoundingClientRect();
  if (below.bottom > Math.min(room.bottom, innerHeight)) {
    menu.classList.add("message__menu--up");
    menu.classList.toggle("message__menu--up", menu.getBoundingClientRect().top >= Math.max(room.top, 0));
  }
  menu.scrollIntoView({ block: "nearest" });
}

/** @param {KeyboardEvent} event */
function walk(event) {
  const items = /** @type {HTMLElement[]} */ ([.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll(".menu__item")]);
  const here = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const steps = { ArrowDown: (here + 1) % items.length, ArrowUp: here - 1, Home: 0, End: -1 };
  if (event.key in steps) {
    event.preventDefault();
    items.at(steps[/** @type {keyof typeof steps} */ (event.key)])?.focus();
  }
}
