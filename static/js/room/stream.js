// @ts-check
/**
 * Inside the stage's frame: a stream or a video file from elsewhere. Browsers that play HLS themselves do; for the others hls.js, without
 * workers (our policy allows none of its making). What fails is tried again: a webcast often begins later than its page.
 */

import { listenToKeys } from "./keys.js";

const AGAIN = 5000;
const MOST = 60000;
const video = /** @type {HTMLVideoElement} */ (document.querySelector("video"));
const failed = /** @type {HTMLElement} */ (document.querySelector("[data-failed]"));
const address = video.getAttribute("src") ?? "";
let pause = AGAIN;

/** @param {() => void} retry */
function later(retry) {
  failed.hidden = false;
  setTimeout(retry, pause * (0.75 + Math.random() / 2)); // thousands watch: not all at once
  pause = Math.min(pause * 1.5, MOST);
}

function plays() {
  failed.hidden = true;
  pause = AGAIN;
}

function plain() {
  video.addEventListener("error", () => later(() => video.load()));
}

async function stream() {
  video.removeAttribute("src");
  const { default: Hls } = await import(video.dataset.library ?? "");
  if (!Hls.isSupported()) {
    video.src = address;
    plain();
    return;
  }
  const open = () => {
    const hls = new Hls({ enableWorker: false });
    hls.on(Hls.Events.ERROR, (/** @type {any} */ _name, /** @type {any} */ said) => {
      if (said.fatal && said.type === Hls.ErrorTypes.MEDIA_ERROR) {
        hls.recoverMediaError();
      } else if (said.fatal) {
        hls.destroy();
        later(open);
      }
    });
    hls.loadSource(address);
    hls.attachMedia(video);
  };
  open();
}

listenToKeys(document.body, video);
video.addEventListener("loadeddata", plays);
video.addEventListener("playing", plays);
if (video.matches("[data-stream]") && !video.canPlayType("application/vnd.apple.mpegurl")) {
  void stream();
} else {
  plain();
}
