// @ts-check
/**
 * The people of the room as a topic: the menu of a person (`template[data-person-acts]`), one's own hand, reactions, and a search in the
 * list. The list itself comes by its own frame (`people.js`).
 */

import { place } from "./place.js";

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function crowd(room) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (room.root()?.querySelector(name) ?? null);

  /** @param {string} verb @param {Record<string, any>} values */
  async function act(verb, values) {
    try {
      await room.act(verb, values);
    } catch (error) {
      const text = (error instanceof Error && error.message) || document.getElementById("toasts")?.dataset.textError || "";
      document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text } }));
    }
  }

  /** @param {HTMLElement} row @param {HTMLElement} opener */
  function openMenu(row, opener) {
    const isOpen = opener.getAttribute("aria-expanded") === "true";
    closeMenus();
    const pattern = /** @type {HTMLTemplateElement | null} */ (find("template[data-person-acts]"));
    if (isOpen || !pattern) {
      return;
    }
    const menu = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
    for (const item of menu.querySelectorAll("[data-unless-role]")) {
      if (/** @type {HTMLElement} */ (item).dataset.unlessRole === row.dataset.role) {
        item.remove();
      }
    }
    for (const [name, is] of /** @type {[string, boolean][]} */ ([["muted", row.dataset.muted === "true"], ["heard", row.dataset.muted !== "true"], ["hand", Boolean(row.dataset.hand)]])) {
      if (!is) {
        menu.querySelector(`[data-only="${name}"]`)?.remove();
      }
    }
    opener.setAttribute("aria-expanded", "true");
    opener.after(menu);
    place(menu);
    /** @type {HTMLElement | null} */ (menu.querySelector("button"))?.focus({ preventScroll: true });
  }

  /** @param {boolean} [isFocusWanted] */
  function closeMenus(isFocusWanted = false) {
    for (const opener of room.root()?.querySelectorAll("[data-person-menu][aria-expanded='true']") ?? []) {
      opener.setAttribute("aria-expanded", "false");
      opener.parentElement?.querySelector(".message__menu")?.remove();
      if (isFocusWanted) {
        /** @type {HTMLElement} */ (opener).focus();
      }
    }
  }

  /** @param {Event} event */
  function onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-person]"));
    const opener = target.closest("[data-person-menu]");
    const wish = /** @type {HTMLElement | null} */ (target.closest("[data-do]"));
    if (row && opener instanceof HTMLElement) {
      openMenu(row, opener);
    } else if (row && wish) {
      closeMenus(true);
      const id = row.dataset.person;
      const acts = {
        role: () => act("people.role", { id, role: wish.dataset.role }),
        mute: () => act("people.mute", { id, is_muted: true }),
        unmute: () => act("people.mute", { id, is_muted: false }),
        lower: () => act("people.lower", { id }),
        remove: () => act("people.remove", { id }),
      };
      void acts[/** @type {keyof typeof acts} */ (wish.dataset.do)]?.();
    } else if (!target.closest(".message__menu")) {
      closeMenus();
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
      root.querySelector("#people")?.addEventListener("click", onClick);
      root.addEventListener("focusin", (event) => {
        if (!(/** @type {Element} */ (event.target).closest("[data-person-menu], .message__menu"))) {
          closeMenus();
        }
      });
      root.querySelector("#people")?.addEventListener("keydown", (event) => {
        if (/** @type {KeyboardEvent} */ (event).key === "Escape") {
          closeMenus(true);
        }
      });
      root.querySelector("[data-people-search]")?.addEventListener("input", () => filter(root));
      root.addEventListener("people:shown", (event) => {
        filter(root);
        const me = /** @type {CustomEvent} */ (event).detail.shown.find((/** @type {any} */ each) => each.id === root.dataset.me);
        find("[data-hand-button]")?.setAttribute("aria-pressed", String(Boolean(me?.hand_raised_at)));
        showHands(/** @type {CustomEvent} */ (event).detail.shown.filter((/** @type {any} */ each) => each.hand_raised_at).length);
      });
      showHands(root.querySelectorAll("[data-person] [data-hand]:not([hidden])").length);
      const hand = find("[data-hand-button]");
      hand?.addEventListener("click", () => {
        const isRaised = hand.getAttribute("aria-pressed") !== "true";
        hand.setAttribute("aria-pressed", String(isRaised));
        void act("people.hand", { is_raised: isRaised });
      });
      for (const button of root.querySelectorAll("[data-reaction]")) {
        button.addEventListener("click", () => act("people.react", { reaction: /** @type {HTMLElement} */ (button).dataset.reaction }));
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
