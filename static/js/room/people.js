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

/**
 * @typedef {{id: string, name: string, role: string, is_guest: boolean, is_proven: boolean, is_muted: boolean, hand_raised_at: string}} Someone
 * @typedef {{total: number, shown: Someone[]}} People
 */

/** @param {HTMLElement | null} root @param {People} people */
export function showPeople(root, people) {
  if (!root?.querySelector("template[data-person-pattern]")) {
    return;
  }
  /** @type {Record<string, Node[]>} */
  const groups = { team: [], others: [] };
  const held = holdMenu(root);
  const inOrder = [...people.shown].sort((one, other) => Number(other.hand_raised_at !== "") - Number(one.hand_raised_at !== "") || one.hand_raised_at.localeCompare(other.hand_raised_at));
  for (const person of inOrder) {
    groups[groupOf(root, person)].push(rowOf(root, person));
  }
  const unshown = Math.max(people.total - people.shown.length, 0);
  for (const row of unshown ? root.querySelectorAll("[data-found]") : []) {
    if (!people.shown.some((each) => each.id === /** @type {HTMLElement} */ (row).dataset.person)) {
      groups[/** @type {HTMLElement | null} */ (row.closest("[data-group]"))?.dataset.group ?? "others"].push(row); // as it is: a menu may be open
    }
  }
  for (const [name, rows] of Object.entries(groups)) {
    root.querySelector(`[data-group="${name}"]`)?.replaceChildren(...rows);
  }
  titleGroups(root);
  held.restore();
  for (const total of root.querySelectorAll("[data-people-total]")) {
    total.textContent = String(people.total);
  }
  const more = /** @type {HTMLElement | null} */ (root.querySelector("[data-people-more]"));
  if (more) {
    more.dataset.unshown = String(unshown);
  }
  showMore(root, unshown);
  root.dispatchEvent(new CustomEvent("people:shown", { bubbles: true, detail: people }));
}

/** Besides those in the list, show these: a search has found them among all who are here. @param {HTMLElement} root @param {Someone[]} found */
export function showFound(root, found) {
  const held = holdMenu(root);
  for (const row of root.querySelectorAll("[data-found]")) {
    row.remove();
  }
  for (const person of found) {
    if (!root.querySelector(`.people [data-person="${CSS.escape(person.id)}"]`)) {
      const row = rowOf(root, person);
      row.dataset.found = "";
      root.querySelector(`[data-group="${groupOf(root, person)}"]`)?.append(row);
    }
  }
  titleGroups(root);
  held.restore();
}

/** How many more there are than are shown. @param {HTMLElement} root @param {number} number */
export function showMore(root, number) {
  const more = /** @type {HTMLElement | null} */ (root.querySelector("[data-people-more]"));
  if (more) {
    more.hidden = number <= 0;
    more.textContent = (more.dataset.text ?? "").replace("%s", String(number));
  }
}

/** @param {HTMLElement} root */
function titleGroups(root) {
  for (const group of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-group]"))) {
    const title = /** @type {HTMLElement | null} */ (root.querySelector(`[data-group-title="${group.dataset.group}"]`));
    if (title) {
      title.hidden = group.childElementCount === 0;
    }
  }
}

/** @param {HTMLElement} root @param {Someone} person */
function groupOf(root, { role }) {
  const { doors } = root.dataset;
  return role === "host" || (doors === "open" && role !== "viewer") || (doors === "speakers" && role === "speaker") ? "team" : "others";
}

/** @param {HTMLElement} root @param {Someone} person */
function rowOf(root, person) {
  const pattern = /** @type {HTMLTemplateElement} */ (root.querySelector("template[data-person-pattern]"));
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
  return row;
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
