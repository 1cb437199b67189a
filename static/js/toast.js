// @ts-check
/**
 * Short messages at the foot of the page: `document.dispatchEvent(new CustomEvent("foyer:toast", {detail: {text}}))`. With
 * `element` the words and the forms of that element are shown instead of `text`: something that can be undone. Such a message
 * stays longer, and as long as the focus or the pointer is on it.
 */

const SHOWN_FOR = 6000;
const UNDO_FOR = 20000;
const region = document.getElementById("toasts");

/** @param {HTMLElement} source @returns {HTMLElement} */
function undoable(source) {
  const element = document.createElement("div");
  element.className = "toast toast--undo";
  element.append(...[...source.querySelectorAll("p, form")].map((node) => document.importNode(node, true)));
  element.addEventListener("submit", () => setTimeout(() => element.remove()));
  return element;
}

/** @param {HTMLElement} element @param {number} after */
function removeLater(element, after) {
  setTimeout(() => (element.matches(":hover, :focus-within") ? removeLater(element, after / 2) : element.remove()), after);
}

/** @param {string} text @param {HTMLElement} [source] */
export function toast(text, source) {
  if (!region || !(text || source)) {
    return;
  }
  const element = source ? undoable(source) : document.createElement("p");
  if (!source) {
    element.className = "toast";
    element.textContent = text;
  }
  // A modal dialog lies above everything else on the page: inside it the message is seen and heard.
  const dialog = document.querySelector("dialog[open]");
  if (dialog && !dialog.contains(region)) {
    dialog.append(region);
  } else if (!dialog && region.parentElement !== document.body) {
    document.body.append(region);
  }
  region.append(element);
  removeLater(element, source?.querySelector("form") ? UNDO_FOR : SHOWN_FOR);
}

document.addEventListener("foyer:toast", (event) => {
  const { text, element } = /** @type {CustomEvent<{text: string, element?: HTMLElement}>} */ (event).detail;
  toast(text, element);
});
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast(region?.dataset.textError ?? ""));
}
document.addEventListener("close", () => region && document.body.append(region), true);
