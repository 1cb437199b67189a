// The page around an embedded tool, as Brightspace's published component behaves: a small store per tool origin that
// lasts as long as this page, asked by objects under draft names, and a frame that is resized by a JSON string.
(() => {
  const PREFIX = "org.imsglobal.lti";
  const KNOWN = ["capabilities", "put_data", "get_data"].map((name) => `${PREFIX}.${name}`);
  const MOST_CHARACTERS = 4096;
  const MOST_KEYS = 500;
  const HIGHEST_FRAME = 10000;

  const frame = document.querySelector("[data-tool-frame]");
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

  function answer(origin, data) {
    switch (data.subject) {
      case KNOWN[0]:
        return { supported_messages: KNOWN.map((subject) => ({ subject })) };
      case KNOWN[1]:
        return put(origin, data);
      case KNOWN[2]:
        return get(origin, data);
      default:
        return refusal("unsupported_subject", "This message is not known here.");
    }
  }

  function resize(source, text) {
    // A string that is not JSON throws here, as it does there.
    const { subject, height } = JSON.parse(text);
    if (subject !== "lti.frameResize" || !(height >= 1 && height <= HIGHEST_FRAME)) return;
    if (source === frame.contentWindow) frame.height = height;
  }

  window.addEventListener("message", (event) => {
    const { data, origin, source } = event;
    if (!data) return;
    if (typeof data === "string") {
      resize(source, data);
      return;
    }
    if (typeof data.subject !== "string" || !data.subject.startsWith(PREFIX)) return;
    const reply = data.message_id
      ? { subject: `${data.subject}.response`, message_id: data.message_id, ...answer(origin, data) }
      : refusal("bad_request", "A message_id is missing.");
    source.postMessage(reply, origin);
  });
})();
