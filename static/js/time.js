// @ts-check
/**
 * Instants in the reader's own time zone.
 *
 * `<time datetime="2026-11-21T13:00:00Z" data-local="full|short|date|time|day">server text</time>`; without a value: full.
 * The server's text (in the entry's named zone) stays as the title, and stays alone without JavaScript.
 */

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const SHAPES = {
  full: { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" },
  short: { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" },
  date: { day: "numeric", month: "short", year: "numeric" },
  day: { weekday: "long", day: "numeric", month: "long" },
  time: { hour: "numeric", minute: "2-digit" },
};

/** The page's language, in the reader's own variety of it where the browser names one (en-GB for a page in en). */
function language() {
  const page = document.documentElement.lang;
  return navigator.languages.find((own) => own.split("-")[0] === page.split("-")[0]) ?? (page || undefined);
}

/** @param {HTMLTimeElement} element */
function localise(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime()) || element.dataset.localDone === element.dateTime) {
    return;
  }
  const shape = SHAPES[element.dataset.local || "full"] ?? SHAPES.full;
  if (!element.title) {
    element.title = (element.textContent ?? "").trim();
  }
  element.textContent = new Intl.DateTimeFormat(language(), shape).format(at);
  element.dataset.localDone = element.dateTime;
}

/** @param {ParentNode} root */
export function localiseTimes(root) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    localise(/** @type {HTMLTimeElement} */ (element));
  }
}

/** A form learns the reader's zone: `<input type="hidden" data-own-zone>` or an untouched `<select data-own-zone>`.
 * @param {ParentNode} root */
function fillZones(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const field of root.querySelectorAll("[data-own-zone]")) {
    const input = /** @type {HTMLInputElement | HTMLSelectElement} */ (field);
    const knows = !(input instanceof HTMLSelectElement) || [...input.options].some((option) => option.value === zone);
    // Whoever was faster than this script has chosen a zone, and keeps it.
    const isUntouched = !(input instanceof HTMLSelectElement) || (input.selectedOptions[0]?.defaultSelected ?? true);
    if (zone && knows && isUntouched && input.dataset.ownZone !== "done") {
      input.value = zone;
    }
    input.dataset.ownZone = "done";
  }
}

/** @param {ParentNode} root */
function enhance(root) {
  localiseTimes(root);
  fillZones(root);
}

enhance(document);
document.addEventListener("foyer:added", (event) => enhance(/** @type {Element} */ (event.target)));
document.addEventListener("htmx:load", (event) => {
  const parent = /** @type {Element} */ (event.target).parentElement;
  enhance(parent ?? document);
});
