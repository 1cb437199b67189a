// @ts-check
/** What the team says among themselves; rows follow the pattern of the chat's. */

import { initialOf, roleBadge } from "./people.js";
import { showText } from "./text.js";

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function backchannel(room) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (room.root()?.querySelector(name) ?? null);
  let unread = 0;

  /** @param {Record<string, any>} word */
  function add(word) {
    const root = room.root();
    const log = find("[data-backchannel-log]");
    const pattern = /** @type {HTMLTemplateElement | null} */ (find("template[data-message-pattern]"));
    if (!root || !log || !pattern || log.querySelector(`[data-word="${word.sequence}"]`)) {
      return;
    }
    const row = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(name));
    row.removeAttribute("data-sequence");
    row.dataset.word = String(word.sequence);
    row.classList.toggle("message--own", word.author_id === root.dataset.me);
    part("[data-initial]").textContent = initialOf(word.author);
    part("[data-initial]").classList.toggle("avatar--guest", word.is_guest);
    part("[data-author] bdi").textContent = word.author;
    const badge = roleBadge(root, word.role);
    part("[data-role]").replaceChildren(...(badge ? [badge] : []));
    part("[data-message-acts-row]").remove();
    showText(part("[data-text]"), word.text);
    /** @type {HTMLTimeElement} */ (row.querySelector("time")).dateTime = word.sent_at;
    log.append(row);
    log.dispatchEvent(new CustomEvent("foyer:added", { bubbles: true }));
    const empty = find("[data-backchannel-empty]");
    if (empty) {
      empty.hidden = true;
    }
    toEnd();
  }

  function toEnd() {
    const scroller = find("[data-backchannel-scroll]");
    if (scroller) {
      scroller.scrollTop = scroller.scrollHeight;
    }
  }

  function showUnread() {
    const panel = find("#backchannel");
    if (panel && !panel.hidden) {
      unread = 0;
    }
    const badge = find("[data-backchannel-unread]");
    if (badge) {
      badge.hidden = unread === 0;
      badge.textContent = unread > 99 ? "99+" : String(unread);
    }
  }

  return {
    name: "backchannel",
    enter(root) {
      root.querySelector("#backchannel")?.addEventListener("tabs:shown", () => {
        showUnread();
        toEnd();
      });
      const form = /** @type {HTMLFormElement | null} */ (root.querySelector("form[data-act='backchannel.say']"));
      form?.querySelector("textarea")?.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          form.requestSubmit();
        }
      });
      form?.addEventListener("act:done", (event) => add(/** @type {CustomEvent} */ (event).detail.result));
    },
    state(parts) {
      for (const word of parts.team ?? []) {
        add(word);
      }
    },
    change(change) {
      if (change.said) {
        if (change.said.author_id !== room.root()?.dataset.me) {
          unread += 1;
        }
        add(change.said);
        showUnread();
      }
    },
  };
}
