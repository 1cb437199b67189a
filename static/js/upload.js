// @ts-check
/**
 * `<form data-upload>` with a file: sent by a request that tells how far it has come, and can be cancelled. Errors come back beside
 * their fields while the page stays as it is: a chosen file need not be chosen again. Without this the form is an ordinary one.
 */

const MB = 1024 * 1024;

/** @param {HTMLFormElement} form @param {HTMLElement} field @param {string} text */
function showError(form, field, text) {
  const wrap = field.closest(".field");
  if (!wrap || !text) {
    const note = /** @type {HTMLElement} */ (form.querySelector("[data-upload-error]"));
    note.textContent = text;
    note.hidden = !text;
    return;
  }
  let note = wrap.querySelector(".error");
  if (!note) {
    note = document.createElement("p");
    note.className = "error";
    note.id = `${field.id}_error`;
    note.setAttribute("role", "alert");
    field.before(note);
  }
  note.textContent = text;
  wrap.classList.add("field--invalid");
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.id}_helptext ${note.id}`);
}

/** @param {HTMLFormElement} form */
function clearErrors(form) {
  form.querySelector(".error-summary")?.remove();
  for (const wrap of form.querySelectorAll(".field--invalid")) {
    wrap.classList.remove("field--invalid");
    wrap.querySelector(".error")?.remove();
    wrap.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
  }
  const note = /** @type {HTMLElement} */ (form.querySelector("[data-upload-error]"));
  note.hidden = true;
}

/** @param {HTMLInputElement | null} input @returns {boolean} */
function isTooLarge(input) {
  const file = input?.files?.[0];
  return Boolean(file && input && file.size > Number(input.dataset.cap));
}

/** @param {HTMLFormElement} form @param {HTMLInputElement} input */
function send(form, input) {
  const progress = /** @type {HTMLElement} */ (form.querySelector("[data-upload-progress]"));
  const bar = /** @type {HTMLProgressElement} */ (progress.querySelector("progress"));
  const words = /** @type {HTMLElement} */ (progress.querySelector("[data-upload-text]"));
  const button = form.querySelector("button:not([type='button'])");
  const request = new XMLHttpRequest();
  const cancel = () => request.abort();
  const leave = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
  const over = () => {
    progress.hidden = true;
    button?.removeAttribute("aria-busy");
    progress.querySelector("[data-upload-cancel]")?.removeEventListener("click", cancel);
    window.removeEventListener("beforeunload", leave);
  };
  request.open("POST", form.action);
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
  for (const [name, value] of Object.entries(headers)) {
    request.setRequestHeader(name, value);
  }
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) {
      const text = event.loaded < event.total ? words.dataset.text : words.dataset.textLast;
      bar.value = (event.loaded / event.total) * 100;
      words.textContent = (text ?? "").replace("DONE", (event.loaded / MB).toFixed(1)).replace("TOTAL", (event.total / MB).toFixed(1));
    }
  });
  request.addEventListener("abort", over);
  request.addEventListener("error", () => {
    over();
    showError(form, input, form.dataset.textLost ?? "");
  });
  request.addEventListener("load", () => {
    over();
    const answer = read(request);
    if (request.status === 200 && answer.to) {
      location.assign(answer.to);
    } else if (request.status === 422 && answer.errors) {
      const fields = Object.entries(answer.errors).map(([id, text]) => ({ field: document.getElementById(id) ?? input, text: String(text) }));
      for (const { field, text } of fields) {
        showError(form, field, text);
      }
      fields[0]?.field.focus();
    } else {
      showError(form, input, (request.status === 413 ? form.dataset.textLarge : form.dataset.textRefused) ?? "");
    }
  });
  button?.setAttribute("aria-busy", "true");
  progress.hidden = false;
  bar.value = 0;
  words.textContent = "";
  progress.querySelector("[data-upload-cancel]")?.addEventListener("click", cancel);
  window.addEventListener("beforeunload", leave);
  request.send(new FormData(form));
}

/** @param {XMLHttpRequest} request @returns {any} */
function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {}; // a page: of a proxy, or for a tab that has ended
  }
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const input = /** @type {HTMLInputElement | null} */ (form.querySelector("input[type='file']"));
  if (!form.matches("[data-upload]") || !input?.files?.length) {
    return;
  }
  event.preventDefault();
  if (form.querySelector("[aria-busy='true']")) {
    return;
  }
  clearErrors(form);
  if (isTooLarge(input)) {
    showError(form, input, input.dataset.textTooLarge ?? "");
    input.focus();
    return;
  }
  send(form, input);
});
document.addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const form = input.closest("form[data-upload]");
  if (form instanceof HTMLFormElement && input.type === "file") {
    clearErrors(form);
    if (isTooLarge(input)) {
      showError(form, input, input.dataset.textTooLarge ?? "");
    }
  }
});
