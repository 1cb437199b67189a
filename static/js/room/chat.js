// @ts-check
/**
 * The chat: messages are numbered without holes, so a gap is seen and asked for, and nothing is shown twice. Own messages stand in the
 * log at once, marked as sending until the server has them and as sent from then on; they are sent again under the same key after a
 * lost connection.
 */

import { initialOf, roleBadge } from "./people.js";
import { showText } from "./text.js";

const NEAR_THE_END = 80;
const GAP_PATIENCE = 400;
const ACK_WITHIN = 8000;
const QUOTED = 120; // characters of a message that is answered

/** @typedef {{sequence: number, author_id: string, author: string, role: string, is_guest: boolean, text: string, sent_at: string, client_key: string, end?: string, likes?: number, reply?: {to: number, author: string, text: string} | null}} Message */
/** @typedef {{key: string, text: string, reply: {to: number, author: string, text: string} | null, state: "sending" | "failed", reason: string, row: HTMLElement | null, timer: ReturnType<typeof setTimeout> | undefined}} Own */

export class Chat {
  /** @param {(frame: Record<string, any>) => boolean} send */
  constructor(send) {
    this.send = send;
    /** The last message up to which nothing is missing. */
    this.last = 0;
    /** @type {Map<number, Message>} those that came too early */
    this.early = new Map();
    /** @type {Map<string, Own>} */
    this.own = new Map();
    this.draft = "";
    /** @type {{to: number, author: string, text: string} | null} the message that the next one answers */
    this.reply = null;
    this.hadFocus = false;
    this.clearedUpto = 0;
    this.unread = 0;
    this.sticks = true;
    /** @type {HTMLElement | null} */
    this.root = null;
    this.watcher = new ResizeObserver(() => this.sticks && this.#toEnd());
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.gapTimer = undefined;
  }

  // --- The page

  /** @param {HTMLElement} root */
  enter(root) {
    this.root = root;
    const form = this.#form();
    const field = this.#field();
    if (!form || !field) {
      return;
    }
    this.last = Math.max(Number(root.dataset.last), 0);
    this.early.clear();
    field.value = this.draft || field.value;
    this.#showReply();
    this.#find("[data-reply-cancel]")?.addEventListener("click", () => {
      this.reply = null;
      this.#showReply();
      this.#field()?.focus();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        this.#submit();
      }
    });
    field.addEventListener("input", () => {
      this.draft = field.value;
      this.#say("");
    });
    this.#find("[data-jump]")?.addEventListener("click", () => this.#toEnd());
    this.#find("[data-earlier]")?.addEventListener("click", () => this.send({ kind: "history", before: this.#first() }));
    const scroller = this.#scroller();
    scroller?.addEventListener("scroll", () => {
      this.sticks = this.#isAtEnd();
      if (this.sticks) {
        this.#read();
      }
    });
    if (scroller) {
      // A banner, a keyboard or a turned phone takes room: whoever read the end goes on reading the end.
      this.watcher.disconnect();
      this.watcher.observe(scroller);
    }
    root.querySelector("#chat")?.addEventListener("tabs:shown", () => this.#toEnd());
    for (const own of this.own.values()) {
      own.row = null;
      if (!this.#rowOfKey(own.key)) {
        this.#showOwn(own);
      }
    }
    this.#tidy();
    this.#toEnd();
  }

  /** The part is about to be replaced. */
  leave() {
    this.draft = this.#field()?.value ?? this.draft;
    this.hadFocus = document.activeElement !== null && document.activeElement === this.#field();
    this.root = null;
  }

  /** @returns {boolean} whether the composer took the focus back */
  takeFocus() {
    const field = this.#field();
    if (this.hadFocus && field) {
      field.focus();
      return true;
    }
    return false;
  }

  // --- What the server says

  /** @param {Record<string, any>} frame */
  hello(frame) {
    if (this.#form()) {
      if (this.last === 0 && frame.messages.length > 0) {
        this.last = frame.messages[0].sequence - 1; // older ones stay behind "earlier"
      }
      for (const message of frame.messages) {
        this.#take(message);
      }
      this.tick(frame.last);
    }
  }

  /** @param {Message[]} messages */
  history(messages) {
    for (const message of messages) {
      this.#take(message);
    }
    if (this.early.size > 0) {
      this.#askForGap();
    }
  }

  /** @param {Message[]} messages older than all shown, oldest first */
  earlier(messages) {
    const log = this.#log();
    const scroller = this.#scroller();
    if (!log || !scroller) {
      return;
    }
    const before = scroller.scrollHeight - scroller.scrollTop;
    const first = this.#first();
    const rows = messages.filter((message) => message.sequence < first).map((message) => this.#rowFor(message));
    const live = this.#find("[data-chat-live]");
    live?.setAttribute("aria-live", "off"); // what is old is there to be read, not to be spoken
    log.prepend(...rows);
    setTimeout(() => live?.setAttribute("aria-live", "polite"), 1000);
    this.#announceTimes();
    this.#tidy();
    scroller.scrollTop = scroller.scrollHeight - before;
  }

  /** @param {number} last the newest number that the server has given */
  tick(last) {
    if (this.#form() && last > this.last) {
      this.#askForGap();
    }
  }

  /** @param {any} message */
  message(message) {
    if (this.#form()) {
      this.#take(message);
      if (this.early.size > 0) {
        this.#askForGap();
      }
    }
  }

  /** @param {any} message our own, as the server keeps it */
  acknowledge(message) {
    this.message(message);
    this.#settle(message.client_key);
  }

  /** @param {Record<string, any>} frame */
  refuse(frame) {
    const own = this.own.get(frame.client_key);
    if (!own) {
      return;
    }
    clearTimeout(own.timer);
    own.state = "failed";
    own.reason = frame.reason === "unavailable" ? "" : frame.reason; // without a reason it goes out again by itself
    this.#markOwn(own);
    this.#say(frame.text || this.#text(frame.reason));
  }

  /** @returns {Record<string, any>[]} what a new connection must carry again */
  unsent() {
    return [...this.own.values()].filter((own) => own.reason === "").map((own) => frameOf(own));
  }

  // --- What becomes of a message

  /** @param {HTMLElement} row of the message that somebody wants to answer */
  answer(row) {
    const author = row.querySelector("[data-author]")?.textContent ?? "";
    const text = row.querySelector("[data-text]")?.textContent ?? "";
    this.reply = { to: Number(row.dataset.sequence), author, text };
    this.#showReply();
    this.#field()?.focus();
  }

  /** @param {HTMLElement} row @param {string} why it cannot be read; empty: it can @param {string} text what stands there then */
  showEnd(row, why, text) {
    const place = /** @type {HTMLElement} */ (row.querySelector("[data-text]"));
    row.dataset.end = why;
    row.classList.toggle("message--gone", why !== "");
    if (why) {
      place.textContent = this.#text(`end-${why}`);
    } else {
      showText(place, text);
    }
  }

  /** What others have quoted goes and comes with it. @param {number} sequence @param {string} text empty where it cannot be read */
  showQuoted(sequence, text) {
    for (const quote of this.#log()?.querySelectorAll(`[data-reply-to="${sequence}"]`) ?? []) {
      showQuote(/** @type {HTMLElement} */ (quote), text);
    }
  }

  /** @param {number} upto everything before is cleared */
  cleared(upto) {
    this.clearedUpto = Math.max(this.clearedUpto, upto);
    this.#tidy();
  }

  #showReply() {
    const place = this.#find("[data-replying]");
    if (place) {
      place.hidden = this.reply === null;
      const text = place.querySelector("[data-replying-to]");
      if (text && this.reply) {
        text.textContent = `${this.reply.author}: ${this.reply.text}`;
      }
    }
  }

  // --- Underneath

  /** @param {Message} message */
  #take(message) {
    if (message.sequence <= this.last) {
      return;
    }
    if (message.sequence > this.last + 1) {
      this.early.set(message.sequence, message);
      return;
    }
    this.#show(message);
    for (let next = this.early.get(this.last + 1); next; next = this.early.get(this.last + 1)) {
      this.early.delete(next.sequence);
      this.#show(next);
    }
  }

  #askForGap() {
    clearTimeout(this.gapTimer);
    this.gapTimer = setTimeout(() => {
      this.send({ kind: "history", after: this.last });
    }, GAP_PATIENCE);
  }

  /** @param {Message} message */
  #show(message) {
    const log = this.#log();
    if (!log) {
      return;
    }
    const wasAtEnd = this.#isAtEnd();
    const isOwn = message.author_id === this.root?.dataset.me;
    this.last = message.sequence;
    if (isOwn) {
      this.#settle(message.client_key);
    }
    const row = this.#rowFor(message);
    const waiting = log.querySelector(":scope > .message--waiting, :scope > .message--failed");
    log.insertBefore(row, waiting);
    this.#announceTimes();
    this.#tidy();
    if (isOwn || (wasAtEnd && this.#isShown())) {
      this.#toEnd();
    } else {
      this.unread += 1;
      this.#showUnread();
    }
  }

  /** @param {Message} message @returns {HTMLElement} */
  #rowFor(message) {
    const root = /** @type {HTMLElement} */ (this.root);
    const pattern = /** @type {HTMLTemplateElement} */ (root.querySelector("template[data-message-pattern]"));
    const row = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(name));
    const isOwn = message.author_id === root.dataset.me;
    row.dataset.sequence = String(message.sequence);
    row.dataset.authorId = message.author_id;
    row.dataset.sentAt = message.sent_at;
    row.classList.toggle("message--own", isOwn);
    find("[data-initial]").textContent = initialOf(message.author);
    find("[data-initial]").classList.toggle("avatar--guest", message.is_guest);
    find("[data-author] bdi").textContent = isOwn ? this.#text("you") : message.author;
    const badge = roleBadge(root, message.role);
    find("[data-role]").replaceChildren(...(badge ? [badge] : []));
    const quote = find("[data-reply]");
    quote.hidden = !message.reply;
    if (message.reply) {
      quote.dataset.replyTo = String(message.reply.to);
      quote.dataset.replyAuthor = message.reply.author;
      showQuote(quote, message.reply.text);
    }
    this.showEnd(row, message.end ?? "", message.text);
    const likes = message.likes ?? 0;
    find("[data-likes]").textContent = likes > 0 ? String(likes) : "";
    find("[data-like]").classList.toggle("message__like--any", likes > 0);
    find("[data-message-acts-row]").hidden = message.sequence === 0;
    if (!isOwn || message.sequence === 0) {
      find("[data-sent]").remove();
    }
    const time = /** @type {HTMLTimeElement} */ (row.querySelector("time"));
    time.dateTime = message.sent_at;
    return row;
  }

  #submit() {
    const field = this.#field();
    const text = field?.value.trim() ?? "";
    if (!field || !text) {
      return;
    }
    /** @type {Own} */
    const own = { key: newKey(), text, reply: this.reply, state: "sending", reason: "", row: null, timer: undefined };
    this.own.set(own.key, own);
    this.reply = null;
    this.#showReply();
    field.value = "";
    this.draft = "";
    this.#say("");
    this.#showOwn(own);
    this.#deliver(own);
    field.focus();
  }

  /** @param {Own} own */
  #deliver(own) {
    own.state = "sending";
    own.reason = "";
    clearTimeout(own.timer);
    if (this.send(frameOf(own))) {
      own.timer = setTimeout(() => {
        if (this.own.has(own.key) && own.state === "sending") {
          own.state = "failed";
          this.#markOwn(own);
        }
      }, ACK_WITHIN);
    }
    this.#markOwn(own);
  }

  /** @param {Own} own */
  #showOwn(own) {
    const log = this.#log();
    if (!log || !this.root) {
      return;
    }
    own.row = this.#rowFor({ sequence: 0, author_id: this.root.dataset.me ?? "", author: this.root.dataset.meName ?? "", role: "", is_guest: "meGuest" in this.root.dataset, text: own.text, sent_at: new Date().toISOString(), client_key: own.key, reply: own.reply });
    delete own.row.dataset.sequence;
    own.row.dataset.key = own.key;
    log.append(own.row);
    this.#markOwn(own);
    this.#announceTimes();
    this.#tidy();
    this.#toEnd();
  }

  /** @param {Own} own */
  #markOwn(own) {
    if (!own.row) {
      return;
    }
    const hasFailed = own.state === "failed";
    own.row.classList.toggle("message--waiting", !hasFailed);
    own.row.classList.toggle("message--failed", hasFailed);
    own.row.querySelector("[data-state]")?.remove();
    const note = document.createElement("p");
    note.className = "message__state";
    note.dataset.state = own.state;
    note.textContent = this.#text(hasFailed ? "not-sent" : "sending");
    if (hasFailed) {
      const again = document.createElement("button");
      again.type = "button";
      again.className = "link-button";
      again.textContent = this.#text("retry");
      again.addEventListener("click", () => {
        this.#say("");
        this.#deliver(own);
        this.#field()?.focus();
      });
      note.append(" ", again);
    }
    own.row.querySelector(".message__body")?.append(note);
  }

  /** @param {string} key our message has arrived */
  #settle(key) {
    const own = this.own.get(key);
    if (own) {
      clearTimeout(own.timer);
      own.row?.remove();
      this.own.delete(key);
    }
  }

  /** @param {string} key */
  #rowOfKey(key) {
    return this.#log()?.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? null;
  }

  #tidy() {
    const log = this.#log();
    const empty = this.#find("[data-chat-empty]");
    if (log && empty) {
      empty.hidden = log.childElementCount > 0;
    }
    const earlier = this.#find("[data-earlier]");
    if (earlier) {
      earlier.hidden = this.#first() <= Math.max(this.clearedUpto + 1, 1);
    }
  }

  #announceTimes() {
    this.#log()?.dispatchEvent(new CustomEvent("foyer:added", { bubbles: true }));
  }

  /** @returns {number} the first number shown; 0 when there is none */
  #first() {
    const row = /** @type {HTMLElement | null} */ (this.#log()?.querySelector("[data-sequence]") ?? null);
    return Number(row?.dataset.sequence ?? 0);
  }

  #isShown() {
    const chat = /** @type {HTMLElement | null} */ (this.root?.querySelector("#chat") ?? null);
    return chat !== null && !chat.hidden && document.visibilityState === "visible";
  }

  #isAtEnd() {
    const scroller = this.#scroller();
    return !scroller || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_THE_END;
  }

  #toEnd() {
    const scroller = this.#scroller();
    if (scroller) {
      scroller.scrollTop = scroller.scrollHeight;
    }
    this.#read();
  }

  #read() {
    if (this.#isShown()) {
      this.unread = 0;
    }
    this.#showUnread();
  }

  #showUnread() {
    const badge = this.#find("[data-unread]");
    const isElsewhere = !this.#isShown();
    if (badge) {
      badge.hidden = this.unread === 0 || !isElsewhere;
      badge.textContent = this.unread > 99 ? "99+" : String(this.unread);
    }
    const jump = this.#find("[data-jump]");
    if (jump) {
      jump.hidden = this.unread === 0 || isElsewhere;
    }
  }

  /** @param {string} text */
  #say(text) {
    const place = this.#find("[data-composer-error]");
    if (place && place.textContent !== text) {
      place.textContent = text;
    }
  }

  /** @param {string} reason */
  #text(reason) {
    const form = this.#form();
    return form?.getAttribute(`data-text-${reason.replaceAll("_", "-")}`) ?? form?.dataset.textError ?? "";
  }

  /** @param {string} name @returns {HTMLElement | null} */
  #find(name) {
    return this.root?.querySelector(name) ?? null;
  }

  #form() {
    return /** @type {HTMLFormElement | null} */ (this.#find("form[data-composer]"));
  }

  #field() {
    return /** @type {HTMLTextAreaElement | null} */ (this.#form()?.querySelector("textarea") ?? null);
  }

  #log() {
    return this.#find("[data-chat-log]");
  }

  #scroller() {
    return this.#find("[data-chat-scroll]");
  }
}

/** @param {HTMLElement} quote @param {string} text */
function showQuote(quote, text) {
  const author = quote.dataset.replyAuthor ?? "";
  quote.textContent = text ? `${author}: ${text.slice(0, QUOTED)}` : author;
}

/** @param {Own} own @returns {Record<string, any>} */
function frameOf(own) {
  return { kind: "post", client_key: own.key, text: own.text, reply_to: own.reply?.to ?? 0 };
}

/** A key under which sending twice is harmless. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
