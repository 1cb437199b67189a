// @ts-check
/**
 * A search that adds lines to a field of several lines: `<div data-lines="#id_people">` around both.
 *
 * Inside stands a hidden `[data-lines-search]` with an input that `suggest.js` looks after, a button `[data-lines-add]` and a place to speak in,
 * `[data-lines-status]`. What is chosen becomes a line; so does what was typed, when Enter or the button is pressed: the server knows names, too.
 * `data-lines-added` and `data-lines-twice` are what is said, with `{line}` in them. Without this module the lines are typed.
 */

/** @param {HTMLElement} box */
function enhance(box) {
  const lines = box.querySelector(box.dataset.lines ?? "");
  const search = /** @type {HTMLElement | null} */ (box.querySelector("[data-lines-search]"));
  const input = search?.querySelector("input");
  const status = search?.querySelector("[data-lines-status]");
  if (!(lines instanceof HTMLTextAreaElement) || !search || !input || !status) {
    return;
  }
  search.hidden = false;

  /** @param {string} text */
  const add = (text) => {
    const line = text.trim();
    if (!line) {
      input.focus();
      return;
    }
    const had = lines.value.split("\n").map((each) => each.trim()).filter(Boolean);
    const isThere = had.includes(line);
    if (!isThere) {
      lines.value = [...had, line].join("\n");
      lines.scrollTop = lines.scrollHeight;
      lines.dispatchEvent(new Event("input", { bubbles: true }));
    }
    status.textContent = ((isThere ? box.dataset.linesTwice : box.dataset.linesAdded) ?? "").replace("{line}", line);
    input.value = "";
    input.focus();
  };

  input.addEventListener("foyer:chosen", () => add(input.value));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.defaultPrevented) {
      event.preventDefault();
      add(input.value);
    }
  });
  search.querySelector("[data-lines-add]")?.addEventListener("click", () => add(input.value));
  // Whoever forgets the button means the line all the same; a form that is sent asks for nothing else.
  lines.form?.addEventListener("submit", () => input.value.trim() && add(input.value));
}

for (const box of document.querySelectorAll("[data-lines]")) {
  enhance(/** @type {HTMLElement} */ (box));
}
