// @ts-check
/**
 * What becomes of messages that stand in the chat: liked, answered, pinned, hidden, deleted, cleared; and slow mode. The menu of a message
 * is `template[data-message-acts]`; each of its buttons names what it does in `data-do`.
 */

import { RowMenus } from "./menus.js";
import { showText } from "./text.js";

/**
 * @param {import("./topics.js").Room} room
 * @param {import("./chat.js").Chat} chat
 * @returns {import("./topics.js").Topic}
 */
export function marks(room, chat) {
  /** @type {Set<number>} */
  let liked = new Set();
  /** @type {Map<number, {sequence: number, author: string, text: string}>} */
  let pins = new Map();

  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (room.root()?.querySelector(name) ?? null);
  const rowOf = (/** @type {number} */ sequence) => find(`[data-chat-log] [data-sequence="${sequence}"]`);

  const menus = new RowMenus(room, {
    opener: "[data-message-menu]",
    pattern: "template[data-message-acts]",
    tailor(menu, row) {
      const isOwn = row.dataset.authorId === room.root()?.dataset.me;
      const isPinned = pins.has(Number(row.dataset.sequence));
      const fits = { own: isOwn, others: !isOwn, pinned: isPinned, unpinned: !isPinned, hidden: row.dataset.end === "hidden", shown: !row.dataset.end };
      for (const item of /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[data-only]"))) {
        const wanted = item.dataset.only?.split(" ") ?? [];
        if (!wanted.every((each) => fits[/** @type {keyof typeof fits} */ (each)])) {
          item.remove();
        }
      }
    },
  });

  /** @param {number} sequence @param {number} likes */
  function showLikes(sequence, likes) {
    const button = rowOf(sequence)?.querySelector("[data-like]");
    if (button instanceof HTMLElement) {
      const total = /** @type {HTMLElement} */ (button.querySelector("[data-likes]"));
      total.textContent = likes > 0 ? String(likes) : "";
      button.classList.toggle("message__like--any", likes > 0);
      button.setAttribute("aria-pressed", String(liked.has(sequence)));
    }
  }

  /** @param {number} sequence @param {string} why empty: it can be read again @param {string} [text] */
  function showEnd(sequence, why, text = "") {
    const row = rowOf(sequence);
    if (row) {
      chat.showEnd(row, why, text);
    }
    chat.showQuoted(sequence, text);
  }

  function showPins() {
    const list = find("[data-pins]");
    const pattern = /** @type {HTMLTemplateElement | null} */ (find("template[data-pin-pattern]"));
    if (!list || !pattern) {
      return;
    }
    list.replaceChildren(
      ...[...pins.values()].map((pin) => {
        const row = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
        /** @type {HTMLElement} */ (row.querySelector("[data-author]")).textContent = pin.author;
        showText(/** @type {HTMLElement} */ (row.querySelector("[data-text]")), pin.text);
        row.querySelector("[data-unpin]")?.addEventListener("click", () => room.attempt("chat.pin", { sequence: pin.sequence, is_pinned: false }));
        return row;
      }),
    );
  }

  /** @param {number} seconds */
  function showSlow(seconds) {
    const note = find("[data-slow]");
    if (note) {
      note.hidden = seconds === 0;
      note.textContent = (note.dataset.text ?? "").replace("%s", String(seconds));
    }
    const field = /** @type {HTMLSelectElement | null} */ (find("[data-slow-field]"));
    if (field) {
      field.value = String(seconds);
    }
  }

  /** @param {number} upto */
  function showCleared(upto) {
    for (const row of room.root()?.querySelectorAll("[data-chat-log] [data-sequence]") ?? []) {
      if (Number(/** @type {HTMLElement} */ (row).dataset.sequence) <= upto) {
        row.remove();
      }
    }
    chat.cleared(upto);
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-sequence]"));
    if (!row) {
      return;
    }
    const sequence = Number(row.dataset.sequence);
    const opener = target.closest("[data-message-menu]");
    const wish = /** @type {HTMLElement | null} */ (target.closest("[data-do]"))?.dataset.do;
    if (target.closest("[data-like]")) {
      const isLiked = !liked.has(sequence);
      liked[isLiked ? "add" : "delete"](sequence);
      target.closest("[data-like]")?.setAttribute("aria-pressed", String(isLiked));
      void room.attempt("chat.like", { sequence, is_liked: isLiked });
    } else if (opener instanceof HTMLElement) {
      menus.toggle(row, opener);
    } else if (wish) {
      menus.close(true);
      perform(wish, row, sequence);
    }
  }

  /** @param {string} wish @param {HTMLElement} row @param {number} sequence */
  function perform(wish, row, sequence) {
    const acts = {
      reply: () => chat.answer(row),
      delete: () => room.attempt("chat.delete", { sequence }),
      pin: () => room.attempt("chat.pin", { sequence, is_pinned: true }),
      unpin: () => room.attempt("chat.pin", { sequence, is_pinned: false }),
      hide: () => room.attempt("chat.hide", { sequence, is_hidden: true }),
      show: () => room.attempt("chat.hide", { sequence, is_hidden: false }),
      mute: () => room.attempt("people.mute", { id: row.dataset.authorId, is_muted: true }),
    };
    void acts[/** @type {keyof typeof acts} */ (wish)]?.();
  }

  return {
    name: "chat",
    enter(root) {
      const log = root.querySelector("[data-chat-log]");
      log?.addEventListener("click", (event) => onClick(/** @type {MouseEvent} */ (event)));
      menus.enter(root, log);
      root.querySelector("[data-slow-field]")?.addEventListener("change", (event) => room.attempt("chat.slow", { seconds: /** @type {HTMLSelectElement} */ (event.target).value }));
      showPins();
    },
    state(parts) {
      const shared = parts.shared ?? {};
      liked = new Set(parts.own?.liked ?? []);
      pins = new Map((shared.pins ?? []).map((/** @type {any} */ pin) => [pin.sequence, pin]));
      showPins();
      showSlow(shared.slow ?? 0);
      showCleared(shared.cleared ?? 0);
      for (const sequence of shared.hidden ?? []) {
        showEnd(sequence, "hidden");
      }
      for (const sequence of shared.deleted ?? []) {
        showEnd(sequence, "deleted");
      }
      for (const [sequence, likes] of Object.entries(shared.likes ?? {})) {
        showLikes(Number(sequence), Number(likes));
      }
      for (const sequence of liked) {
        rowOf(sequence)?.querySelector("[data-like]")?.setAttribute("aria-pressed", "true");
      }
    },
    change(change) {
      if (change.pinned) {
        pins.set(change.pinned.sequence, change.pinned);
      }
      for (const gone of [change.unpinned, change.hidden, change.deleted]) {
        pins.delete(gone);
      }
      if (change.cleared) {
        pins.clear();
        showCleared(change.cleared);
      }
      showPins();
      if (change.hidden) {
        showEnd(change.hidden, "hidden");
      }
      if (change.deleted) {
        showEnd(change.deleted, "deleted");
      }
      if (change.shown) {
        showEnd(change.shown.sequence, "", change.shown.text);
      }
      if (change.slow !== undefined) {
        showSlow(change.slow);
      }
      for (const [sequence, likes] of Object.entries(change.likes ?? {})) {
        showLikes(Number(sequence), Number(likes));
      }
    },
  };
}
