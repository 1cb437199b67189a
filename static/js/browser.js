// @ts-check
/**
 * Browsers inside other apps do not always say so in their name; some can be told by what they lack. Then the hint to open one's
 * own browser is shown (templates/invites/join/_browser.html). It changes nothing else, and uses nothing up.
 */

const hint = document.querySelector("[data-browser-hint]");
const isHandheld = matchMedia("(pointer: coarse)").matches;
const isBare = isSecureContext && !("serviceWorker" in navigator); // a web view of iOS

if (hint instanceof HTMLElement && (!navigator.cookieEnabled || (isHandheld && isBare))) {
  hint.hidden = false;
}
