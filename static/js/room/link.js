// @ts-check
/**
 * The connection to the server: one socket that comes back by itself, and polling where sockets are blocked.
 * Whoever uses it sends and hears frames (see rooms/frames.py) and does not care which of the two carries them.
 */

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
const PING_EVERY = 25000;
const ANSWER_WITHIN = 10000;
const POLL_FROM = 10000;
const POLL_TO = 15000;
const TRIES_BEFORE_POLLING = 2;
const SHOWN_AS_LOST_AFTER = 1500;

/** Headers of a request of ours; whoever has one to add listens for `foyer:request`. @param {string} accept */
function ourHeaders(accept) {
  const headers = { Accept: accept };
  document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
  return headers;
}

/** What a socket must say before all else (`foyer:socket`). @returns {Record<string, string>[]} */
function firstFrames() {
  /** @type {Record<string, string>[]} */
  const frames = [];
  document.dispatchEvent(new CustomEvent("foyer:socket", { detail: { frames } }));
  return frames;
}

export class Link {
  /**
   * @param {{socket: string, look: string, post: string, act: string}} addresses
   * @param {{heard: (frame: Record<string, any>) => void, state: (state: string) => void, since: () => number, unsent: () => Record<string, any>[]}} listener
   */
  constructor(addresses, listener) {
    this.addresses = addresses;
    this.listener = listener;
    this.state = "new";
    /** @type {WebSocket | null} */
    this.socket = null;
    this.failures = 0;
    this.hasEverOpened = false;
    this.isStopped = false;
    this.isPolling = false;
    /** @type {ReturnType<typeof setTimeout>[]} */
    this.timers = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.pollTimer = undefined;
    this.heardAt = 0;
  }

  start() {
    this.#connect();
    const hurry = () => {
      if (!this.isStopped && this.socket === null && document.visibilityState === "visible") {
        this.failures = Math.min(this.failures, 1);
        this.#connect();
      }
    };
    window.addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);
    window.addEventListener("pageshow", (event) => event.persisted && hurry());
  }

  /** After `stop`. */
  resume() {
    this.isStopped = false;
    this.failures = 0;
    this.#connect();
  }

  stop() {
    this.isStopped = true;
    this.#clear();
    clearTimeout(this.pollTimer);
    this.socket?.close();
    this.socket = null;
  }

  /** Is anything new? */
  ask() {
    if (this.#isOpen()) {
      this.#put({ kind: "look" });
      this.#put({ kind: "hello", since: this.listener.since(), language: document.documentElement.lang });
    } else {
      void this.#poll();
    }
  }

  /** @param {Record<string, any>} frame @returns {boolean} whether it is under way */
  send(frame) {
    if (this.#isOpen()) {
      this.#put(frame);
      return true;
    }
    if (!this.isPolling) {
      return false;
    }
    if (frame.kind === "post" || frame.kind === "do") {
      void this.#post(frame);
    } else if (frame.kind === "history" || frame.kind === "state") {
      void this.#poll(frame);
    }
    return true;
  }

  #isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** @param {Record<string, any>} frame */
  #put(frame) {
    this.socket?.send(JSON.stringify(frame));
  }

  #connect() {
    this.#clear();
    if (this.isStopped || this.socket) {
      return;
    }
    const address = new URL(this.addresses.socket, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    /** @type {WebSocket} */
    let socket;
    try {
      socket = new WebSocket(address);
    } catch {
      this.#failed();
      return;
    }
    this.socket = socket;
    this.timers.push(setTimeout(() => socket.readyState === WebSocket.CONNECTING && socket.close(), ANSWER_WITHIN));
    socket.addEventListener("open", () => {
      for (const frame of firstFrames()) {
        this.#put(frame);
      }
      this.#put({ kind: "hello", since: this.listener.since(), language: document.documentElement.lang });
      this.#watch(socket);
    });
    socket.addEventListener("message", (event) => {
      this.heardAt = performance.now();
      const frame = JSON.parse(event.data);
      if (frame.kind === "hello") {
        this.hasEverOpened = true;
        this.failures = 0;
        this.isPolling = false;
        clearTimeout(this.pollTimer);
        this.#tell("open");
      }
      this.listener.heard(frame);
      if (frame.kind === "hello") {
        for (const post of this.listener.unsent()) {
          this.#put(post);
        }
      }
    });
    socket.addEventListener("close", () => {
      if (this.socket === socket) {
        this.socket = null;
        this.#failed();
      }
    });
  }

  /** A connection that died without a word is found out by asking. @param {WebSocket} socket */
  #watch(socket) {
    this.timers.push(
      setTimeout(() => {
        const asked = performance.now();
        this.#put({ kind: "ping" });
        this.timers.push(
          setTimeout(() => {
            if (this.heardAt < asked) {
              socket.close();
              if (this.socket === socket) {
                this.socket = null;
                this.#failed();
              }
            } else if (this.socket === socket) {
              this.#watch(socket);
            }
          }, ANSWER_WITHIN),
        );
      }, PING_EVERY),
    );
  }

  #failed() {
    this.#clear();
    if (this.isStopped) {
      return;
    }
    this.failures += 1;
    const isBlocked = this.failures >= TRIES_BEFORE_POLLING;
    if (this.state === "open") {
      this.timers.push(setTimeout(() => this.state === "open" && !this.#isOpen() && this.#tell("lost"), SHOWN_AS_LOST_AFTER));
    }
    if (isBlocked && !this.isPolling) {
      this.isPolling = true;
      void this.#poll();
    }
    const pause = Math.min(FIRST_PAUSE * 2 ** (this.failures - 1), LONGEST_PAUSE);
    this.timers.push(setTimeout(() => this.#connect(), pause / 2 + Math.random() * pause));
  }

  /** @param {string} state */
  #tell(state) {
    this.state = state;
    this.listener.state(state);
  }

  #clear() {
    for (const timer of this.timers.splice(0)) {
      clearTimeout(timer);
    }
  }

  /** What a socket would have said. @param {Record<string, any>} [wish] a request for history */
  async #poll(wish) {
    clearTimeout(this.pollTimer);
    const address = new URL(this.addresses.look, location.href);
    if (wish?.before !== undefined) {
      address.searchParams.set("before", String(wish.before));
    } else {
      address.searchParams.set("since", String(this.listener.since()));
    }
    try {
      const response = await fetch(address, { credentials: "same-origin", headers: ourHeaders("application/json") });
      if ([403, 404, 410].includes(response.status)) {
        this.listener.heard({ kind: "farewell", reason: "unknown" });
        return;
      }
      if (!response.ok) {
        throw new Error(String(response.status));
      }
      const answer = await response.json();
      if (this.isStopped || this.#isOpen()) {
        return;
      }
      this.#tell(this.hasEverOpened ? "lost" : "slow");
      if (wish?.before !== undefined) {
        this.listener.heard({ kind: "earlier", messages: answer.messages });
      } else {
        this.listener.heard({ kind: "hello", ...answer });
      }
      for (const post of this.listener.unsent()) {
        await this.#post(post);
      }
    } catch {
      this.#tell("lost");
    }
    if (!this.isStopped && this.isPolling) {
      clearTimeout(this.pollTimer);
      this.pollTimer = setTimeout(() => this.#poll(), POLL_FROM + Math.random() * (POLL_TO - POLL_FROM));
    }
  }

  /** @param {Record<string, any>} frame a message or an act */
  async #post(frame) {
    const isMessage = frame.kind === "post";
    const token = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-media] input[name='csrfmiddlewaretoken']"));
    if (!token) {
      return;
    }
    const body = new FormData();
    body.set("csrfmiddlewaretoken", token.value);
    body.set("client_key", frame.client_key);
    for (const [name, value] of Object.entries(isMessage ? { text: frame.text, reply_to: frame.reply_to } : frame.values)) {
      for (const each of Array.isArray(value) ? value : [value]) {
        body.append(name, String(each));
      }
    }
    const action = isMessage ? this.addresses.post : this.addresses.act.replace("VERB", encodeURIComponent(frame.verb));
    try {
      const response = await fetch(action, { method: "POST", body, credentials: "same-origin", headers: ourHeaders("application/json") });
      this.listener.heard(await response.json());
    } catch {
      // stays unsent: the next round tries again under the same key
    }
  }
}
