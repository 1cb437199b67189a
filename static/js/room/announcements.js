// @ts-check
/** Announcements: sentences above the room. Their pattern is `templates/rooms/_announcement.html`. */

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function announcements(room) {
  /** @returns {HTMLElement | null} */
  const list = () => room.root()?.querySelector("[data-announcements]") ?? null;

  /** @param {{id: string, text: string, author: string}} announcement */
  function add(announcement) {
    const pattern = /** @type {HTMLTemplateElement | null} */ (room.root()?.querySelector("template[data-announcement-pattern]") ?? null);
    if (!pattern || find(announcement.id)) {
      return;
    }
    const row = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
    row.dataset.announcement = announcement.id;
    /** @type {HTMLElement} */ (row.querySelector("[data-text]")).textContent = announcement.text;
    /** @type {HTMLElement} */ (row.querySelector("[data-author]")).textContent = announcement.author;
    const id = /** @type {HTMLInputElement | null} */ (row.querySelector("input[name='id']"));
    if (id) {
      id.value = announcement.id;
    }
    list()?.append(row);
  }

  /** @param {string} id @returns {HTMLElement | null} */
  function find(id) {
    return list()?.querySelector(`[data-announcement="${CSS.escape(id)}"]`) ?? null;
  }

  return {
    name: "announcements",
    enter() {},
    state(parts) {
      const standing = /** @type {{id: string, text: string, author: string}[]} */ (parts.shared ?? []);
      for (const row of list()?.children ?? []) {
        if (!standing.some((each) => each.id === /** @type {HTMLElement} */ (row).dataset.announcement)) {
          row.remove();
        }
      }
      standing.forEach(add);
    },
    change(change) {
      if (change.made) {
        add(change.made);
      }
      if (change.ended) {
        find(change.ended)?.remove();
      }
    },
  };
}
