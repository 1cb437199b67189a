// @ts-check
/**
 * Suggestions under a field, as an ARIA 1.2 combobox with a list.
 *
 * `<input data-suggest-url="…" data-suggest-fill="first:#id_first_name last:#id_last_name" data-suggest-label="People you may mean">`
 * posts `q=<typed>` with the form's token after a short rest (what is typed then stands in no address and no log) and
 * expects `<ul data-status="3 suggestions"><li role="option" data-email data-first data-last>…`.
 * Choosing one writes `data-email` into the field and the other data- values into the fields named by `data-suggest-fill`.
 * With `data-suggest-choice="name"`, an option's `data-choice` travels in a hidden field of that name until somebody
 * types again: it stands for an address that the option shows in part only.
 * `data-status` of the answer is spoken, `data-suggest-none` where nothing was found, `data-suggest-slow` where
 * nothing was answered. `data-suggest-min` (default 2) is the number of letters before it asks.
 * Arrows walk, Home and End jump once an option is marked, Enter chooses, Escape closes the list only.
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
  list.setAttribute("role", "listbox");
  list.hidden = true;
  list.setAttribute("aria-label", input.dataset.suggestLabel ?? "");
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
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

  /** @param {string} value what stands for the address, or nothing */
  const keepChoice = (value) => {
    const name = input.dataset.suggestChoice;
    if (!name || !input.form) {
      return;
    }
    for (const old of input.form.querySelectorAll(`input[type="hidden"][name="${name}"]`)) {
      old.remove();
    }
    if (value) {
      const kept = document.createElement("input");
      kept.type = "hidden";
      kept.name = name;
      kept.value = value;
      input.form.append(kept);
    }
  };

  /** @param {HTMLElement} option */
  const choose = (option) => {
    input.value = option.dataset.email ?? "";
    keepChoice(option.dataset.choice ?? "");
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
    input.dispatchEvent(new CustomEvent("foyer:chosen", { bubbles: true }));
  };

  const ask = async () => {
    const typed = input.value.trim();
    asking?.abort();
    if (typed.length < Number(input.dataset.suggestMin ?? 2)) {
      list.replaceChildren(); // else the arrows would bring back what no longer fits
      setOpen(false);
      status.textContent = "";
      return;
    }
    const mine = new AbortController();
    asking = mine;
    try {
      const address = new URL(input.dataset.suggestUrl ?? "", location.href);
      const headers = { Accept: "text/html" };
      document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
      /** @type {RequestInit} */
      const token = /** @type {HTMLInputElement | null | undefined} */ (input.form?.querySelector("[name=csrfmiddlewaretoken]"));
      const options = {
        method: "POST",
        body: new URLSearchParams({ q: typed, csrfmiddlewaretoken: token?.value ?? "" }),
        signal: mine.signal,
        credentials: "same-origin",
        headers,
      };
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
      const words = answer.querySelector("[data-status]")?.getAttribute("data-status") ?? "";
      status.textContent = found.length > 0 ? words : input.dataset.suggestNone ?? words;
    } catch {
      if (!mine.signal.aborted) {
        list.replaceChildren();
        setOpen(false);
        status.textContent = input.dataset.suggestSlow ?? "";
      }
    }
  };

  input.addEventListener("input", () => {
    keepChoice("");
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
    } else if ((event.key === "Home" || event.key === "End") && !list.hidden && here >= 0) {
      event.preventDefault();
      mark(event.key === "Home" ? 0 : count - 1);
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
