// @ts-check
/**
 * A page inside an LMS. It asks for the height that it needs, and offers a tab of its own, where full screen and the clipboard are
 * not up to the LMS. `<meta name="foyer-frames">` names the origins that may frame us: nobody else is told anything.
 */

const HIGHEST = 10000; // more is refused by Brightspace
const ECHO = 500; // milliseconds; a page that grows so soon after its frame may be following it
const MOST_ECHOES = 2;
const isEmbedded = window.parent !== window;

/** @returns {string[]} whom to tell: our parent's origin where the browser says it, else everybody that it may be */
function hosts() {
  const allowed = (document.querySelector("meta[name='foyer-frames']")?.getAttribute("content") ?? "").split(/\s+/).filter(Boolean);
  const parent = location.ancestorOrigins?.[0];
  return parent ? allowed.filter((each) => each === parent) : allowed;
}

/** Ask for as much height as the content needs, when it needs more than there is. */
function fit() {
  let asked = 0;
  let echoes = 0;
  let grownAt = -Infinity;
  const look = () => {
    const needed = Math.min(document.documentElement.scrollHeight, HIGHEST);
    if (needed <= window.innerHeight + 1 || needed <= asked) {
      return;
    }
    echoes = performance.now() - grownAt < ECHO ? echoes + 1 : 0;
    if (echoes > MOST_ECHOES) {
      return;
    }
    asked = needed;
    const message = { subject: "lti.frameResize", height: needed };
    for (const origin of hosts()) {
      window.parent.postMessage(message, origin);
      window.parent.postMessage(JSON.stringify(message), origin); // as Brightspace wants it
    }
  };
  window.addEventListener("resize", () => {
    grownAt = performance.now();
  });
  new ResizeObserver(look).observe(document.body);
  look();
}

/** @param {HTMLFormElement} form @param {string} name of a window that is open already: a later one would be blocked */
async function handOver(form, name) {
  const headers = { Accept: "text/html" };
  document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  const answer = await fetch(form.action, { method: "POST", body, headers, credentials: "same-origin" });
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form[data-hand-over]");
  if (!(found instanceof HTMLFormElement)) {
    throw new Error(String(answer.status));
  }
  const way = document.importNode(found, true);
  way.hidden = true;
  way.target = name;
  document.body.append(way);
  way.submit();
  way.remove();
}

/** @param {SubmitEvent} event */
async function onNewTab(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.id !== "new-tab") {
    return;
  }
  const name = `foyer-${Date.now()}`;
  const opened = window.open("about:blank", name);
  if (!opened) {
    return; // the form's own page has a button
  }
  event.preventDefault();
  try {
    await handOver(form, name);
  } catch {
    opened.close();
    document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text: form.dataset.textFailed ?? "" } }));
  }
}

if (isEmbedded) {
  for (const button of document.querySelectorAll("[data-new-tab]")) {
    /** @type {HTMLElement} */ (button).hidden = false;
  }
  document.addEventListener("submit", onNewTab);
  fit();
}
