// @ts-check
/**
 * Back from the platform without our cookie: ask its storage for the login's secret, and bring that to the server. What comes
 * back is the launch bearer, which this tab keeps (static/js/bearer.js sends it); or a page that says what to do instead.
 */

import { PlatformStorage } from "./storage.js";

const page = /** @type {HTMLElement} */ (document.querySelector("[data-ask]"));
const { origin = "", target = "", key = "", handle = "", finish = "" } = page.dataset;
const storage = new PlatformStorage({ origin, target });

/** @returns {boolean} whether this tab can keep anything */
function canKeep() {
  try {
    sessionStorage.setItem("foyer-try", "1");
    sessionStorage.removeItem("foyer-try");
    return true;
  } catch {
    return false;
  }
}

/** @returns {Promise<string>} empty where there is nothing: the server then says how to go on */
async function secret() {
  try {
    return canKeep() ? await storage.get(key) : "";
  } catch {
    return "";
  }
}

/** @param {string} text a page */
function show(text) {
  const answer = new DOMParser().parseFromString(text, "text/html");
  document.title = answer.title;
  document.getElementById("content")?.replaceChildren(...[...(answer.getElementById("content")?.childNodes ?? [])].map((node) => document.importNode(node, true)));
}

try {
  const value = await secret();
  const answer = await fetch(finish, { method: "POST", body: new URLSearchParams({ handle, value }), credentials: "same-origin" });
  if (value) {
    await storage.remove(key);
  }
  if (answer.ok) {
    const { handle: tab, bearer, home } = await answer.json();
    sessionStorage.setItem(`foyer-bearer:${tab}`, bearer);
    location.replace(home);
  } else {
    show(await answer.text());
  }
} catch {
  const status = /** @type {HTMLElement} */ (page.querySelector("[data-ask-status]"));
  status.textContent = status.dataset.textFailed ?? "";
}
