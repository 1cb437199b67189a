// @ts-check
/* global htmx */
/**
 * The media page, live: the countdown turns into the room, the room into closed doors, all in place.
 *
 * The server says over the socket (or to a page that polls) where this viewer stands; whenever that changes, the page's part is
 * fetched anew and put into `main`. What lives longer than one part – the connection, unsent messages, a half-written one – is here.
 */

import { announcements } from "./room/announcements.js";
import { backchannel } from "./room/backchannel.js";
import { Chat } from "./room/chat.js";
import { crowd } from "./room/crowd.js";
import { fold } from "./room/fold.js";
import { hand } from "./room/hand.js";
import { interactions } from "./room/interactions.js";
import { Link } from "./room/link.js";
import { marks } from "./room/marks.js";
import { showPeople } from "./room/people.js";
import "./room/player.js";
import { questions } from "./room/questions.js";
import { stage } from "./room/stage.js";
import { Topics } from "./room/topics.js";

const AHEAD_WITHIN = 20000; // milliseconds
const main = /** @type {HTMLElement} */ (document.getElementById("content"));

/** @returns {HTMLElement | null} */
function part() {
  return main.querySelector("[data-media]");
}

const first = part();
if (first) {
  start(first);
}

/** @param {HTMLElement} element the part that came with the page */
function start(element) {
  let version = element.dataset.version ?? "";
  const addresses = /** @type {HTMLElement | null} */ (element.querySelector("[data-addresses]"))?.dataset ?? {};
  let isFetching = false;
  let isFetchWanted = false;
  let isOver = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let fetchTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let aheadTimer;

  // What has happened is seen; this is for those who hear it.
  const spoken = document.createElement("div");
  spoken.className = "visually-hidden";
  spoken.role = "status";
  document.body.append(spoken);

  const chat = new Chat((frame) => link.send(frame));
  const topics = new Topics((frame) => link.send(frame), [(room) => marks(room, chat), crowd, hand, questions, interactions, backchannel, announcements, stage]);
  const link = new Link({ socket: addresses.socket ?? "", look: addresses.look ?? "", post: addresses.post ?? "", act: addresses.act ?? "" }, { heard, state: tellConnection, since: () => chat.last, unsent: () => [...chat.unsent(), ...topics.unsent()] });

  /** @param {Record<string, any>} frame */
  function heard(frame) {
    switch (frame.kind) {
      case "hello":
        document.dispatchEvent(new CustomEvent("foyer:clock", { detail: { now: frame.now } }));
        if (frame.version !== version) {
          fetchSoon(frame.spread ?? 0);
        }
        furnish(frame);
        break;
      case "message":
        chat.message(frame);
        break;
      case "ack":
        chat.acknowledge(frame);
        break;
      case "refused":
        if (!topics.answered(frame)) {
          chat.refuse(frame);
        }
        break;
      case "done":
        topics.answered(frame);
        break;
      case "changed":
        topics.changed(frame);
        break;
      case "state":
        topics.state(frame.state);
        break;
      case "history":
        chat.history(frame.messages);
        break;
      case "earlier":
        chat.earlier(frame.messages);
        break;
      case "tick":
        chat.tick(frame.last);
        topics.tick(frame);
        break;
      case "people":
        showPeople(part(), frame);
        break;
      case "standing":
        if (!(frame.welcome && letIn(frame)) && (frame.version !== version || frame.anew)) {
          fetchSoon(frame.spread ?? 0);
        }
        break;
      case "farewell":
        isOver = true;
        link.stop();
        fetchSoon(0);
        break;
      default: // a newer server says more than this page understands
    }
  }

  /** @param {Record<string, any>} frame all that the room holds */
  function furnish(frame) {
    chat.hello(frame);
    topics.state(frame.state);
    if (frame.people) {
      showPeople(part(), frame.people);
    }
  }

  /**
   * The doors have opened: the room lies ready in the page, and what is in it has come with the news. Thousands do this at once, so
   * nothing is asked of the server.
   * @param {Record<string, any>} frame
   * @returns {boolean} whether it is the very room that the server means
   */
  function letIn(frame) {
    const ahead = /** @type {HTMLTemplateElement | null} */ (main.querySelector("template[data-ahead]"));
    const room = /** @type {HTMLElement | null | undefined} */ (ahead?.content.querySelector("[data-media]"));
    if (!ahead || room?.dataset.version !== frame.version) {
      return false;
    }
    clearTimeout(fetchTimer);
    const answer = document.implementation.createHTMLDocument();
    answer.body.append(answer.importNode(ahead.content, true));
    put(answer);
    furnish(frame.welcome);
    return true;
  }

  /** Have the room ready before the doors open: each page asks at a time of its own, before the start where that is known. */
  function keepRoomReady() {
    clearTimeout(aheadTimer);
    if (main.querySelector("[data-ahead-place]")) {
      const start = Date.parse(main.querySelector("[data-starts-at]")?.getAttribute("data-starts-at") ?? "");
      const left = Number.isNaN(start) ? AHEAD_WITHIN : Math.max(start - Date.now(), 0) / 2;
      aheadTimer = setTimeout(fetchAhead, Math.random() * Math.min(left, AHEAD_WITHIN));
    }
  }

  async function fetchAhead() {
    const place = main.querySelector("[data-ahead-place]");
    const headers = { Accept: "text/html" };
    document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
    try {
      const response = await fetch(`${addresses.page}ahead/`, { credentials: "same-origin", headers });
      const ahead = response.ok ? new DOMParser().parseFromString(await response.text(), "text/html").querySelector("template[data-ahead]") : null;
      if (ahead && place?.isConnected) {
        place.replaceWith(document.importNode(ahead, true));
      }
    } catch {
      // the room is fetched when the doors open
    }
  }

  /** @param {number} spread milliseconds within which all pages do this, so that not all come at once */
  function fetchSoon(spread) {
    clearTimeout(fetchTimer);
    fetchTimer = setTimeout(fetchPart, Math.random() * spread);
  }

  async function fetchPart() {
    if (isFetching) {
      isFetchWanted = true;
      return;
    }
    isFetching = true;
    try {
      const headers = { "HX-Request": "true" };
      document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
      const response = await fetch(addresses.page ?? location.pathname, { credentials: "same-origin", headers });
      if (response.status >= 500 || response.status === 429) {
        throw new Error(String(response.status));
      }
      put(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      fetchTimer = setTimeout(fetchPart, 2000 + Math.random() * 3000);
    } finally {
      isFetching = false;
      if (isFetchWanted) {
        isFetchWanted = false;
        fetchSoon(0);
      }
    }
  }

  /** @param {Document} answer the part, or an error page */
  function put(answer) {
    const before = part();
    const source = answer.querySelector("main") ?? answer.body;
    const found = /** @type {HTMLElement | null} */ (source.querySelector("[data-media]"));
    const wasHere = main.contains(document.activeElement) && document.activeElement !== main;
    const trace = wasHere ? traceOf(document.activeElement) : "";
    const openMenu = traceOf(main.querySelector("details[data-menu][open] > summary"));
    const hasMoved = before?.dataset.media !== found?.dataset.media;
    const tab = before?.querySelector(".tab[aria-selected='true']")?.getAttribute("href");
    chat.leave();
    topics.leave();
    renew([...source.childNodes].map((node) => document.importNode(node, true)));
    document.body.className = found?.dataset.bodyClass ?? "page-door";
    version = found?.dataset.version ?? "";
    if (typeof htmx !== "undefined") {
      htmx.process(main);
    }
    main.dispatchEvent(new CustomEvent("foyer:added", { bubbles: true }));
    const now = part();
    if (now) {
      if (tab) {
        /** @type {HTMLElement | null} */ (now.querySelector(`.tab[href="${tab}"]`))?.click();
      }
      enter(now);
      if (isOver) {
        isOver = false;
        link.resume();
      }
    } else {
      isOver = true;
      link.stop();
      document.title = answer.title || document.title;
    }
    const menu = openMenu ? main.querySelector(openMenu)?.closest("details") : null;
    if (menu && !hasMoved) {
      menu.open = true; // it was renewed under somebody's hand
    }
    if (hasMoved) {
      window.scrollTo(0, 0);
      const news = now ? now.dataset.news : main.querySelector("h1")?.textContent;
      spoken.textContent = (news ?? "").trim();
      const heading = /** @type {HTMLElement | null} */ (main.querySelector("h1"));
      if (heading && !document.querySelector("dialog[open]")) {
        heading.tabIndex = -1;
        heading.focus({ preventScroll: true });
      }
    } else if (wasHere && !chat.takeFocus()) {
      const again = (trace && main.querySelector(trace)) || menu?.querySelector("summary") || main.querySelector("h1");
      if (again instanceof HTMLElement) {
        if (again.tagName === "H1") {
          again.tabIndex = -1; // what had the focus is gone: better the start of the page than nowhere
        }
        again.focus({ preventScroll: true });
      }
    }
  }

  /**
   * Put these into `main`. What plays on the stage is taken over as it is, where the browser can do that and the new part has it, too.
   * @param {Node[]} nodes
   */
  function renew(nodes) {
    const kept = /** @type {HTMLElement | null} */ (main.querySelector("[data-stage-keep][data-stage-live]"));
    if (!kept || !("moveBefore" in main)) {
      main.replaceChildren(...nodes);
      return;
    }
    const before = [...main.childNodes];
    main.append(...nodes);
    const same = [...main.querySelectorAll(`[data-stage-keep="${CSS.escape(kept.dataset.stageKeep ?? "")}"]`)].find((each) => each !== kept);
    if (same?.parentElement) {
      /** @type {any} */ (same.parentElement).moveBefore(kept, same);
      same.remove();
    }
    for (const node of before) {
      /** @type {ChildNode} */ (node).remove();
    }
  }

  /**
   * How to find a control again after the part was renewed: by its id, its name, or where it leads.
   * @param {Element | null} control
   */
  function traceOf(control) {
    if (control?.id) {
      return `#${CSS.escape(control.id)}`;
    }
    const name = control?.getAttribute("aria-label");
    if (name) {
      return `[aria-label="${CSS.escape(name)}"]`;
    }
    const href = control?.getAttribute("href");
    if (href) {
      return `a[href="${CSS.escape(href)}"]`;
    }
    const action = control?.closest("form")?.getAttribute("action");
    return action && control?.tagName === "BUTTON" ? `form[action="${CSS.escape(action)}"] button` : "";
  }

  /** @param {HTMLElement} place */
  function enter(place) {
    fold(place);
    for (const note of place.querySelectorAll("[data-live-only]")) {
      /** @type {HTMLElement} */ (note).hidden = false;
    }
    for (const other of place.querySelectorAll("[data-other-zone]")) {
      /** @type {HTMLElement} */ (other).hidden = /** @type {HTMLElement} */ (other).dataset.otherZone === Intl.DateTimeFormat().resolvedOptions().timeZone;
    }
    chat.enter(place);
    topics.enter(place);
    keepRoomReady();
    tellConnection(link.state);
  }

  /** @param {string} state "open", "lost", "slow" or "new" */
  function tellConnection(state) {
    const bar = /** @type {HTMLElement | null} */ (main.querySelector("[data-connection]"));
    const text = bar?.querySelector("[data-connection-text]");
    if (!bar || !text || isOver) {
      return;
    }
    const wasLost = bar.dataset.state === "lost";
    bar.dataset.state = state === "open" && wasLost ? "back" : state;
    if (state === "lost") {
      text.textContent = bar.dataset.textLost ?? "";
      bar.hidden = false;
    } else if (state === "slow") {
      text.textContent = bar.dataset.textSlow ?? "";
      bar.hidden = false;
    } else if (wasLost) {
      text.textContent = bar.dataset.textBack ?? "";
      bar.hidden = false;
      setTimeout(() => {
        if (bar.dataset.state === "back") {
          bar.hidden = true;
          bar.dataset.state = "open";
        }
      }, 3000);
    } else {
      bar.hidden = true;
    }
  }

  // The server opens the doors by itself and says so; should nothing be heard, ask.
  document.addEventListener("countdown:done", () => {
    setTimeout(() => {
      if (!isOver && part()?.dataset.media === "waiting") {
        link.ask();
      }
    }, 1500 + Math.random() * 2500);
  });
  // The doors, moved without leaving the page: a half-written message stays.
  main.addEventListener("submit", async (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!form.matches("[data-in-place]") || isOver) {
      return;
    }
    event.preventDefault();
    try {
      const headers = { Accept: "text/html" };
      document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
      const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers, credentials: "same-origin" });
      const answer = new DOMParser().parseFromString(await response.text(), "text/html");
      if (response.ok && answer.querySelector("main [data-media]")) {
        put(answer);
        return;
      }
      const text = ["h1", ".lede"].map((name) => answer.querySelector(`main ${name}`)?.textContent?.trim() ?? "").join(" ");
      document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text } }));
      fetchSoon(0);
    } catch {
      form.submit();
    }
  });
  // A dialog has changed something here (title, schedule, collaborators): only the part is fetched anew.
  document.body.addEventListener("foyer:changed", (event) => {
    if (!isOver) {
      event.preventDefault();
      fetchSoon(0);
    }
  });

  enter(element);
  link.start();
}
