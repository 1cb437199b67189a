// @ts-check
/**
 * Where there is little room – a phone with its keyboard, a page at 400 % – head and stage are folded away, so that what people write
 * is in sight. A button beside the tabs brings them back, or folds them away on any phone.
 */

const NARROW = matchMedia("(width < 46rem)");
const SHORT = matchMedia("(width < 46rem) and (height < 32rem)");

/** What was chosen by hand, for a short page and for a tall one. @type {Map<boolean, boolean>} */
const chosen = new Map();
/** @type {HTMLElement | null} */
let room = null;

function show() {
  const button = room?.querySelector("[data-fold]");
  if (!(room && button instanceof HTMLElement)) {
    return;
  }
  const isFolded = NARROW.matches && (chosen.get(SHORT.matches) ?? SHORT.matches);
  room.toggleAttribute("data-folded", isFolded);
  button.hidden = false;
  button.setAttribute("aria-expanded", String(!isFolded));
}

NARROW.addEventListener("change", show);
SHORT.addEventListener("change", show);

/** @param {HTMLElement} root the room, whenever it is put into the page */
export function fold(root) {
  room = root;
  root.querySelector("[data-fold]")?.addEventListener("click", () => {
    const isFolded = !root.hasAttribute("data-folded");
    chosen.set(SHORT.matches, isFolded);
    show();
    if (!isFolded) {
      window.scrollTo(0, 0); // to what has come back
    }
  });
  show();
}
