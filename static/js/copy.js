// @ts-check
/**
 * `<button data-copy="#id" data-copied="Copied" data-copy-failed="…">` copies the value or text of #id. Where the clipboard is
 * not granted (an LMS's iframe) the old command is tried, and at last the text is selected and the reader told what to press.
 * `[data-copy-label]` in the button shows the success for a moment; `[data-copy-status]` beside it speaks it.
 */

/** @param {HTMLElement} source @returns {string} */
function textOf(source) {
  return source instanceof HTMLInputElement || source instanceof HTMLTextAreaElement ? source.value : (source.textContent ?? "").trim();
}

/** @param {HTMLElement} source */
function select(source) {
  if (source instanceof HTMLInputElement || source instanceof HTMLTextAreaElement) {
    source.focus();
    source.select();
    source.setSelectionRange(0, source.value.length);
    return;
  }
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection()?.removeAllRanges();
  getSelection()?.addRange(range);
}

/** @param {HTMLElement} source @returns {Promise<boolean>} */
async function copy(source) {
  try {
    if (/** @type {any} */ (document).featurePolicy?.allowsFeature("clipboard-write") === false) {
      throw new Error("this frame may not"); // to ask all the same would only be a complaint in the console
    }
    await navigator.clipboard.writeText(textOf(source));
    return true;
  } catch {
    select(source);
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    }
  }
}

/** @param {HTMLElement} button @param {boolean} isCopied */
function tell(button, isCopied) {
  const text = (isCopied ? button.dataset.copied : button.dataset.copyFailed) ?? "";
  const status = button.closest(".copy")?.querySelector("[data-copy-status]");
  const label = /** @type {HTMLElement | null} */ (button.querySelector("[data-copy-label]"));
  if (status) {
    status.textContent = text;
  } else {
    document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text } }));
  }
  if (isCopied && label) {
    label.dataset.before ??= label.textContent ?? "";
    label.textContent = text;
    setTimeout(() => {
      label.textContent = label.dataset.before ?? "";
    }, 2500);
  }
}

document.addEventListener("click", async (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copy]");
  if (!(button instanceof HTMLElement)) {
    return;
  }
  const source = (button.closest("dialog") ?? document).querySelector(button.dataset.copy ?? "");
  if (!(source instanceof HTMLElement)) {
    return;
  }
  event.preventDefault();
  const isCopied = await copy(source);
  if (isCopied) {
    button.focus();
  } else {
    select(source);
  }
  tell(button, isCopied);
});
