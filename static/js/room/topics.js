// @ts-check
/**
 * Everything in the room beside chat and people: questions, interactions, announcements… Each topic is a module that shows its part of
 * the state and takes its changes; here they share the connection. Changes are numbered without holes: a gap is asked for.
 *
 * A form `<form data-act="topic.verb">` in the room is sent as an act, over the socket where there is one. Its answer stands in its
 * `[data-act-error]`; when it was done, the form is emptied (unless `data-act-keep`) and dispatches `act:done` with the answer.
 * Refused, it dispatches `act:refused` with the error: whoever shows that beside its field prevents the default.
 */

const PATIENCE = 400;
const ANSWER_WITHIN = 10000;

/**
 * @typedef {{shared?: any, team?: any, own?: any}} Parts
 * @typedef {{name: string, enter(root: HTMLElement): void, leave?(): void, state(parts: Parts): void, change(change: any, audience: string): void}} Topic
 * @typedef {{act: (verb: string, values: Record<string, any>) => Promise<any>, attempt: (verb: string, values: Record<string, any>) => Promise<boolean>, root: () => HTMLElement | null}} Room
 */

export class Refusal extends Error {
  /** @param {Record<string, any>} frame */
  constructor(frame) {
    super(frame.text ?? "");
    this.reason = frame.reason;
    this.retryAfter = frame.retry_after;
  }
}

/** @param {unknown} error */
function told(error) {
  return (error instanceof Error && error.message) || document.getElementById("toasts")?.dataset.textError || "";
}

export class Topics {
  /**
   * @param {(frame: Record<string, any>) => boolean} send
   * @param {((room: Room) => Topic)[]} makers
   */
  constructor(send, makers) {
    this.send = send;
    /** @type {HTMLElement | null} */
    this.root = null;
    this.isRenewed = false;
    /** @type {Map<string, {frame: Record<string, any>, done: (result: any) => void, failed: (error: Error) => void, timer: ReturnType<typeof setTimeout>}>} */
    this.waiting = new Map();
    this.revisions = { everybody: -1, team: -1 };
    /** @type {Record<string, any> | null} the last whole state, for a page whose part was renewed */
    this.known = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.gapTimer = undefined;
    const room = { act: this.act.bind(this), attempt: this.attempt.bind(this), root: () => this.root };
    this.topics = makers.map((make) => make(room));
    document.addEventListener("submit", (event) => this.#onSubmit(event));
  }

  // --- The page

  /** @param {HTMLElement} root */
  enter(root) {
    this.root = root;
    for (const topic of this.topics) {
      topic.enter(root);
    }
    if (this.isRenewed && root.dataset.media === "inside") {
      this.#ask(0); // what was told to the old part is not in the new one, and a countdown was told nothing
    }
    this.isRenewed = true; // the first part is greeted by the server
  }

  /** The part is about to be replaced. */
  leave() {
    for (const topic of this.topics) {
      topic.leave?.();
    }
    this.root = null;
  }

  // --- What the server says

  /** @param {Record<string, any> | null | undefined} state */
  state(state) {
    clearTimeout(this.gapTimer);
    this.known = state ?? null;
    if (!state) {
      return;
    }
    this.revisions = { everybody: state.revision, team: state.team_revision };
    for (const topic of this.topics) {
      topic.state(state.topics[topic.name] ?? {});
    }
  }

  /** @param {Record<string, any>} frame */
  changed(frame) {
    if (!this.known) {
      return; // the state is on its way
    }
    const audience = frame.audience === "team" ? "team" : "everybody";
    if (frame.revision > 0) {
      if (frame.revision <= this.revisions[audience]) {
        return;
      }
      if (frame.revision > this.revisions[audience] + 1) {
        this.#ask(PATIENCE);
        return;
      }
      this.revisions[audience] = frame.revision;
    }
    this.topics.find((topic) => topic.name === frame.topic)?.change(frame.change, audience);
  }

  /** @param {Record<string, any>} frame numbers that the server has given */
  tick(frame) {
    const isBehind = (frame.revision ?? 0) > this.revisions.everybody || (frame.team_revision ?? 0) > this.revisions.team;
    if (this.known && isBehind) {
      this.#ask(PATIENCE);
    }
  }

  /** @param {Record<string, any>} frame @returns {boolean} whether it was for an act of ours */
  answered(frame) {
    const found = this.waiting.get(frame.client_key);
    if (!found) {
      return false;
    }
    if (frame.kind === "refused" && frame.reason === "unavailable") {
      return true; // it goes out again by itself
    }
    this.waiting.delete(frame.client_key);
    clearTimeout(found.timer);
    if (frame.kind === "refused") {
      found.failed(new Refusal(frame));
    } else {
      found.done(frame.result);
    }
    return true;
  }

  /** @returns {Record<string, any>[]} what a new connection must carry again */
  unsent() {
    return [...this.waiting.values()].map((each) => each.frame);
  }

  // --- Acts

  /**
   * Have something done. The promise is kept when the server has done it, whatever happens to the connection meanwhile.
   * @param {string} verb
   * @param {Record<string, any>} values
   * @returns {Promise<any>}
   */
  act(verb, values) {
    const client_key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const frame = { kind: "do", client_key, verb, values };
    return new Promise((done, failed) => {
      const timer = setTimeout(() => {
        this.waiting.delete(client_key);
        failed(new Refusal({ reason: "unavailable" }));
      }, ANSWER_WITHIN);
      this.waiting.set(client_key, { frame, done, failed, timer });
      this.send(frame);
    });
  }

  /**
   * An act whose refusal is told at the foot of the page.
   * @param {string} verb
   * @param {Record<string, any>} values
   * @returns {Promise<boolean>} whether it was done
   */
  async attempt(verb, values) {
    try {
      await this.act(verb, values);
      return true;
    } catch (error) {
      document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text: told(error) } }));
      return false;
    }
  }

  /** @param {SubmitEvent} event */
  async #onSubmit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const verb = form.dataset.act;
    if (!verb || !this.root?.contains(form)) {
      return;
    }
    event.preventDefault();
    if (form.dataset.isSending) {
      return;
    }
    form.dataset.isSending = "true";
    const place = form.querySelector("[data-act-error]");
    if (place) {
      place.textContent = "";
    }
    try {
      const result = await this.act(verb, valuesOf(form, event.submitter));
      if (!("actKeep" in form.dataset)) {
        form.reset();
      }
      form.dispatchEvent(new CustomEvent("act:done", { bubbles: true, detail: { verb, result } }));
    } catch (error) {
      const text = told(error);
      const isShown = !form.dispatchEvent(new CustomEvent("act:refused", { bubbles: true, cancelable: true, detail: { verb, error } }));
      if (isShown) {
        return; // beside the field that it is about
      }
      if (place) {
        place.textContent = text;
      } else {
        document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text } }));
      }
    } finally {
      delete form.dataset.isSending;
    }
  }

  /** @param {number} after milliseconds */
  #ask(after) {
    clearTimeout(this.gapTimer);
    this.gapTimer = setTimeout(() => this.send({ kind: "state" }), after);
  }
}

/** @param {HTMLFormElement} form @param {HTMLElement | null} submitter @returns {Record<string, any>} fields that may repeat (`data-many`) as lists */
function valuesOf(form, submitter) {
  /** @type {Record<string, any>} */
  const values = {};
  for (const [name, value] of new FormData(form, submitter)) {
    if (name === "csrfmiddlewaretoken" || typeof value !== "string") {
      continue;
    }
    const field = form.elements.namedItem(name);
    const isMany = field instanceof RadioNodeList ? [...field].some((each) => each instanceof HTMLElement && "many" in each.dataset) : field instanceof HTMLElement && "many" in field.dataset;
    if (isMany) {
      (values[name] ??= []).push(value);
    } else {
      values[name] = value;
    }
  }
  return values;
}
