// @ts-check
/**
 * Suggestions under a field, as an ARIA combobox.
 *
 * `<input data-suggest-url="…" data-suggest-fill="first:#id_first_name last:#id_last_name" data-suggest-label="People you may mean">`
 * asks `<url>?q=<typed>` after a short rest and expects `<ul data-status="3 suggestions"><li role="option" data-email data-first data-last>…`.
 * Choosing one writes `data-email` into the field and the other data- values into the fields named by `data-suggest-fill`.
 * With `data-suggest-post` it asks by POST instead, with the form's token: what is typed then stands in no address and no log.
 * `data-status` of the answer is spoken. `data-suggest-min` (default 2) is the number of letters before it asks.
 * Without this module, or without an answer, the field is an ordinary one.
 */

const REST = 220;
let made = 0;

/** @param {HTMLInputElement} input */
function enhance(input) {
  if (input.dataset.suggestReady) {
    return;
  }
  input.dataset.suggestReady = "true";
  made += 1;
  const box = document.createElement("div");
  box.className = "combo";
  const list = document.createElement("ul");
  list.className = "combo__list";
  list.id = `suggestions-${made}`;
  list.role = "listbox";
  list.hidden = true;
  list.setAttribute("aria-label", input.dataset.suggestLabel ?? "");
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.role = "status";
  const wasFocused = document.activeElement === input;
  input.before(box);
  box.append(input, list, status);
  if (wasFocused) {
    input.focus();
  }
  input.autocomplete = "off";
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) {
    input.setAttribute(name, value);
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  /** @type {AbortController | undefined} */
  let asking;
  let here = -1;

  const options = () => /** @type {HTMLElement[]} */ ([...list.children]);

  /** @param {boolean} isOpen */
  const setOpen = (isOpen) => {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) {
      mark(-1);
    }
  };

  /** @param {number} index */
  const mark = (index) => {
    here = index;
    for (const [at, option] of options().entries()) {
      option.setAttribute("aria-selected", String(at === index));
    }
    const option = options()[index];
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  };

  /** @param {HTMLElement} option */
  const choose = (option) => {
    input.value = option.dataset.email ?? "";
    for (const pair of (input.dataset.suggestFill ?? "").split(/\s+/).filter(Boolean)) {
      const colon = pair.indexOf(":");
      const field = (input.form ?? document).querySelector(pair.slice(colon + 1));
      if (field instanceof HTMLInputElement) {
        field.value = option.dataset[pair.slice(0, colon)] ?? "";
        field.dispatchEvent(new Event("change", { bubbles: true }));
      }
    }
    setOpen(false);
    status.textContent = "";
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const ask = async () => {
    const typed = input.value.trim();
    asking?.abort();
    if (typed.length < Number(input.dataset.suggestMin ?? 2)) {
      setOpen(false);
      return;
    }
    asking = new AbortController();
    try {
      const address = new URL(input.dataset.suggestUrl ?? "", location.href);
      const headers = { Accept: "text/html" };
      document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
      /** @type {RequestInit} */
      const options = { signal: asking.signal, credentials: "same-origin", headers };
      if ("suggestPost" in input.dataset) {
        const token = /** @type {HTMLInputElement | null | undefined} */ (input.form?.querySelector("[name=csrfmiddlewaretoken]"));
        options.method = "POST";
        options.body = new URLSearchParams({ q: typed, csrfmiddlewaretoken: token?.value ?? "" });
      } else {
        address.searchParams.set("q", typed);
      }
      const response = await fetch(address, options);
      if (!response.ok) {
        throw new Error(String(response.status));
      }
      const answer = new DOMParser().parseFromString(await response.text(), "text/html");
      const found = [...answer.querySelectorAll("li[role='option']")].map((option) => document.importNode(option, true));
      for (const [at, option] of found.entries()) {
        option.id = `${list.id}-${at}`;
      }
      list.replaceChildren(...found);
      setOpen(found.length > 0 && input === document.activeElement);
      mark(-1);
      status.textContent = answer.querySelector("[data-status]")?.getAttribute("data-status") ?? "";
    } catch {
      if (!asking.signal.aborted) {
        setOpen(false);
      }
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(rest);
    rest = setTimeout(ask, REST);
  });
  input.addEventListener("keydown", (event) => {
    const count = options().length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (count > 0) {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        const next = list.hidden || here < 0 ? (step > 0 ? 0 : count - 1) : (here + step + count) % count;
        setOpen(true);
        mark(next);
      }
    } else if (event.key === "Enter" && !list.hidden && here >= 0) {
      event.preventDefault();
      choose(options()[here]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault(); // closes the list only, not the dialog around it
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === "Tab") {
      setOpen(false);
    }
  });
  input.addEventListener("blur", () => setTimeout(() => setOpen(false), 150));
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = /** @type {Element} */ (event.target).closest("[role='option']");
    if (option instanceof HTMLElement) {
      choose(option);
    }
  });
}

/** @param {ParentNode} root */
function enhanceAll(root) {
  for (const input of root.querySelectorAll("input[data-suggest-url]")) {
    enhance(/** @type {HTMLInputElement} */ (input));
  }
}

enhanceAll(document);
document.addEventListener("foyer:added", (event) => enhanceAll(/** @type {Element} */ (event.target)));
document.addEventListener("htmx:load", () => enhanceAll(document));
