// @ts-check
/** The list of who is here, from a frame: `{total, shown: [{id, name, role, is_guest}]}`. Names are only ever text. */

/** @param {HTMLElement} root @param {string} role @returns {Node | null} */
export function roleBadge(root, role) {
  const patterns = /** @type {HTMLTemplateElement | null} */ (root.querySelector("template[data-role-patterns]"));
  const badge = patterns?.content.querySelector(`[data-role="${CSS.escape(role)}"]`)?.firstElementChild;
  return badge ? document.importNode(badge, true) : null;
}

/** @param {string} name */
export function initialOf(name) {
  return ([...name.trim()][0] ?? "").toUpperCase();
}

/** @param {HTMLElement | null} root @param {{total: number, shown: {id: string, name: string, role: string, is_guest: boolean, is_proven: boolean, is_muted: boolean, hand_raised_at: string}[]}} people */
export function showPeople(root, people) {
  const pattern = /** @type {HTMLTemplateElement | null} */ (root?.querySelector("template[data-person-pattern]"));
  if (!root || !pattern) {
    return;
  }
  const doors = root.dataset.doors;
  const isInTeam = (/** @type {string} */ role) => role === "host" || (doors === "open" && role !== "viewer") || (doors === "speakers" && role === "speaker");
  /** @type {Record<string, Node[]>} */
  const groups = { team: [], others: [] };
  const held = holdMenu(root);
  const inOrder = [...people.shown].sort((one, other) => Number(other.hand_raised_at !== "") - Number(one.hand_raised_at !== "") || one.hand_raised_at.localeCompare(other.hand_raised_at));
  for (const person of inOrder) {
    const row = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(name));
    row.dataset.person = person.id;
    find("[data-name]").textContent = person.name;
    find("[data-initial]").textContent = initialOf(person.name);
    find("[data-initial]").classList.toggle("avatar--guest", person.is_guest);
    find("[data-you]").hidden = person.id !== root.dataset.me;
    find("[data-guest]").hidden = !person.is_guest;
    find("[data-member]").hidden = person.is_guest;
    find("[data-proven]").hidden = !person.is_proven;
    find("[data-unproven]").hidden = person.is_proven;
    find("[data-muted]").hidden = !person.is_muted;
    find("[data-hand]").hidden = !person.hand_raised_at;
    row.dataset.role = person.role;
    row.dataset.muted = person.is_muted ? "true" : "";
    row.dataset.hand = person.hand_raised_at;
    const more = /** @type {HTMLElement | null} */ (row.querySelector("[data-person-menu]"));
    if (more) {
      more.hidden = person.id === root.dataset.me || person.role === "host";
    }
    const badge = roleBadge(root, person.role);
    find("[data-role]").replaceChildren(...(badge ? [badge] : []));
    groups[isInTeam(person.role) ? "team" : "others"].push(row);
  }
  for (const [name, rows] of Object.entries(groups)) {
    root.querySelector(`[data-group="${name}"]`)?.replaceChildren(...rows);
    const title = /** @type {HTMLElement | null} */ (root.querySelector(`[data-group-title="${name}"]`));
    if (title) {
      title.hidden = rows.length === 0;
    }
  }
  held.restore();
  root.dispatchEvent(new CustomEvent("people:shown", { bubbles: true, detail: people }));
  for (const total of root.querySelectorAll("[data-people-total]")) {
    total.textContent = String(people.total);
  }
  const more = /** @type {HTMLElement | null} */ (root.querySelector("[data-people-more]"));
  if (more) {
    const unshown = people.total - people.shown.length;
    more.hidden = unshown <= 0;
    more.textContent = (more.dataset.text ?? "").replace("%s", String(unshown));
  }
}

/** The list is written anew under somebody's hand: an open menu, and the focus, stay with their person. @param {HTMLElement} root */
function holdMenu(root) {
  const menu = root.querySelector(".people .message__menu");
  const rowOf = (/** @type {Element | null} */ node) => /** @type {HTMLElement | null} */ (node?.closest("[data-person]") ?? null)?.dataset.person ?? "";
  const id = rowOf(menu);
  const focused = document.activeElement instanceof HTMLElement && root.querySelector(".people")?.contains(document.activeElement) ? document.activeElement : null;
  const focusedId = rowOf(focused);
  return {
    restore() {
      const again = (/** @type {string} */ wanted) => /** @type {HTMLElement | null} */ (wanted ? root.querySelector(`[data-person="${CSS.escape(wanted)}"] [data-person-menu]`) : null);
      const opener = again(id);
      if (menu && opener) {
        opener.setAttribute("aria-expanded", "true");
        opener.after(menu);
      }
      if (focused?.isConnected) {
        focused.focus({ preventScroll: true });
      } else {
        again(focusedId)?.focus({ preventScroll: true });
      }
    },
  };
}
