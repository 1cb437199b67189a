// @ts-check
/**
 * Pages as dialogs.
 *
 * `<a href="…" data-dialog>` fetches its page and shows that page's `[data-dialog-content]` in a `<dialog>` (made from
 * `<template id="dialog-template">` in base.html). Forms inside are sent by fetch: an answer with `[data-dialog-content]`
 * is shown in place, any other answer is a place to go to. `[data-dialog-close]` closes. When the content says
 * `data-dialog-changed`, closing dispatches `foyer:changed` on the body, and the page behind loads anew unless something
 * listens and calls preventDefault(). Whatever goes wrong ends in ordinary navigation. A page of the error tree
 * (templates/errors/) has content too, so a refusal is read in the dialog.
 *
 * `data-dialog="wide"` on the opener makes it wider. A button `data-dialog` sends its form the same way, wherever it stands.
 *
 * Content with `data-dialog-over` needs no reader: the dialog closes, or never opens, and its `[data-toast]` is said at the foot.
 */

/** @type {HTMLDialogElement | null} */
let dialog = null;
/** @type {HTMLElement | null} */
let openedBy = null;
/** @type {string} where the shown content came from */
let source = "";
let hasChanged = false;

/** @param {string} text @returns {Document} */
function parse(text) {
  return new DOMParser().parseFromString(text, "text/html");
}

/** Done: close, say it, and let the page behind know. @param {HTMLElement} content */
function finish(content) {
  const told = content.querySelector("[data-toast]");
  if (dialog) {
    hasChanged = true;
    dialog.close();
  } else if (document.body.dispatchEvent(new CustomEvent("foyer:changed", { bubbles: true, cancelable: true }))) {
    location.reload();
  }
  if (told) {
    document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text: "", element: told } }));
  }
}

/** @param {HTMLElement} content */
function show(content) {
  if (content.hasAttribute("data-dialog-over")) {
    finish(content);
    return;
  }
  if (!dialog) {
    return;
  }
  hasChanged ||= content.hasAttribute("data-dialog-changed");
  const body = /** @type {HTMLElement} */ (dialog.querySelector("[data-dialog-body]"));
  const shown = document.importNode(content, true);
  const target =
    shown.querySelector(".error-summary") ??
    shown.querySelector("[aria-invalid='true']") ??
    shown.querySelector("[autofocus]") ??
    shown.querySelector("input:not([type=hidden]):not([readonly]), select, textarea") ??
    shown.querySelector("h1, h2");
  for (const field of shown.querySelectorAll("[autofocus]")) {
    field.removeAttribute("autofocus"); // in an LMS's frame browsers refuse it, and complain; the focus is moved below
  }
  body.replaceChildren(shown);
  const label = shown.getAttribute("aria-labelledby");
  if (label) {
    dialog.setAttribute("aria-labelledby", label);
  }
  if (!dialog.open) {
    dialog.showModal();
  }
  /** @type {any} */ (window).htmx?.process(shown);
  shown.dispatchEvent(new CustomEvent("foyer:added", { bubbles: true }));
  dialog.scrollTop = 0;
  if (target instanceof HTMLElement) {
    if (target.matches("h1, h2, .error-summary")) {
      target.tabIndex = -1;
    }
    target.focus();
  }
}

/** @param {Response} response @returns {Promise<HTMLElement | null>} */
async function contentOf(response) {
  if (!(response.headers.get("Content-Type") ?? "").includes("text/html")) {
    return null;
  }
  return /** @type {HTMLElement | null} */ (parse(await response.text()).querySelector("[data-dialog-content]"));
}

/** @param {string} address */
function go(address) {
  const here = new URL(location.href);
  const there = new URL(address, here);
  if (there.origin !== here.origin) {
    return;
  }
  if (there.pathname === here.pathname && there.search === here.search) {
    location.reload();
  } else {
    location.assign(there);
  }
}

function onClose() {
  const changed = hasChanged;
  dialog?.remove();
  dialog = null;
  hasChanged = false;
  const menu = /** @type {HTMLDetailsElement | null} */ (openedBy?.closest("details[data-menu]") ?? null);
  const back = menu && !menu.open ? menu.querySelector("summary") : openedBy;
  openedBy = null;
  back?.focus();
  if (changed) {
    const event = new CustomEvent("foyer:changed", { bubbles: true, cancelable: true });
    if (document.body.dispatchEvent(event)) {
      location.reload();
    }
  }
}

/** Headers of a request of ours; whoever has one to add listens for `foyer:request`. @returns {Record<string, string>} */
function ourHeaders() {
  const headers = { Accept: "text/html", "Foyer-Dialog": "1" };
  document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
  return headers;
}

/** Make the dialog, unless there is one. @param {HTMLTemplateElement} template @param {HTMLElement} opener */
function make(template, opener) {
  if (dialog) {
    return;
  }
  openedBy = opener;
  dialog = /** @type {HTMLDialogElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
  dialog.classList.toggle("dialog--wide", opener.dataset.dialog === "wide");
  dialog.addEventListener("close", onClose, { once: true });
  document.body.append(dialog);
}

/** @param {HTMLAnchorElement} link */
async function open(link) {
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("dialog-template"));
  link.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(link.href, { headers: ourHeaders(), credentials: "same-origin" });
    const content = await contentOf(response);
    if (!content || !template || typeof HTMLDialogElement === "undefined") {
      go(link.href);
      return;
    }
    source = response.url;
    make(template, link); // a link inside the dialog: the next page takes the place of this one
    show(content);
  } catch {
    go(link.href);
  } finally {
    link.removeAttribute("aria-busy");
  }
}

/** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
async function send(form, submitter) {
  const data = new FormData(form, submitter);
  const address = new URL(submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", dialog ? source : location.href);
  /** @type {RequestInit} */
  const options = { method: form.method, headers: ourHeaders(), credentials: "same-origin" };
  if (form.method === "get") {
    address.search = new URLSearchParams(/** @type {any} */ (data)).toString();
  } else {
    options.body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(/** @type {any} */ (data));
  }
  const button = submitter ?? form.querySelector("[type=submit], button:not([type])");
  button?.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, options);
    const content = await contentOf(response);
    if (!content) {
      go(response.url);
      return;
    }
    source = response.url;
    const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("dialog-template"));
    if (template && submitter && !content.hasAttribute("data-dialog-over")) {
      make(template, submitter);
    }
    show(content);
  } catch {
    form.action = address.href;
    HTMLFormElement.prototype.submit.call(form);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = target.closest("a[data-dialog]");
  if (link instanceof HTMLAnchorElement && isPlain && !event.defaultPrevented) {
    event.preventDefault();
    void open(link);
    return;
  }
  if (dialog && dialog.contains(target) && target.closest("[data-dialog-close]")) {
    event.preventDefault();
    dialog.close();
  } else if (dialog && target === dialog && dialog.querySelector("form") === null) {
    dialog.close(); // a click on the backdrop; never while there is something typed to lose
  }
});

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const isOurs = dialog?.contains(form) || event.submitter?.hasAttribute("data-dialog");
  if (!isOurs || event.defaultPrevented || form.target || form.hasAttribute("hx-post")) {
    return;
  }
  event.preventDefault();
  if (form.querySelector("[aria-busy='true']") === null) {
    void send(form, event.submitter);
  }
});
