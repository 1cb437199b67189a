// @ts-check
/** Short messages at the foot of the page: `document.dispatchEvent(new CustomEvent("foyer:toast", {detail: {text}}))`. */

const SHOWN_FOR = 6000;
const region = document.getElementById("toasts");

/** @param {string} text */
export function toast(text) {
  if (!region || !text) {
    return;
  }
  const element = document.createElement("p");
  element.className = "toast";
  element.textContent = text;
  // A modal dialog lies above everything else on the page: inside it the message is seen and heard.
  const dialog = document.querySelector("dialog[open]");
  if (dialog && !dialog.contains(region)) {
    dialog.append(region);
  } else if (!dialog && region.parentElement !== document.body) {
    document.body.append(region);
  }
  region.append(element);
  setTimeout(() => element.remove(), SHOWN_FOR);
}

document.addEventListener("foyer:toast", (event) => toast(/** @type {CustomEvent<{text: string}>} */ (event).detail.text));
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast(region?.dataset.textError ?? ""));
}
document.addEventListener("close", () => region && document.body.append(region), true);
