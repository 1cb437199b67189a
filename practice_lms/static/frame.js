// The page around an embedded tool. As it comes it behaves as Brightspace's published component: a small store per tool origin
// that lasts as long as this page, asked by objects under draft names, and a frame that is resized by a JSON string. Attributes of
// the frame ask for other manners (practice_lms/behaviour.py). With them the store may lie in a frame beside the tool's (Canvas).
(() => {
  const DRAFT = "org.imsglobal.lti";
  const FINAL = "lti";
  const ANSWERED = { draft: [DRAFT], final: [FINAL], both: [FINAL, DRAFT], refusing: [FINAL, DRAFT], silent: [], absent: [] };
  const MOST_CHARACTERS = 4096;
  const MOST_KEYS = 500;
  const HIGHEST_FRAME = 10000;

  const frame = document.querySelector("[data-tool-frame]");
  const { storage = "draft", storageFrame = "", resize: understood = "text" } = (frame ?? document.body).dataset;
  const prefixes = ANSWERED[storage] ?? [];
  const boxes = new Map();

  const refusal = (code, message) => ({ error: { code, message } });

  function used(box) {
    let characters = 0;
    for (const [key, value] of box) characters += key.length + String(value).length;
    return characters;
  }

  function put(origin, { key, value }) {
    if (!key) return refusal("bad_request", "A key is missing.");
    const box = boxes.get(origin) ?? new Map();
    boxes.set(origin, box);
    if (value === undefined || value === null) {
      box.delete(key);
      return { key, value };
    }
    const isFull = used(box) >= MOST_CHARACTERS || box.size >= MOST_KEYS;
    const before = box.has(key) ? key.length + String(box.get(key)).length : 0;
    if (isFull && key.length + String(value).length > before) {
      return refusal("storage_exhaustion", "There is no room left for this origin.");
    }
    box.set(key, value);
    return { key, value };
  }

  function get(origin, { key }) {
    if (!key) return refusal("bad_request", "A key is missing.");
    const box = boxes.get(origin);
    if (!box?.has(key)) return refusal("key_not_found", "Nothing is kept under this key.");
    return { key, value: box.get(key) };
  }

  function supported() {
    const named = storageFrame ? { frame: storageFrame } : {};
    return prefixes.flatMap((prefix) => [
      { subject: `${prefix}.capabilities` },
      { subject: `${prefix}.put_data`, ...named },
      { subject: `${prefix}.get_data`, ...named },
    ]);
  }

  function answer(origin, data, name) {
    if (storage === "refusing") return refusal("unsupported_subject", "Nothing is kept here.");
    if (name === "capabilities") return { supported_messages: supported() };
    if (storageFrame) return refusal("wrong_target", "Another frame keeps this.");
    if (name === "put_data") return put(origin, data);
    if (name === "get_data") return get(origin, data);
    return refusal("unsupported_subject", "This message is not known here.");
  }

  function resize(source, { subject, height }) {
    if (subject !== "lti.frameResize" || !(height >= 1 && height <= HIGHEST_FRAME)) return;
    if (source === frame?.contentWindow) frame.height = height;
  }

  window.addEventListener("message", (event) => {
    const { data, origin, source } = event;
    if (!data) return;
    if (typeof data === "string") {
      // A string that is not JSON throws here, as it does there.
      if (understood !== "object") resize(source, JSON.parse(data));
      return;
    }
    if (typeof data.subject !== "string") return;
    if (data.subject === "lti.frameResize") {
      if (understood !== "text") resize(source, data);
      return;
    }
    const prefix = prefixes.find((each) => data.subject.startsWith(`${each}.`));
    if (!prefix) return;
    const reply = data.message_id
      ? { subject: `${data.subject}.response`, message_id: data.message_id, ...answer(origin, data, data.subject.slice(prefix.length + 1)) }
      : refusal("bad_request", "A message_id is missing.");
    source.postMessage(reply, origin);
  });
})();
