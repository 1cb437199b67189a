// @ts-check
/** On the way to the platform: leave the login's secret in its storage as well, should our cookie not come back. */

import { PlatformStorage } from "./storage.js";

const page = /** @type {HTMLElement} */ (document.querySelector("[data-login]"));
const { next = "", origin = "", target = "", key = "", value = "" } = page.dataset;

try {
  await new PlatformStorage({ origin, target }).put(key, value);
} catch {
  // No storage: then the cookie alone decides.
}
location.replace(next);
