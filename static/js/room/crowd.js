// @ts-check
/**
 * The people of the room as a topic: the menu of a person (`template[data-person-acts]`), reactions, and a search in the list. The list
 * itself comes by its own frame (`people.js`), one's own hand is a topic (`hand.js`).
 */

import { RowMenus } from "./menus.js";

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function crowd(room) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (room.root()?.querySelector(name) ?? null);

  const menus = new RowMenus(room, {
    opener: "[data-person-menu]",
    pattern: "template[data-person-acts]",
    tailor(menu, row) {
      const isMuted = row.dataset.muted === "true";
      const fits = { muted: isMuted, heard: !isMuted, hand: Boolean(row.dataset.hand) };
      for (const item of /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[data-do]"))) {
        const { unlessRole, only } = item.dataset;
        if ((unlessRole && unlessRole === row.dataset.role) || (only && !fits[/** @type {keyof typeof fits} */ (only)])) {
          item.remove();
        }
      }
    },
  });

  /** What cannot be taken back is asked for a second time, in the place of the menu. @param {HTMLElement} menu */
  function ask(menu) {
    for (const item of /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll(".menu__item"))) {
      item.hidden = true;
    }
    const question = /** @type {HTMLElement} */ (menu.querySelector("[data-ask]"));
    question.hidden = false;
    /** @type {HTMLElement} */ (question.querySelector("[data-do='keep']")).focus();
  }

  /** @param {Event} event */
  function onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-person]"));
    const opener = target.closest("[data-person-menu]");
    const wish = /** @type {HTMLElement | null} */ (target.closest("[data-do]"));
    if (row && opener instanceof HTMLElement) {
      menus.toggle(row, opener);
    } else if (row && wish?.dataset.do === "ask") {
      ask(/** @type {HTMLElement} */ (wish.closest(".message__menu")));
    } else if (row && wish) {
      menus.close(true);
      const id = row.dataset.person;
      const acts = {
        role: () => room.attempt("people.role", { id, role: wish.dataset.role }),
        mute: () => room.attempt("people.mute", { id, is_muted: true }),
        unmute: () => room.attempt("people.mute", { id, is_muted: false }),
        lower: () => room.attempt("people.lower", { id }),
        remove: () => room.attempt("people.remove", { id }),
      };
      void acts[/** @type {keyof typeof acts} */ (wish.dataset.do)]?.();
    }
  }

  /** @param {HTMLElement} root */
  function filter(root) {
    const words = (/** @type {HTMLInputElement | null} */ (root.querySelector("[data-people-search]"))?.value ?? "").toLocaleLowerCase().split(/\s+/).filter(Boolean);
    for (const row of root.querySelectorAll("[data-person]")) {
      const name = row.querySelector("[data-name]")?.textContent?.toLocaleLowerCase() ?? "";
      /** @type {HTMLElement} */ (row).hidden = !words.every((word) => name.includes(word));
    }
  }

  /** Those who run the session see them from every tab. @param {number} total */
  function showHands(total) {
    const badge = find("[data-hands]");
    const place = find("[data-hands-total]");
    if (badge && place) {
      badge.hidden = total === 0;
      place.textContent = String(total);
    }
  }

  /** @param {string} reaction @param {number} count */
  function show(reaction, count) {
    const place = find("[data-reactions-shown]");
    const button = find(`[data-reaction="${CSS.escape(reaction)}"]`);
    if (!place || !button) {
      return;
    }
    const sign = document.createElement("span");
    sign.className = "reaction";
    const icon = button.querySelector("svg")?.cloneNode(true);
    sign.append(...(icon ? [icon] : []), count > 1 ? String(count) : "");
    place.append(sign);
    setTimeout(() => sign.remove(), 4000);
    while (place.childElementCount > 12) {
      place.firstElementChild?.remove();
    }
  }

  return {
    name: "reactions",
    enter(root) {
      const people = root.querySelector("#people");
      people?.addEventListener("click", onClick);
      menus.enter(root, people);
      root.querySelector("[data-people-search]")?.addEventListener("input", () => filter(root));
      root.addEventListener("people:shown", (event) => {
        filter(root);
        showHands(/** @type {CustomEvent} */ (event).detail.shown.filter((/** @type {any} */ each) => each.hand_raised_at).length);
      });
      showHands(root.querySelectorAll("[data-person] [data-hand]:not([hidden])").length);
      for (const button of root.querySelectorAll("[data-reaction]")) {
        button.addEventListener("click", () => room.attempt("people.react", { reaction: /** @type {HTMLElement} */ (button).dataset.reaction }));
      }
      for (const live of root.querySelectorAll("[data-needs-script]")) {
        /** @type {HTMLElement} */ (live).hidden = false;
      }
    },
    state() {},
    change(change) {
      for (const [reaction, count] of Object.entries(change)) {
        show(reaction, Number(count));
      }
    },
  };
}
