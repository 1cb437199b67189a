// @ts-check
/**
 * The platform's own storage, reached by postMessage: for launches in browsers that keep none of our cookies.
 *
 * The window that frames or opened us is asked what it can do, under the messages' final names and under the draft's, at once.
 * Whatever answers is used, in the frame that it names; where nothing answers, the frame that the login named is tried under both
 * names. Values go to the platform's own origin only (that of its OIDC address), and only answers from there count.
 */

const PREFIXES = ["lti", "org.imsglobal.lti"];
const ASK_WITHIN = 400; // milliseconds; with the next less than two seconds in all
const ANSWER_WITHIN = 1200;

/** @typedef {{window: Window, subject: string}} Way */

export class PlatformStorage {
  /** @param {{origin: string, target: string}} place the platform's origin, and the name of a frame or `_parent` */
  constructor({ origin, target }) {
    this.origin = origin;
    this.target = target;
    /** @type {Window | null} */
    this.host = window.opener ?? (window.parent !== window ? window.parent : null);
    /** @type {Promise<Record<string, any> | null> | undefined} */
    this.capabilities = undefined;
  }

  /** @param {string} key @param {string} value @returns {Promise<void>} rejected when nobody took it */
  async put(key, value) {
    await this.#call("put_data", { key, value });
  }

  /** @param {string} key @returns {Promise<string>} rejected when nobody had it */
  async get(key) {
    const { value } = await this.#call("get_data", { key });
    if (typeof value !== "string") {
      throw new Error("nothing is stored");
    }
    return value;
  }

  /** @param {string} key; nobody waits for it */
  async remove(key) {
    for (const way of await this.#ways("put_data")) {
      way.window.postMessage({ subject: way.subject, message_id: newId(), key }, this.origin);
    }
  }

  /** @param {string} name @param {Record<string, string>} values @returns {Promise<Record<string, any>>} */
  async #call(name, values) {
    const ways = await this.#ways(name);
    return Promise.any(ways.map((way) => this.#ask(way, values, this.origin, ANSWER_WITHIN)));
  }

  /** @param {string} name @returns {Promise<Way[]>} */
  async #ways(name) {
    if (!this.host) {
      return [];
    }
    this.capabilities ??= this.#capabilities(this.host);
    const known = await this.capabilities;
    const supported = known?.supported_messages;
    if (Array.isArray(supported)) {
      const message = PREFIXES.map((prefix) => supported.find((each) => each?.subject === `${prefix}.${name}`)).find(Boolean);
      return message ? [{ window: this.#frame(message.frame ?? this.target), subject: message.subject }] : [];
    }
    const windows = new Set([this.#frame(this.target), this.host]);
    return PREFIXES.flatMap((prefix) => [...windows].map((each) => ({ window: each, subject: `${prefix}.${name}` })));
  }

  /** What the host says of itself; this question may go to whoever it is. @param {Window} host */
  async #capabilities(host) {
    try {
      return await Promise.any(PREFIXES.map((prefix) => this.#ask({ window: host, subject: `${prefix}.capabilities` }, {}, "*", ASK_WITHIN)));
    } catch {
      return null;
    }
  }

  /** The frame of that name beside us; our host where there is none. @param {string} name @returns {Window} */
  #frame(name) {
    const host = /** @type {Window} */ (this.host);
    try {
      const found = name && name !== "_parent" ? /** @type {any} */ (host.frames)[name] : null;
      return found && typeof found.postMessage === "function" ? found : host;
    } catch {
      return host;
    }
  }

  /** @param {Way} way @param {Record<string, string>} values @param {string} to @param {number} patience @returns {Promise<Record<string, any>>} */
  #ask(way, values, to, patience) {
    const id = newId();
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        window.removeEventListener("message", hear);
      };
      /** @param {MessageEvent} event */
      const hear = (event) => {
        const data = event.data;
        if (event.origin !== this.origin || typeof data !== "object" || data?.message_id !== id || data.subject !== `${way.subject}.response`) {
          return;
        }
        end();
        if (data.error) {
          reject(new Error("the platform refused"));
        } else {
          resolve(data);
        }
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error("nobody answered"));
      }, patience);
      window.addEventListener("message", hear);
      way.window.postMessage({ subject: way.subject, message_id: id, ...values }, to);
    });
  }
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
