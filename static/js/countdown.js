// @ts-check
/**
 * `<div class="countdown" data-countdown data-starts-at="ISO" data-server-now="ISO" data-text-10="…" data-text-5="…" data-text-1="…"
 * data-text-start="…">` with `[data-days] [data-hours] [data-minutes] [data-seconds]` for the numbers (each in a `.countdown__part`) and
 * `[data-countdown-status]` (visually hidden, role=status) for what is spoken: at ten, five and one minutes and at the start.
 * The server's clock counts, whatever this device's says: as the page was answered, and anew with each `foyer:clock` on the document
 * (`detail.now`, ISO). Dispatches `countdown:done` once, bubbling.
 */

const navigation = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType("navigation")[0]);
const pageAnsweredAt = Date.now() - (navigation?.responseStart ? performance.now() - navigation.responseStart : 0);

/** @param {number} left milliseconds @returns {{days: number, hours: number, minutes: number, seconds: number}} */
export function split(left) {
  const total = Math.max(0, Math.ceil(left / 1000));
  return { days: Math.floor(total / 86400), hours: Math.floor(total / 3600) % 24, minutes: Math.floor(total / 60) % 60, seconds: total % 60 };
}

/** @param {HTMLElement} element @param {number} answeredAt when the server's answer reached us, by this device's clock */
function start(element, answeredAt) {
  const startsAt = Date.parse(element.dataset.startsAt ?? "");
  const serverNow = Date.parse(element.dataset.serverNow ?? "");
  if (Number.isNaN(startsAt) || element.dataset.countdown) {
    return;
  }
  element.dataset.countdown = "running";
  let offset = Number.isNaN(serverNow) ? 0 : serverNow - answeredAt;
  document.addEventListener("foyer:clock", (event) => {
    const now = Date.parse(/** @type {CustomEvent} */ (event).detail.now ?? "");
    offset = Number.isNaN(now) ? offset : now - Date.now();
  });
  const status = element.querySelector("[data-countdown-status]");
  const marks = [10, 5, 1].map((minutes) => ({ at: minutes * 60000, text: element.getAttribute(`data-text-${minutes}`) }));
  let before = Infinity;

  const tick = () => {
    if (!element.isConnected) {
      return;
    }
    const left = startsAt - (Date.now() + offset);
    for (const [unit, value] of Object.entries(split(left))) {
      const place = element.querySelector(`[data-${unit}]`);
      const text = unit === "days" ? String(value) : String(value).padStart(2, "0");
      if (place && place.textContent !== text) {
        place.textContent = text;
      }
    }
    const days = /** @type {HTMLElement | null | undefined} */ (element.querySelector("[data-days]")?.closest(".countdown__part"));
    if (days) {
      days.hidden = left < 86400000;
    }
    const passed = marks.filter((mark) => before > mark.at && left <= mark.at && left > 0);
    if (status && before !== Infinity && passed.length > 0) {
      status.textContent = passed[passed.length - 1].text ?? "";
    }
    before = left;
    if (left <= 0) {
      element.dataset.countdown = "done";
      if (status) {
        status.textContent = element.dataset.textStart ?? "";
      }
      element.dispatchEvent(new CustomEvent("countdown:done", { bubbles: true }));
      return;
    }
    setTimeout(tick, Math.min(1000, ((left - 1) % 1000) + 1));
  };
  tick();
}

/** @param {ParentNode} root @param {number} answeredAt */
function startAll(root, answeredAt) {
  for (const element of root.querySelectorAll("[data-countdown]")) {
    start(/** @type {HTMLElement} */ (element), answeredAt);
  }
}

startAll(document, pageAnsweredAt);
document.addEventListener("htmx:load", () => startAll(document, Date.now()));
document.addEventListener("foyer:added", () => startAll(document, Date.now()));
