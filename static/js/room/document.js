// @ts-check
/**
 * A PDF as pages below each other: drawn when they come near, given back when they are far, with a layer of text over each that can be
 * selected and read aloud. pdf.js and its worker are our own files.
 */

const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];
const GAP = 12; // pixels around a page, as room.css has it

/**
 * @param {HTMLElement} root
 * @param {() => Record<string, string>} shown what shows who asks, where no cookie does
 */
export async function openDocument(root, shown) {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-${name}]`));
  const wait = part("document-wait");
  wait.hidden = false;
  try {
    const data = root.dataset;
    const pdfjs = await import(data.library ?? "");
    pdfjs.GlobalWorkerOptions.workerSrc = data.worker;
    const address = (/** @type {string | undefined} */ path) => new URL(path ?? "", location.href).href;
    const task = pdfjs.getDocument({ url: address(data.address), httpHeaders: shown(), cMapUrl: address(data.cmaps), wasmUrl: address(data.wasm), isEvalSupported: false, disableAutoFetch: true, rangeChunkSize: 262144 });
    const file = await task.promise;
    await new Paper(root, part, pdfjs, file).start();
    wait.hidden = true;
  } catch {
    wait.hidden = true;
    part("document-failed").hidden = false;
  }
}

class Paper {
  /** @param {HTMLElement} root @param {(name: string) => HTMLElement} part @param {any} pdfjs @param {any} file */
  constructor(root, part, pdfjs, file) {
    this.root = root;
    this.part = part;
    this.pdfjs = pdfjs;
    this.file = file;
    this.place = part("pages");
    this.number = /** @type {HTMLInputElement} */ (part("page-number"));
    this.zoom = 1;
    this.width = 0;
    this.top = 0;
    /** @type {{element: HTMLElement, width: number, height: number, drawn: number, task: any}[]} the sizes are those of the document */
    this.pages = [];
    this.seen = new Set();
  }

  async start() {
    const first = (await this.file.getPage(1)).getViewport({ scale: 1 });
    const watch = new IntersectionObserver((changes) => this.#moved(changes), { root: this.place, rootMargin: "60% 0px" });
    for (let at = 1; at <= this.file.numPages; at += 1) {
      const element = document.createElement("div");
      element.className = "paper__page";
      element.dataset.page = String(at);
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", (this.root.dataset.textPage ?? "").replace("NUMBER", String(at)));
      this.pages.push({ element, width: first.width, height: first.height, drawn: 0, task: null });
      this.place.append(element);
    }
    this.part("page-total").textContent = String(this.pages.length);
    this.number.max = String(this.pages.length);
    this.part("document-tools").hidden = false;
    this.#lay();
    for (const page of this.pages) {
      watch.observe(page.element);
    }
    this.#listen();
  }

  #listen() {
    let timer = 0;
    new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(() => this.place.clientWidth && Math.abs(this.place.clientWidth - this.width) > 1 && this.#keepingPlace(() => this.#lay()), 100);
    }).observe(this.place);
    this.place.addEventListener("scroll", () => {
      this.top = this.place.scrollTop;
      if (document.activeElement !== this.number) {
        this.number.value = String(this.#here() + 1);
      }
    });
    this.part("page-before").addEventListener("click", () => this.#go(this.#here() - 1));
    this.part("page-next").addEventListener("click", () => this.#go(this.#here() + 1));
    this.part("zoom-out").addEventListener("click", () => this.#zoomTo(ZOOMS.findLast((zoom) => zoom < this.zoom)));
    this.part("zoom-in").addEventListener("click", () => this.#zoomTo(ZOOMS.find((zoom) => zoom > this.zoom)));
    this.number.addEventListener("change", () => this.#go(Number(this.number.value) - 1));
    this.place.addEventListener("keydown", (event) => this.#press(event));
    // Taken out of the page and put back, it has lost its place.
    this.root.closest("[data-stage-key]")?.addEventListener("stage:back", () => {
      this.place.scrollTop = this.top;
    });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const acts = /** @type {Record<string, () => void>} */ ({
      ArrowLeft: () => this.#go(this.#here() - 1),
      ArrowRight: () => this.#go(this.#here() + 1),
      "+": () => this.#zoomTo(ZOOMS.find((zoom) => zoom > this.zoom)),
      "-": () => this.#zoomTo(ZOOMS.findLast((zoom) => zoom < this.zoom)),
      0: () => this.#zoomTo(1),
    });
    if (acts[event.key]) {
      event.preventDefault();
      acts[event.key]();
    }
  }

  /** @returns {number} the page that most is seen of */
  #here() {
    const middle = this.place.scrollTop + this.place.clientHeight / 2;
    const found = this.pages.findIndex((page) => page.element.offsetTop + page.element.offsetHeight + GAP > middle);
    return found < 0 ? this.pages.length - 1 : found;
  }

  /** @param {number} at */
  #go(at) {
    const page = this.pages[Math.min(Math.max(at || 0, 0), this.pages.length - 1)];
    this.place.scrollTop = page.element.offsetTop - GAP;
    this.number.value = page.element.dataset.page ?? "";
  }

  /** @param {number | undefined} zoom */
  #zoomTo(zoom) {
    if (zoom) {
      this.#keepingPlace(() => {
        this.zoom = zoom;
        this.#lay();
      });
    }
  }

  /** @param {() => void} change */
  #keepingPlace(change) {
    const page = this.pages[this.#here()].element;
    const share = (this.place.scrollTop - page.offsetTop) / (page.offsetHeight || 1);
    change();
    this.place.scrollTop = page.offsetTop + share * page.offsetHeight;
  }

  /** @param {{width: number}} page */
  #scale(page) {
    return (Math.max(this.width - 2 * GAP, 100) / page.width) * this.zoom;
  }

  /** Give every page its size, and draw again what is near. */
  #lay() {
    this.width = this.place.clientWidth;
    this.part("zoom").textContent = `${Math.round(this.zoom * 100)} %`;
    for (const page of this.pages) {
      this.#size(page);
    }
    for (const page of this.seen) {
      void this.#draw(page);
    }
  }

  /** @param {{element: HTMLElement, width: number, height: number}} page */
  #size(page) {
    page.element.style.width = `${Math.floor(page.width * this.#scale(page))}px`;
    page.element.style.height = `${Math.floor(page.height * this.#scale(page))}px`;
  }

  /** @param {IntersectionObserverEntry[]} changes */
  #moved(changes) {
    for (const change of changes) {
      const page = this.pages[Number(/** @type {HTMLElement} */ (change.target).dataset.page) - 1];
      if (change.isIntersecting) {
        this.seen.add(page);
        void this.#draw(page);
      } else if (this.seen.delete(page)) {
        page.task?.cancel();
        page.drawn = 0;
        page.element.replaceChildren();
      }
    }
  }

  /** @param {any} page */
  async #draw(page) {
    const found = await this.file.getPage(Number(page.element.dataset.page));
    const own = found.getViewport({ scale: 1 });
    if (own.width !== page.width || own.height !== page.height) {
      page.width = own.width;
      page.height = own.height;
      this.#size(page);
    }
    const scale = this.#scale(page);
    if (page.drawn === scale || !this.seen.has(page)) {
      return;
    }
    page.drawn = scale;
    page.task?.cancel();
    const viewport = found.getViewport({ scale });
    const sharpness = Math.min(window.devicePixelRatio || 1, 4096 / Math.max(viewport.width, viewport.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(viewport.width * sharpness);
    canvas.height = Math.floor(viewport.height * sharpness);
    canvas.setAttribute("aria-hidden", "true");
    const text = document.createElement("div");
    text.className = "paper__text";
    text.style.setProperty("--total-scale-factor", String(scale));
    try {
      page.task = found.render({ canvas, viewport, transform: [sharpness, 0, 0, sharpness, 0, 0] });
      await page.task.promise;
      await new this.pdfjs.TextLayer({ textContentSource: found.streamTextContent(), container: text, viewport }).render();
      if (page.drawn === scale) {
        page.element.replaceChildren(canvas, text);
      }
    } catch {
      // another size is being drawn by now
    }
  }
}
