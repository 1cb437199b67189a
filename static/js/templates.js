// @ts-check
/**
 * Writing an email template: tokens become buttons that put themselves where somebody was writing, and every flaw leads to its word.
 *
 * <form data-template-editor> … <code data-token="{URL}"> … <button data-go-to="#id_text" data-line="3" data-column="12" data-length="7" hidden>
 */

/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */

/** @type {Field | null} */
let written = null;

/** @param {Field} field @param {string} word */
function insert(field, word) {
  field.focus();
  // Keeps the browser's own undo, where it still knows the command.
  if (!document.execCommand?.("insertText", false, word)) {
    field.setRangeText(word, field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length, "end");
  }
}

/** @param {Field} field @param {number} line @param {number} column @param {number} length */
function show(field, line, column, length) {
  const lines = field.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  field.focus();
  field.setSelectionRange(start, start + length);
  if (field instanceof HTMLTextAreaElement) {
    const height = parseFloat(getComputedStyle(field).lineHeight) || 20;
    field.scrollTop = Math.max(0, (line - 4) * height);
  }
  field.scrollIntoView({ block: "center" });
}

function dress() {
  const form = document.querySelector("[data-template-editor]");
  if (!form) {
    return;
  }
  for (const code of form.querySelectorAll("code[data-token]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = code.className;
    button.dataset.token = /** @type {HTMLElement} */ (code).dataset.token;
    button.textContent = code.textContent;
    code.replaceWith(button);
  }
  const help = /** @type {HTMLElement | null} */ (form.querySelector("[data-token-help]"));
  if (help) {
    help.textContent = `${help.textContent} ${help.dataset.text}`;
    help.removeAttribute("data-token-help");
  }
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-go-to]"))) {
    button.hidden = false;
  }
}

document.addEventListener("focusin", (event) => {
  const field = /** @type {Element} */ (event.target);
  if (field.matches("[data-template-editor] input[type=text], [data-template-editor] textarea")) {
    written = /** @type {Field} */ (field);
  }
});

document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button[data-token], button[data-go-to]"));
  if (button?.dataset.token) {
    const field = written?.isConnected ? written : document.querySelector("[data-template-editor] textarea");
    if (field) {
      insert(/** @type {Field} */ (field), button.dataset.token);
    }
  } else if (button?.dataset.goTo) {
    const field = document.querySelector(button.dataset.goTo);
    if (field) {
      show(/** @type {Field} */ (field), Number(button.dataset.line), Number(button.dataset.column), Number(button.dataset.length));
    }
  }
});

document.addEventListener("foyer:added", dress);
dress();
