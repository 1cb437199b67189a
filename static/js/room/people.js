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

/** @param {HTMLElement | null} root @param {{total: number, shown: {id: string, name: string, role: string, is_guest: boolean}[]}} people */
export function showPeople(root, people) {
  const pattern = /** @type {HTMLTemplateElement | null} */ (root?.querySelector("template[data-person-pattern]"));
  if (!root || !pattern) {
    return;
  }
  const isOpen = root.dataset.doors === "open";
  /** @type {Record<string, Node[]>} */
  const groups = { team: [], others: [] };
  for (const person of people.shown) {
    const row = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(name));
    row.dataset.person = person.id;
    find("[data-name]").textContent = person.name;
    find("[data-initial]").textContent = initialOf(person.name);
    find("[data-initial]").classList.toggle("avatar--guest", person.is_guest);
    find("[data-you]").hidden = person.id !== root.dataset.me;
    find("[data-guest]").hidden = !person.is_guest;
    const badge = roleBadge(root, person.role);
    find("[data-role]").replaceChildren(...(badge ? [badge] : []));
    groups[person.role === "host" || (isOpen && person.role !== "viewer") ? "team" : "others"].push(row);
  }
  for (const [name, rows] of Object.entries(groups)) {
    root.querySelector(`[data-group="${name}"]`)?.replaceChildren(...rows);
    const title = /** @type {HTMLElement | null} */ (root.querySelector(`[data-group-title="${name}"]`));
    if (title) {
      title.hidden = rows.length === 0;
    }
  }
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
