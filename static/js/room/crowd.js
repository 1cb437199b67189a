// @ts-check
/**
 * The people of the room as a topic: the menu of a person (`template[data-person-acts]`), reactions, and a search in the list and, for the
 * team, among all who are here. The list itself comes by its own frame (`people.js`), one's own hand is a topic (`hand.js`).
 */

import { RowMenus } from "./menus.js";
import { showFound, showMore } from "./people.js";

const TYPING = 300; // milliseconds

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
      void acts[/** @type {keyof typeof acts} */ (wish.dataset.do)]?.().then(() => "found" in row.dataset && search(0));
    }
  }

  /** What the server has found for the words in the field, or for those before. @type {import("./people.js").People | null} */
  let found = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let searching;

  const field = () => /** @type {HTMLInputElement | null} */ (find("[data-people-search]"));
  const unshown = () => Number(find("[data-people-more]")?.dataset.unshown ?? 0);

  /** @param {HTMLElement} root */
  function filter(root) {
    const words = (field()?.value ?? "").toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const rows = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-person]"));
    for (const row of rows) {
      const name = row.querySelector("[data-name]")?.textContent?.toLocaleLowerCase() ?? "";
      row.hidden = !words.every((word) => name.includes(word)) && !found?.shown.some((each) => each.id === row.dataset.person);
    }
    showMore(root, found ? found.total - [...rows].filter((row) => !row.hidden).length : unshown());
  }

  /** Those whom the list does not show are looked for by the server. @param {number} [after] milliseconds */
  function search(after = TYPING) {
    const root = room.root();
    const typed = field()?.value.trim() ?? "";
    clearTimeout(searching);
    if (!root) {
      return;
    }
    if (typed && unshown() > 0 && field()?.dataset.peopleFind !== undefined) {
      searching = setTimeout(() => look(root, typed), after);
      filter(root);
    } else {
      take(root, null);
    }
  }

  /** @param {HTMLElement} root @param {string} typed */
  async function look(root, typed) {
    const answer = await room.act("people.find", { name: typed }).catch(() => null);
    if (room.root() === root && field()?.value.trim() === typed) {
      take(root, answer);
    }
  }

  /** @param {HTMLElement} root @param {import("./people.js").People | null} answer */
  function take(root, answer) {
    found = answer;
    showFound(root, answer?.shown ?? []);
    filter(root);
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
      found = null;
      root.querySelector("[data-people-search]")?.addEventListener("input", () => search());
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
