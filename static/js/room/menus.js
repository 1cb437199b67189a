// @ts-check
/** The menus of the rows of a list – messages, people – made from a template when they are wanted: one at a time, with arrow keys. */

/**
 * @typedef {object} Of
 * @property {string} opener the button of a row, as a selector
 * @property {string} pattern the template of the menu, as a selector
 * @property {(menu: HTMLElement, row: HTMLElement) => void} tailor takes out of a new menu what does not fit its row
 */

export class RowMenus {
  /** @param {import("./topics.js").Room} room @param {Of} of */
  constructor(room, of) {
    this.room = room;
    this.of = of;
  }

  /** Once for each new part of the page. @param {HTMLElement} root @param {Element | null} list */
  enter(root, list) {
    list?.addEventListener("keydown", (event) => {
      if (/** @type {KeyboardEvent} */ (event).key === "Escape") {
        this.close(true);
      }
    });
    for (const leaving of ["click", "focusin"]) {
      root.addEventListener(leaving, (event) => {
        if (!(/** @type {Element} */ (event.target).closest(`${this.of.opener}, .message__menu`))) {
          this.close();
        }
      });
    }
  }

  /** Open a row's menu, or close it where it is open. @param {HTMLElement} row @param {HTMLElement} opener */
  toggle(row, opener) {
    const isOpen = opener.getAttribute("aria-expanded") === "true";
    this.close();
    const pattern = /** @type {HTMLTemplateElement | null | undefined} */ (this.room.root()?.querySelector(this.of.pattern));
    if (isOpen || !pattern) {
      return;
    }
    const menu = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
    this.of.tailor(menu, row);
    const first = /** @type {HTMLElement | null} */ (menu.querySelector("button"));
    if (!first) {
      return; // nothing fits
    }
    opener.setAttribute("aria-expanded", "true");
    opener.after(menu);
    place(menu);
    first.focus({ preventScroll: true });
  }

  /** @param {boolean} [isFocusWanted] */
  close(isFocusWanted = false) {
    for (const opener of this.room.root()?.querySelectorAll(`${this.of.opener}[aria-expanded='true']`) ?? []) {
      opener.setAttribute("aria-expanded", "false");
      opener.nextElementSibling?.remove();
      if (isFocusWanted) {
        /** @type {HTMLElement} */ (opener).focus();
      }
    }
  }
}

/** Below its button, or above it where it would run out of what scrolls. @param {HTMLElement} menu as it stands below its button */
function place(menu) {
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
