// @ts-check
/**
 * Many invitations at once: where the focus goes when a line was opened or mended in its place, and that ticks outlive it when the
 * numbers above are renewed. What is in the page does the rest: links and forms for htmx, which work without it too.
 */

document.addEventListener("htmx:afterSettle", (event) => {
  const added = /** @type {HTMLElement} */ (event.target);
  const goal = added.matches("[data-bulk-focus]") ? added : added.querySelector?.("[aria-invalid='true'], [data-bulk-focus]");
  if (goal instanceof HTMLElement) {
    goal.focus();
  }
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = /** @type {CustomEvent} */ (event).detail;
  for (const kept of target.querySelectorAll("[data-bulk-keep]")) {
    const fresh = fragment.querySelector(`[data-bulk-keep][name="${kept.name}"]`);
    if (fresh) {
      fresh.checked = kept.checked;
    }
  }
});
