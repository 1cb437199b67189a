// @ts-check
/** Where the menu of a message or a person stands: below its button, or above it where it would run out of what scrolls. */

/** @param {HTMLElement} menu as it stands below its button */
export function place(menu) {
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
