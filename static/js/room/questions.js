// @ts-check
/** Questions: a list for everybody, a queue for the team, one's own. Rows follow `templates/rooms/_question.html`. */

import { showText } from "./text.js";

/** @typedef {{id: string, text: string, asker: string, votes: number, answer: string, answered_by: string, state?: string, is_public?: boolean, claimed_by?: string}} Question */

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function questions(room) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (room.root()?.querySelector(name) ?? null);
  const listOf = (/** @type {string} */ name) => find(`[data-question-list="${name}"]`);
  /** @type {Set<string>} */
  let voted = new Set();
  /** @type {Set<string>} the same question may be told to the team and to everybody */
  const unread = new Set();

  /** @param {string} list @param {string} id @returns {HTMLElement | null} */
  function rowOf(list, id) {
    return listOf(list)?.querySelector(`[data-question="${CSS.escape(id)}"]`) ?? null;
  }

  /** @param {string} list @param {Question} question */
  function show(list, question) {
    const place = listOf(list);
    const pattern = /** @type {HTMLTemplateElement | null} */ (find(`template[data-question-pattern="${list}"]`));
    if (!place || !pattern) {
      return;
    }
    let row = rowOf(list, question.id);
    if (!row) {
      row = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
      row.dataset.question = question.id;
      for (const field of row.querySelectorAll("input[name='id']")) {
        /** @type {HTMLInputElement} */ (field).value = question.id;
      }
      place.append(row);
    }
    fill(row, question);
    tidy();
  }

  /** @param {HTMLElement} row @param {Question} question */
  function fill(row, question) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (row.querySelector(name));
    /** @param {string} name @param {string} text */
    const set = (name, text) => {
      const place = part(name);
      if (place) {
        place.textContent = text;
      }
    };
    row.dataset.state = question.state ?? "";
    set("[data-asker]", question.asker);
    showText(/** @type {HTMLElement} */ (part("[data-text]")), question.text);
    showText(/** @type {HTMLElement} */ (part("[data-answer-text]")), question.answer);
    set("[data-answered-by]", question.answered_by);
    set("[data-claimed-by]", question.claimed_by ?? "");
    set("[data-votes]", String(question.votes));
    const field = /** @type {HTMLTextAreaElement | null} */ (part("[data-answer-field]"));
    if (field && !field.value && document.activeElement !== field) {
      field.value = question.answer;
    }
    /** @type {Record<string, boolean>} */
    const is = { answered: question.state === "answered", dismissed: question.state === "dismissed", kept: question.state !== "dismissed", public: Boolean(question.is_public), private: !question.is_public, claimed: Boolean(question.claimed_by), unclaimed: !question.claimed_by };
    for (const each of row.querySelectorAll("[data-only], [data-badge]")) {
      const { only, badge } = /** @type {HTMLElement} */ (each).dataset;
      /** @type {HTMLElement} */ (each).hidden = !is[only ?? badge ?? ""];
    }
    for (const [name, isShown] of /** @type {[string, boolean][]} */ ([["[data-answer]", question.answer !== ""], ["[data-claimed]", is.claimed]])) {
      const place = part(name);
      if (place) {
        place.hidden = !isShown;
      }
    }
    part("[data-vote]")?.setAttribute("aria-pressed", String(voted.has(question.id)));
  }

  function tidy() {
    for (const name of ["team", "public"]) {
      const empty = find(`[data-empty="${name}"]`);
      if (empty) {
        empty.hidden = (listOf(name)?.childElementCount ?? 0) > 0;
      }
    }
    const own = find("[data-own]");
    if (own) {
      own.hidden = (listOf("own")?.childElementCount ?? 0) === 0;
    }
    const open = find("[data-questions-open]");
    if (open) {
      const count = listOf("team")?.querySelectorAll('[data-state="open"]').length ?? 0;
      open.textContent = count ? String(count) : "";
    }
  }

  /** @param {string} list @param {Question[]} all */
  function replace(list, all) {
    const place = listOf(list);
    const ids = new Set(all.map((each) => each.id));
    for (const row of [...(place?.children ?? [])]) {
      if (!ids.has(/** @type {HTMLElement} */ (row).dataset.question ?? "")) {
        row.remove();
      }
    }
    for (const question of all) {
      show(list, question);
    }
    tidy();
  }

  /** @param {boolean} isAllowed */
  function allowPublic(isAllowed) {
    const box = find("[data-public-box]");
    if (box && !listOf("team")) {
      box.hidden = !isAllowed;
    }
    const field = /** @type {HTMLInputElement | null} */ (find("[data-allows-public]"));
    if (field) {
      field.checked = isAllowed;
    }
  }

  /** @param {string} id of a question that has come, or has been answered */
  function noteUnread(id) {
    const panel = find("#questions");
    if (panel && !panel.hidden) {
      unread.clear();
    } else {
      unread.add(id);
    }
    showUnread();
  }

  function showUnread() {
    const badge = find("[data-questions-unread]");
    if (badge) {
      badge.hidden = unread.size === 0;
      badge.textContent = unread.size > 99 ? "99+" : String(unread.size);
    }
  }

  return {
    name: "questions",
    enter(root) {
      root.querySelector("#questions")?.addEventListener("tabs:shown", () => {
        unread.clear();
        showUnread();
      });
      root.querySelector("[data-questions]")?.addEventListener("submit", async (event) => {
        const form = /** @type {HTMLFormElement} */ (event.target);
        if (!form.matches("[data-question-vote]")) {
          return;
        }
        event.preventDefault();
        const id = /** @type {HTMLInputElement} */ (form.elements.namedItem("id")).value;
        const isWanted = !voted.has(id);
        voted[isWanted ? "add" : "delete"](id);
        form.querySelector("[data-vote]")?.setAttribute("aria-pressed", String(isWanted));
        try {
          await room.act("questions.vote", { id, is_wanted: isWanted });
        } catch (error) {
          document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text: error instanceof Error ? error.message : "" } }));
        }
      });
      root.querySelector("[data-allows-public]")?.addEventListener("change", (event) => /** @type {HTMLInputElement} */ (event.target).form?.requestSubmit());
      root.querySelector("form[data-act='questions.ask']")?.addEventListener("act:done", (event) => show("own", /** @type {CustomEvent} */ (event).detail.result));
      root.querySelector("[data-questions]")?.addEventListener("act:done", (event) => {
        const details = /** @type {Element} */ (event.target).closest("details");
        if (details) {
          details.open = false;
        }
      });
      tidy();
    },
    state(parts) {
      voted = new Set(parts.own?.voted ?? []);
      replace("public", parts.shared ?? []);
      replace("team", parts.team ?? []);
      replace("own", parts.own?.asked ?? []);
    },
    change(change) {
      if (change.question) {
        show("public", change.question);
        noteUnread(change.question.id);
      }
      if (change.queued) {
        const isNew = !rowOf("team", change.queued.id);
        show("team", change.queued);
        if (isNew) {
          noteUnread(change.queued.id);
        }
      }
      if (change.own) {
        show("own", change.own);
      }
      if (change.gone) {
        rowOf("public", change.gone)?.remove();
        unread.delete(change.gone);
        showUnread();
        tidy();
      }
      if (change.allows_public !== undefined) {
        allowPublic(change.allows_public);
      }
      for (const [id, votes] of Object.entries(change.votes ?? {})) {
        for (const list of ["public", "team"]) {
          const place = rowOf(list, id)?.querySelector("[data-votes]");
          if (place) {
            place.textContent = String(votes);
          }
        }
      }
    },
  };
}
