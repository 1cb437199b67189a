// @ts-check
/**
 * The countdown at the door: when it is done, or when a host opens early, the page turns into the lobby. It only ever looks
 * again (GET), which changes nothing.
 */

const LOOK_EVERY = 20000;
const CROWD = 1500; // three hundred guests need not ask in the same instant

/** @returns {Promise<boolean>} whether the door shows something else by now */
async function hasTurned() {
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin", cache: "no-store" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.querySelector("[data-join-wait]") === null;
  } catch {
    return false;
  }
}

async function look() {
  if (document.visibilityState === "visible" && (await hasTurned())) {
    location.reload();
  }
}

document.addEventListener("countdown:done", () => setTimeout(() => location.reload(), 300 + Math.random() * CROWD));
document.addEventListener("visibilitychange", look);
setInterval(look, LOOK_EVERY);
