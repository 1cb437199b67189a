// @ts-check
/**
 * A tab without cookies. A browser may refuse all of them to a frame; after a launch through the platform's storage the tab keeps
 * its launch bearer in sessionStorage, and here it is shown to the server: in a header of every request that pages make, in the
 * first frame of a socket, never in an address.
 *
 * What the browser itself requests carries no header. So an address opened by a link, a reload or `location` is answered with the
 * page "open this again from your course" (templates/errors/tab.html), and this script, in that page's head, fetches the real one
 * and puts it in its place, before anything is seen. Forms are sent by fetch, and lead where the answer leads.
 *
 * A classic script: it must run before the first paint there, and again in the page that is put in its place.
 */
(() => {
  const prefix = /^\/~[^/]+\//.exec(location.pathname)?.[0] ?? "";
  const key = `foyer-bearer:${prefix.slice(2, -1)}`;
  const root = document.documentElement;
  let shown = location.pathname;

  /** @returns {string} */
  function kept() {
    try {
      return (prefix && sessionStorage.getItem(key)) || "";
    } catch {
      return ""; // this browser keeps nothing at all for us
    }
  }

  const bearer = kept();
  const headers = { Accept: "text/html", Authorization: `Bearer ${bearer}` };
  const lost = () => document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text: document.getElementById("toasts")?.dataset.textError ?? "" } }));

  /** @param {Response} answer */
  const isPage = (answer) => (answer.headers.get("Content-Type") ?? "").includes("text/html");

  /** @param {string} text */
  const isClosed = (text) => text.includes('<meta name="foyer-come-back">');

  /** @param {URL} address */
  const isOurs = (address) => address.origin === location.origin && address.pathname.startsWith(prefix);

  /** A file goes where the browser puts files. @param {Response} answer */
  async function save(answer) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  /** In the page that asks to come back: fetch what belongs here. */
  async function resume() {
    root.style.visibility = "hidden";
    try {
      const answer = await fetch(location.href, { headers, credentials: "same-origin", cache: "no-store" });
      if (!isPage(answer)) {
        await save(answer);
        history.back();
        return;
      }
      const text = await answer.text();
      if (isClosed(text)) {
        sessionStorage.removeItem(key); // the tab has ended: what stands here is true
      } else {
        const place = new URL(answer.url);
        place.hash = location.hash;
        history.replaceState(history.state, "", place);
        document.open();
        document.write(text);
        document.close();
        return;
      }
    } catch {
      // no connection: the page says how to come back
    }
    root.style.visibility = "";
  }

  /** Put an answer to a form in the place of the page. @param {string} text @param {string} address */
  function swap(text, address) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const here = document.getElementById("content");
    const there = page.getElementById("content");
    if (!here || !there) {
      location.assign(address);
      return;
    }
    document.title = page.title;
    document.body.className = page.body.className;
    here.replaceChildren(...[...there.childNodes].map((node) => document.importNode(node, true)));
    for (const script of page.querySelectorAll("script[src]")) {
      if (!document.querySelector(`script[src="${CSS.escape(script.getAttribute("src") ?? "")}"]`)) {
        const fresh = document.createElement("script");
        fresh.type = /** @type {HTMLScriptElement} */ (script).type;
        fresh.src = /** @type {HTMLScriptElement} */ (script).src;
        document.body.append(fresh);
      }
    }
    history.pushState(null, "", address);
    shown = location.pathname;
    /** @type {any} */ (window).htmx?.process(here);
    here.dispatchEvent(new CustomEvent("foyer:added", { bubbles: true }));
    scrollTo(0, 0);
    const first = /** @type {HTMLElement} */ (here.querySelector(".error-summary") ?? here.querySelector("h1") ?? here);
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  }

  /** @param {string} address */
  function go(address) {
    const there = new URL(address, location.href);
    if (there.pathname === location.pathname && there.search === location.search) {
      location.reload();
    } else {
      location.assign(there);
    }
  }

  /** @param {HTMLFormElement} form @param {HTMLElement | null} submitter @param {URL} address */
  async function send(form, submitter, address) {
    const data = new FormData(form, submitter);
    const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(/** @type {any} */ (data));
    const button = submitter ?? form;
    button.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { method: "POST", body, headers, credentials: "same-origin" });
      if (!isPage(answer)) {
        await save(answer);
      } else if (answer.redirected) {
        go(answer.url);
      } else {
        swap(await answer.text(), answer.url);
      }
    } catch {
      lost();
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  function serve() {
    document.addEventListener("foyer:request", (event) => {
      /** @type {CustomEvent} */ (event).detail.headers.Authorization = headers.Authorization;
    });
    document.addEventListener("foyer:socket", (event) => {
      /** @type {CustomEvent} */ (event).detail.frames.push({ kind: "bearer", secret: bearer });
    });
    document.addEventListener("htmx:configRequest", (event) => {
      /** @type {CustomEvent} */ (event).detail.headers.Authorization = headers.Authorization;
    });
    // At the window: whoever else takes a form or a link (a dialog, the chat) has had it by then.
    window.addEventListener("submit", (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      const submitter = /** @type {HTMLElement | null} */ (event.submitter);
      const address = new URL(submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", location.href);
      if (event.defaultPrevented || form.method !== "post" || form.target || !isOurs(address)) {
        return;
      }
      event.preventDefault();
      if (!form.matches("[aria-busy]") && !form.querySelector("[aria-busy='true']")) {
        void send(form, submitter, address);
      }
    });
    window.addEventListener("click", (event) => {
      const link = /** @type {Element} */ (event.target).closest?.("a[download]");
      if (link instanceof HTMLAnchorElement && !event.defaultPrevented && isOurs(new URL(link.href))) {
        event.preventDefault();
        fetch(link.href, { headers, credentials: "same-origin" }).then(save, lost);
      }
    });
    window.addEventListener("popstate", () => location.pathname !== shown && location.reload());
  }

  if (bearer && document.querySelector("meta[name='foyer-come-back']")) {
    void resume();
  } else if (bearer) {
    serve();
  }
})();
