// @ts-check
/**
 * A page inside an LMS. It asks for the height that it needs, and offers a tab of its own, where full screen and the clipboard are
 * not up to the LMS. `<meta name="foyer-frames">` names the origins that may frame us: nobody else is told anything.
 */

const HIGHEST = 10000; // more is refused by Brightspace
const MOST_REQUESTS = 8; // for one page
const REST = 150; // milliseconds; what is so high for a moment only (a frame that is being laid out) needs nothing
const NARROWEST = 240; // a frame that is folded away
const isEmbedded = window.parent !== window;

/** @returns {string[]} whom to tell: our parent's origin where the browser says it, else everybody that it may be */
function hosts() {
  const allowed = (document.querySelector("meta[name='foyer-frames']")?.getAttribute("content") ?? "").split(/\s+/).filter(Boolean);
  const parent = location.ancestorOrigins?.[0];
  return parent ? allowed.filter((each) => each === parent) : allowed;
}

/** The height that the LMS gave the frame before we asked for any. @returns {number} 0 where nothing can be kept */
function firstHeight() {
  const key = `foyer-frame:${/^\/~[^/]+/.exec(location.pathname)?.[0] ?? ""}`;
  try {
    const kept = Number(sessionStorage.getItem(key));
    if (!kept) {
      sessionStorage.setItem(key, String(window.innerHeight));
    }
    return kept || window.innerHeight;
  } catch {
    return 0;
  }
}

/** @param {number} height */
function tell(height) {
  const message = { subject: "lti.frameResize", height };
  for (const origin of hosts()) {
    window.parent.postMessage(message, origin);
    window.parent.postMessage(JSON.stringify(message), origin); // as Brightspace wants it
  }
}

/**
 * Ask for as much height as the content needs, when it needs more than there is. A room and a door fit themselves into whatever
 * there is: after a longer page they give back what that one asked for, so that the chat's composer is not far below.
 */
function fit() {
  const first = firstHeight();
  let asked = 0;
  let missing = 0;
  let requests = 0;
  let returnedFor = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  const height = () => Math.min(document.documentElement.scrollHeight, HIGHEST);
  const isTooHigh = () => first > 0 && window.innerHeight > first && document.body.matches(".page-room, .page-door") && returnedFor !== document.body.className;
  const look = () => {
    clearTimeout(rest);
    if (isTooHigh() || height() > window.innerHeight + 1) {
      rest = setTimeout(ask, REST);
    }
  };
  const ask = () => {
    if (isTooHigh()) {
      returnedFor = document.body.className;
      asked = 0;
      tell(first);
      return;
    }
    if (first > 0 && document.body.matches(".page-room")) {
      return; // what does not fit scrolls inside: a notice that goes again must not push the composer down for good
    }
    const needed = height();
    if (needed <= window.innerHeight + 1 || needed <= asked || window.innerWidth < NARROWEST) {
      return;
    }
    // A page that lacks as much as before, although its frame has grown, only follows its frame.
    const isFollowing = requests > 0 && Math.abs(needed - window.innerHeight - missing) <= 2 && window.innerHeight >= asked;
    if (isFollowing || requests >= MOST_REQUESTS) {
      return;
    }
    missing = needed - window.innerHeight;
    asked = needed;
    requests += 1;
    tell(needed);
  };
  new ResizeObserver(look).observe(document.body);
  new MutationObserver(look).observe(document.body, { attributes: true, attributeFilter: ["class"] });
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
