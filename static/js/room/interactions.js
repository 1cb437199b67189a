// @ts-check
/**
 * Polls, ratings, open questions, quizzes. A card follows `templates/rooms/_interaction.html`: parts marked `data-when` are shown while what
 * they name holds. Moderators see their own list (drafts, results, right answers), everybody else what is for everybody.
 */

import { showText } from "./text.js";

const TEXTS_KEPT = 100;
const FEWEST_ROWS = 3;

/**
 * @typedef {{key: number, votes: number, percent: number}} Bar
 * @typedef {{voters: number, bars: Bar[], average: number | null, texts: {key: number, text: string, is_hidden?: boolean}[]}} Results
 * @typedef {{choices: number[], rating: number | null, text: string}} Own
 * @typedef {{id: string, kind: string, question: string, state: string, most: number, highest: number, choices: {id: number, text: string}[], is_shared: boolean, right: number[], results: Results | null}} Interaction
 */

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function interactions(room) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement | null} */ (room.root()?.querySelector(name) ?? null);
  /** @type {Map<string, Interaction>} what everybody may know */
  let shared = new Map();
  /** @type {Map<string, Interaction> | null} what moderators know; nothing for anybody else */
  let managed = null;
  /** @type {Map<string, Own>} */
  let own = new Map();
  /** @type {Set<string>} whose form is open again */
  const changing = new Set();
  /** @type {Set<string>} what was said already */
  const told = new Set();
  let isFirst = true;
  /** @type {Map<string, [string, string, boolean][]>} half-given answers, and a half-written draft, while the page's part is renewed */
  const unfinished = new Map();

  // Seen by nobody, and never hidden with a panel: what has started is heard once, whatever is read.
  const spoken = document.createElement("div");
  spoken.className = "visually-hidden";
  spoken.role = "status";
  document.body.append(spoken);

  const panel = () => find("[data-interactions]");
  const list = () => find("[data-interaction-list]");
  const composer = () => /** @type {HTMLDetailsElement | null} */ (find("[data-poll-composer]"));
  const known = () => managed ?? shared;
  /** @param {string} name @returns {HTMLElement} */
  const made = (name) => /** @type {HTMLElement} */ (document.importNode(/** @type {HTMLTemplateElement} */ (find(`template[data-pattern="${name}"]`)).content, true).firstElementChild);
  /** @param {string} id @returns {HTMLElement | null} */
  const cardOf = (id) => list()?.querySelector(`[data-interaction="${CSS.escape(id)}"]`) ?? null;
  const isWaiting = (/** @type {Interaction} */ each) => each.state === "running" && !own.has(each.id);

  // --- Cards

  /** All of them, in their order: what runs, drafts, what is over; the newest of each first. */
  function showAll() {
    const place = list();
    if (!place) {
      return;
    }
    for (const row of [...place.children]) {
      if (!known().has(/** @type {HTMLElement} */ (row).dataset.interaction ?? "")) {
        row.remove();
      }
    }
    const ranks = ["running", "draft", "closed"];
    const inOrder = [...known().values()].sort((one, other) => ranks.indexOf(one.state) - ranks.indexOf(other.state));
    inOrder.forEach((interaction, at) => {
      const card = show(interaction);
      if (place.children[at] !== card) {
        place.insertBefore(card, place.children[at] ?? null);
      }
    });
    const empty = find("[data-interactions-empty]");
    if (empty) {
      empty.hidden = known().size > 0;
    }
    showWaiting();
  }

  /** @param {Interaction} interaction @returns {HTMLElement} */
  function show(interaction) {
    let card = cardOf(interaction.id);
    if (!card) {
      const pattern = /** @type {HTMLTemplateElement} */ (find("template[data-interaction-pattern]"));
      card = /** @type {HTMLElement} */ (document.importNode(pattern.content, true).firstElementChild);
      card.dataset.interaction = interaction.id;
      for (const field of card.querySelectorAll("input[name='id']")) {
        /** @type {HTMLInputElement} */ (field).value = interaction.id;
      }
    }
    fill(card, interaction);
    return card;
  }

  /** @param {HTMLElement} card @param {Interaction} interaction */
  function fill(card, interaction) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (card.querySelector(name));
    const { kind, state, results } = interaction;
    const mine = own.get(interaction.id);
    card.dataset.state = state;
    card.dataset.kind = kind;
    part("[data-kind-name]").textContent = panel()?.getAttribute(`data-text-${kind}`) ?? "";
    for (const place of card.querySelectorAll("[data-question]")) {
      place.textContent = interaction.question;
    }
    /** @type {Record<string, boolean>} */
    const is = {
      draft: state === "draft",
      running: state === "running",
      closed: state === "closed",
      shared: interaction.is_shared,
      unshared: state !== "draft" && !interaction.is_shared,
      drafted: state === "draft" && interaction.choices.length > 0,
      answered: state === "running" && mine !== undefined && !changing.has(interaction.id),
      aside: state === "running" && managed !== null && !mine && !changing.has(interaction.id),
      changeable: kind !== "quiz",
      unshown: state === "closed" && !results,
      quiz: kind === "quiz",
      "open-end": kind !== "quiz",
    };
    const hadFocus = card.contains(document.activeElement);
    for (const each of card.querySelectorAll("[data-when]")) {
      /** @type {HTMLElement} */ (each).hidden = !is[/** @type {HTMLElement} */ (each).dataset.when ?? ""];
    }
    const edit = card.querySelector("[data-edit]");
    if (edit instanceof HTMLElement) {
      edit.hidden = state !== "draft";
    }
    showPreview(part("[data-preview]"), interaction);
    showForm(card, interaction);
    part("[data-results]").hidden = !results;
    if (results) {
      showResults(card, interaction, results);
    }
    if (hadFocus && document.activeElement instanceof HTMLElement && document.activeElement.closest("[hidden]")) {
      /** @type {HTMLElement} */ (card.querySelector("h3")).focus({ preventScroll: true }); // what had it is gone
    }
  }

  /** @param {HTMLElement} place @param {Interaction} interaction */
  function showPreview(place, interaction) {
    if (interaction.state === "draft") {
      place.replaceChildren(
        ...interaction.choices.map((choice) => {
          const row = document.createElement("li");
          row.dir = "auto";
          row.append(choice.text, ...(interaction.right.includes(choice.id) ? [" ", made("right")] : []));
          return row;
        }),
      );
    }
  }

  /** @param {HTMLElement} card @param {Interaction} interaction */
  function showForm(card, interaction) {
    const form = /** @type {HTMLFormElement} */ (card.querySelector("[data-vote-form]"));
    // Who moderates came to ask: their form is opened by them.
    form.hidden = interaction.state !== "running" || ((own.has(interaction.id) || managed !== null) && !changing.has(interaction.id));
    /** @type {HTMLElement} */ (form.querySelector("[data-keep]")).hidden = !changing.has(interaction.id) || !own.has(interaction.id);
    const place = /** @type {HTMLElement} */ (form.querySelector("[data-options]"));
    const several = /** @type {HTMLElement} */ (form.querySelector("[data-several]"));
    several.hidden = interaction.most < 2;
    several.textContent = (several.dataset.text ?? "").replace("%s", String(interaction.most));
    if (interaction.state !== "running" || place.childElementCount > 0) {
      return; // what somebody has ticked stays
    }
    place.className = interaction.kind === "rating" ? "scale" : "choices";
    if (interaction.kind === "open") {
      place.append(made("text"));
    } else if (interaction.kind === "rating") {
      place.append(...Array.from({ length: interaction.highest }, (_none, at) => optionOf("step", String(at + 1), String(at + 1))));
    } else {
      place.append(...interaction.choices.map((choice) => optionOf("option", String(choice.id), choice.text, interaction.most > 1)));
    }
    const kept = unfinished.get(interaction.id);
    if (kept) {
      restore(form, kept);
      unfinished.delete(interaction.id);
    } else {
      tick(form, own.get(interaction.id));
    }
  }

  /** @param {string} pattern @param {string} value @param {string} text @param {boolean} [isSeveral] */
  function optionOf(pattern, value, text, isSeveral = false) {
    const option = made(pattern);
    const input = /** @type {HTMLInputElement} */ (option.querySelector("input"));
    input.type = isSeveral ? "checkbox" : "radio";
    input.value = value;
    /** @type {HTMLElement} */ (option.querySelector("[data-text]")).textContent = text;
    return option;
  }

  /** @param {HTMLFormElement} form @param {Own | undefined} mine */
  function tick(form, mine) {
    for (const field of form.querySelectorAll("input:not([type='hidden'])")) {
      const box = /** @type {HTMLInputElement} */ (field);
      box.checked = mine !== undefined && (box.name === "rating" ? String(mine.rating) === box.value : mine.choices.map(String).includes(box.value));
    }
    const text = form.querySelector("textarea");
    if (text && mine) {
      text.value = mine.text;
    }
  }

  /** @param {HTMLElement} card @param {Interaction} interaction @param {Results} results */
  function showResults(card, interaction, results) {
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (card.querySelector(name));
    const mine = own.get(interaction.id);
    const place = part("[data-bars]");
    part("[data-bars-table]").hidden = interaction.kind === "open";
    if (place.childElementCount !== results.bars.length) {
      place.replaceChildren(...results.bars.map(() => made("bar")));
    }
    results.bars.forEach((bar, at) => {
      const row = /** @type {HTMLElement} */ (place.children[at]);
      const cell = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(name));
      cell("[data-text]").textContent = interaction.choices.find((choice) => choice.id === bar.key)?.text ?? String(bar.key);
      cell("[data-right]").hidden = !interaction.right.includes(bar.key);
      cell("[data-mine]").hidden = !(interaction.kind === "rating" ? mine?.rating === bar.key : mine?.choices.includes(bar.key));
      /** @type {HTMLProgressElement} */ (cell("[data-share]")).value = bar.percent;
      cell("[data-votes]").textContent = String(bar.votes);
      cell("[data-percent]").textContent = String(bar.percent);
    });
    const texts = part("[data-texts]");
    texts.hidden = results.texts.length === 0;
    const focused = texts.contains(document.activeElement) ? /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-key]"))?.dataset.key : undefined;
    texts.replaceChildren(
      ...results.texts.map((each) => {
        const row = made("answer");
        row.dataset.key = String(each.key);
        const text = /** @type {HTMLElement} */ (row.querySelector("[data-text]"));
        showText(text, each.text);
        text.classList.toggle("muted", Boolean(each.is_hidden));
        fillHiding(row, interaction.id, each.key, Boolean(each.is_hidden));
        return row;
      }),
    );
    if (focused) {
      /** @type {HTMLElement | null} */ (texts.querySelector(`[data-key="${focused}"] button`))?.focus();
    }
    const data = panel()?.dataset ?? {};
    const text = results.voters === 0 ? data.textNobody : results.voters === 1 ? data.textVoter : data.textVoters;
    part("[data-voters]").textContent = (text ?? "").replace("%s", String(results.voters));
    part("[data-average-line]").hidden = results.average === null;
    part("[data-average]").textContent = results.average === null ? "" : results.average.toLocaleString(document.documentElement.lang || undefined, { minimumFractionDigits: 1 });
  }

  /** @param {HTMLElement} row @param {string} id @param {number} answer @param {boolean} isHidden */
  function fillHiding(row, id, answer, isHidden) {
    /** @type {Record<string, string>} */
    const values = { id, answer: String(answer), is_hidden: String(!isHidden) };
    for (const field of row.querySelectorAll("form[data-act] input")) {
      const input = /** @type {HTMLInputElement} */ (field);
      input.value = values[input.name] ?? input.value;
    }
    for (const word of row.querySelectorAll("[data-word]")) {
      /** @type {HTMLElement} */ (word).hidden = (/** @type {HTMLElement} */ (word).dataset.word === "show") !== isHidden;
    }
  }

  // --- What waits

  function showWaiting() {
    const waiting = [...shared.values()].filter(isWaiting);
    const badge = find("[data-interactions-waiting]");
    if (badge) {
      badge.hidden = waiting.length === 0 || managed !== null;
      badge.textContent = String(waiting.length);
    }
    const call = find("[data-interaction-call]");
    if (call) {
      const isRead = panel()?.hidden === false;
      call.hidden = waiting.length === 0 || isRead || managed !== null;
      /** @type {HTMLElement} */ (call.querySelector("[data-call-question]")).textContent = waiting[0]?.question ?? "";
    }
  }

  /** @param {string} key @param {string} text @param {string} question */
  function tell(key, text, question) {
    if (!told.has(key)) {
      told.add(key);
      if (!isFirst) {
        spoken.textContent = text.replace("%s", question);
      }
    }
  }

  /** @param {Interaction} each */
  function tellOf(each) {
    if (each.state === "running") {
      tell(`${each.id} running`, panel()?.getAttribute(`data-text-started-${each.kind}`) ?? "", each.question);
    }
    if (each.is_shared) {
      tell(`${each.id} shared`, panel()?.dataset.textResults ?? "", each.question);
    }
  }

  // --- What changes

  /** @param {Interaction} interaction @param {Map<string, Interaction>} place */
  function put(interaction, place) {
    const isNew = !place.has(interaction.id);
    const others = [...place.entries()].filter(([id]) => id !== interaction.id);
    const entry = /** @type {[string, Interaction]} */ ([interaction.id, interaction]);
    // The newest comes first; what changes stays where it is, unless it has just begun or ended.
    if (isNew || place.get(interaction.id)?.state !== interaction.state) {
      others.unshift(entry);
      place.clear();
      others.forEach(([id, each]) => place.set(id, each));
    } else {
      place.set(interaction.id, interaction);
    }
  }

  /** @param {string} id @param {Results} results */
  function count(id, results) {
    for (const place of [shared, managed]) {
      const each = place?.get(id);
      if (each && each.state !== "draft" && (place === managed || each.is_shared)) {
        const keys = new Set(results.texts.map((text) => text.key));
        const texts = [...results.texts, ...(each.results?.texts ?? []).filter((text) => !keys.has(text.key))].slice(0, TEXTS_KEPT);
        each.results = { ...results, texts };
      }
    }
    const each = known().get(id);
    const card = cardOf(id);
    if (each && card) {
      fill(card, each);
    }
  }

  // --- The page's part is renewed

  /** @param {HTMLFormElement} form @returns {[string, string, boolean][]} */
  function halfDone(form) {
    return [...form.elements].flatMap((field) => {
      if (field instanceof HTMLInputElement && (field.type === "radio" || field.type === "checkbox")) {
        return [[field.name, field.value, field.checked]];
      }
      return (field instanceof HTMLInputElement && field.name !== "csrfmiddlewaretoken") || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement ? [[field.name, field.value, true]] : [];
    });
  }

  /** @param {HTMLFormElement} form @param {[string, string, boolean][]} kept */
  function restore(form, kept) {
    const left = [...kept];
    for (const field of form.elements) {
      if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement) || field.name === "csrfmiddlewaretoken") {
        continue;
      }
      const isBox = field instanceof HTMLInputElement && (field.type === "radio" || field.type === "checkbox");
      const at = left.findIndex(([name, value]) => name === field.name && (!isBox || value === field.value));
      if (at >= 0) {
        const [, value, isChecked] = left.splice(at, 1)[0];
        if (isBox) {
          field.checked = isChecked;
        } else {
          field.value = value;
        }
      }
    }
  }

  // --- Composing

  /** @returns {HTMLFormElement | null} */
  const draftForm = () => composer()?.querySelector("form") ?? null;

  function showKind() {
    const form = draftForm();
    const kind = /** @type {RadioNodeList | undefined} */ (form?.elements.namedItem("kind"))?.value ?? "poll";
    for (const each of form?.querySelectorAll("[data-for]") ?? []) {
      const place = /** @type {HTMLElement} */ (each);
      place.hidden = !(place.dataset.for ?? "").split(" ").includes(kind);
    }
  }

  /** @param {number} [atLeast] */
  function showRows(atLeast = FEWEST_ROWS) {
    const rows = /** @type {HTMLElement[]} */ ([...(draftForm()?.querySelectorAll("[data-answer-row]") ?? [])]);
    const used = rows.reduce((last, row, at) => (/** @type {HTMLInputElement} */ (row.querySelector(".input")).value ? at + 1 : last), 0);
    rows.forEach((row, at) => {
      row.hidden = at >= Math.max(used, atLeast);
    });
    const more = draftForm()?.querySelector("[data-add-answer]");
    if (more instanceof HTMLElement) {
      more.hidden = rows.every((row) => !row.hidden);
    }
  }

  function addRow() {
    const row = /** @type {HTMLElement | null | undefined} */ (draftForm()?.querySelector("[data-answer-row][hidden]"));
    if (row) {
      const shown = draftForm()?.querySelectorAll("[data-answer-row]:not([hidden])").length ?? 0;
      showRows(shown + 1);
      /** @type {HTMLElement} */ (row.querySelector(".input")).focus();
    }
  }

  /** @param {KeyboardEvent} event Return goes to the next answer: it asks nothing before its time */
  function onKey(event) {
    const field = /** @type {HTMLElement} */ (event.target);
    if (event.key !== "Enter" || event.isComposing || !field.matches("[data-answer-row] .input")) {
      return;
    }
    event.preventDefault();
    const next = field.closest("[data-answer-row]")?.nextElementSibling;
    if (next instanceof HTMLElement && !next.hidden) {
      /** @type {HTMLElement} */ (next.querySelector(".input")).focus();
    } else {
      addRow();
    }
  }

  function clearErrors() {
    for (const place of draftForm()?.querySelectorAll("[data-field-error], [data-act-error]") ?? []) {
      place.textContent = "";
    }
    for (const field of draftForm()?.querySelectorAll("[aria-invalid]") ?? []) {
      field.removeAttribute("aria-invalid");
    }
  }

  /** @param {CustomEvent} event what is wrong stands beside its field */
  function onRefused(event) {
    const reasons = { no_question: "question", question_too_long: "question", too_few_choices: "answers", too_many_choices: "answers", choice_too_long: "answers", same_choices: "answers", nothing_right: "answers" };
    const name = reasons[/** @type {keyof typeof reasons} */ (event.detail.error.reason)];
    const place = draftForm()?.querySelector(`[data-field="${name}"]`);
    const error = place?.querySelector("[data-field-error]");
    if (!place || !error) {
      return;
    }
    event.preventDefault();
    error.textContent = event.detail.error.message;
    const isAboutRight = event.detail.error.reason === "nothing_right";
    const fields = /** @type {HTMLInputElement[]} */ ([...place.querySelectorAll(isAboutRight ? "[name='right']" : ".input")]);
    const field = (event.detail.error.reason === "too_few_choices" && fields.find((each) => !each.value)) || fields[0];
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  /** @param {Interaction} interaction */
  function edit(interaction) {
    const form = draftForm();
    const details = composer();
    if (!form || !details) {
      return;
    }
    form.reset();
    clearErrors();
    const fields = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-answer-row] .input")]);
    const boxes = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[name='right']")]);
    interaction.choices.forEach((choice, at) => {
      fields[at].value = choice.text;
      boxes[at].checked = interaction.right.includes(choice.id);
    });
    for (const [name, value] of [["id", interaction.id], ["kind", interaction.kind], ["question", interaction.question], ["most", String(interaction.most)], ["highest", String(interaction.highest)]]) {
      /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value = value;
    }
    /** @type {HTMLElement} */ (form.querySelector("[data-editing]")).hidden = false;
    details.open = true;
    showKind();
    showRows();
    /** @type {HTMLElement} */ (form.elements.namedItem("question")).focus();
  }

  /** @param {boolean} [isOpen] */
  function endComposing(isOpen = false) {
    const form = draftForm();
    const details = composer();
    if (form && details) {
      form.reset();
      /** @type {HTMLInputElement} */ (form.elements.namedItem("id")).value = "";
      /** @type {HTMLElement} */ (form.querySelector("[data-editing]")).hidden = true;
      clearErrors();
      showKind();
      showRows();
      details.open = isOpen;
      details.querySelector("summary")?.focus({ preventScroll: true });
    }
  }

  // --- What somebody does

  /** @param {Event} event */
  function onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const id = /** @type {HTMLElement | null} */ (target.closest("[data-interaction]"))?.dataset.interaction ?? "";
    const interaction = known().get(id);
    const card = cardOf(id);
    if (target.closest("[data-add-answer]")) {
      addRow();
    } else if (target.closest("[data-edit-cancel]")) {
      endComposing();
    } else if (interaction && target.closest("[data-edit]")) {
      edit(interaction);
    } else if (interaction && card && target.closest("[data-change]")) {
      changing.add(id);
      fill(card, interaction);
      focusForm(card);
    } else if (interaction && card && target.closest("[data-keep]")) {
      changing.delete(id);
      tick(/** @type {HTMLFormElement} */ (card.querySelector("[data-vote-form]")), own.get(id));
      fill(card, interaction);
    }
  }

  /** @param {HTMLElement} card */
  function focusForm(card) {
    /** @type {HTMLElement | null} */ (card.querySelector("[data-options] :checked, [data-options] textarea") ?? card.querySelector("[data-options] input"))?.focus();
  }

  /** @param {CustomEvent} event */
  function onDone(event) {
    const { verb, result } = event.detail;
    if (verb === "interactions.draft") {
      endComposing();
    } else if (verb === "interactions.vote") {
      takeOwn(result.own);
      spoken.textContent = panel()?.dataset.textAnswered ?? "";
    }
  }

  /** @param {Record<string, Own>} votes */
  function takeOwn(votes) {
    for (const [id, mine] of Object.entries(votes ?? {})) {
      own.set(id, mine);
      changing.delete(id);
      const form = /** @type {HTMLFormElement | null} */ (cardOf(id)?.querySelector("[data-vote-form]") ?? null);
      if (form) {
        tick(form, mine);
      }
    }
    showAll();
  }

  return {
    name: "interactions",
    enter(root) {
      const place = root.querySelector("[data-interactions]");
      place?.addEventListener("click", onClick);
      place?.addEventListener("keydown", (event) => onKey(/** @type {KeyboardEvent} */ (event)));
      place?.addEventListener("act:done", (event) => onDone(/** @type {CustomEvent} */ (event)));
      root.addEventListener("tabs:shown", () => queueMicrotask(showWaiting)); // the other panels are not hidden yet
      root.querySelector("[data-call-open]")?.addEventListener("click", (event) => {
        event.preventDefault();
        const waiting = [...shared.values()].find(isWaiting);
        /** @type {HTMLElement | null} */ (root.querySelector(".tab[href='#interactions']"))?.click();
        const card = waiting && cardOf(waiting.id);
        if (card) {
          card.scrollIntoView({ block: "nearest" });
          focusForm(card);
        }
      });
      const form = draftForm();
      form?.addEventListener("act:refused", (event) => onRefused(/** @type {CustomEvent} */ (event)));
      form?.addEventListener("submit", clearErrors, true);
      form?.addEventListener("change", showKind);
      const kept = unfinished.get("");
      if (form && kept) {
        restore(form, kept);
        /** @type {HTMLDetailsElement} */ (composer()).open = true;
        unfinished.delete("");
      }
      showKind();
      showRows();
    },
    leave() {
      const form = draftForm();
      if (form && composer()?.open) {
        unfinished.set("", halfDone(form));
      }
      for (const card of list()?.children ?? []) {
        const vote = /** @type {HTMLFormElement | null} */ (card.querySelector("[data-vote-form]:not([hidden])"));
        if (vote) {
          unfinished.set(/** @type {HTMLElement} */ (card).dataset.interaction ?? "", halfDone(vote));
        }
      }
    },
    state(parts) {
      const byId = (/** @type {Interaction[]} */ all) => new Map(all.map((each) => [each.id, each]));
      shared = byId(parts.shared ?? []);
      managed = parts.moderators ? byId(parts.moderators) : null;
      own = new Map(Object.entries(parts.own ?? {}));
      [...shared.values()].forEach(tellOf);
      showAll();
      for (const [id, kept] of unfinished) {
        const form = /** @type {HTMLFormElement | null} */ (cardOf(id)?.querySelector("[data-vote-form]") ?? null);
        if (form && id) {
          restore(form, kept);
          unfinished.delete(id);
        }
      }
      isFirst = false;
    },
    change(change) {
      if (change.interaction) {
        put(change.interaction, shared);
        tellOf(change.interaction);
      }
      if (change.managed && managed) {
        put(change.managed, managed);
      }
      if (change.gone) {
        managed?.delete(change.gone);
      }
      if (change.interaction || change.managed || change.gone) {
        showAll();
      }
      if (change.own) {
        takeOwn(change.own);
      }
      for (const [id, results] of Object.entries(change.results ?? {})) {
        count(id, results);
      }
    },
  };
}
