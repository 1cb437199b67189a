// @ts-check
/**
 * The stage of an entry that shows something: a video of ours with its keys, a document, the frame of a player from elsewhere; and the
 * slides on a room's quiet stage.
 *
 * The room's part is renewed under it (another role, another title): what plays goes on, because the same stage is put back. In a tab
 * whose browser refuses our cookies, what a player fetches by itself is not known to the server; there a ticket in its address says
 * who asks, and is renewed while the page is open (`rooms.tickets`).
 */

import { listenToKeys } from "./keys.js";

/** @type {HTMLElement | null} */
let current = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let renewal;

/** @returns {Record<string, string>} what shows who asks, where no cookie does */
function shown() {
  /** @type {Record<string, string>} */
  const headers = {};
  document.dispatchEvent(new CustomEvent("foyer:request", { detail: { headers } }));
  return headers;
}

/** @param {HTMLElement} stage @returns {Promise<string>} the beginning of addresses with a ticket */
async function ticket(stage) {
  const response = await fetch(stage.dataset.ticket ?? "", { headers: { Accept: "application/json", ...shown() }, credentials: "same-origin" });
  if (!response.ok) {
    throw new Error(String(response.status));
  }
  const answer = await response.json();
  clearTimeout(renewal);
  renewal = setTimeout(() => ticket(stage).catch(() => undefined), answer.seconds * 400);
  return answer.base;
}

/** @param {HTMLElement} stage */
async function useTicket(stage) {
  const base = await ticket(stage);
  for (const frame of stage.querySelectorAll("iframe[data-stage-frame]")) {
    const player = /** @type {HTMLIFrameElement} */ (frame);
    if (!player.src.endsWith(`${base}stage/`)) {
      player.src = `${base}stage/`;
    }
  }
  for (const media of stage.querySelectorAll("video[data-file], track[data-file]")) {
    /** @type {HTMLVideoElement | HTMLTrackElement} */ (media).src = `${base}file/${/** @type {HTMLElement} */ (media).dataset.file}`;
  }
}

/** @param {HTMLElement} stage @param {HTMLVideoElement} video */
function startVideo(stage, video) {
  listenToKeys(stage, video);
  let isTrying = false;
  video.addEventListener("error", () => {
    if (isTrying || !stage.isConnected) {
      return;
    }
    isTrying = true;
    const at = video.currentTime;
    const wasPlaying = !video.paused;
    document.dispatchEvent(new CustomEvent("foyer:toast", { detail: { text: video.dataset.textFailed ?? "" } }));
    setTimeout(async () => {
      isTrying = false;
      if (shown().Authorization) {
        await useTicket(stage).catch(() => undefined); // asleep for longer than a ticket lives
      }
      video.load();
      video.currentTime = at;
      if (wasPlaying) {
        video.play().catch(() => undefined);
      }
    }, 3000 + Math.random() * 4000);
  });
}

/** @param {HTMLElement} stage */
function start(stage) {
  clearTimeout(renewal);
  current = stage;
  const video = /** @type {HTMLVideoElement | null} */ (stage.querySelector("video[data-stage-video]"));
  const paper = /** @type {HTMLElement | null} */ (stage.querySelector("[data-document]"));
  if (shown().Authorization && stage.querySelector("[data-stage-frame], video[data-file]")) {
    useTicket(stage).catch(() => undefined);
  }
  if (video) {
    startVideo(stage, video);
  }
  if (paper) {
    void import("./document.js").then(({ openDocument }) => openDocument(paper, shown));
  }
}

function look() {
  const stage = /** @type {HTMLElement | null} */ (document.querySelector("main [data-stage-key]"));
  if (!stage) {
    clearTimeout(renewal);
    current = null;
    return;
  }
  if (stage === current) {
    return;
  }
  const before = current;
  if (before && before.dataset.stageKey === stage.dataset.stageKey && before.querySelector("video[data-file], [data-document]")) {
    putBack(before, stage);
  } else {
    start(stage);
  }
}

/** The same as before: it goes on. @param {HTMLElement} before @param {HTMLElement} stage */
function putBack(before, stage) {
  const video = before.querySelector("video");
  const wasPlaying = video?.dataset.wasPlaying === "yes";
  stage.replaceWith(before);
  before.dispatchEvent(new CustomEvent("stage:back"));
  if (video && wasPlaying) {
    video.play().catch(() => undefined);
  }
}

// A video pauses when it is taken out of the page, so whether it plays is noted before.
for (const name of ["play", "pause"]) {
  document.addEventListener(
    name,
    (event) => {
      const video = /** @type {HTMLElement} */ (event.target);
      if (video.matches?.("video[data-stage-video]") && video.isConnected) {
        video.dataset.wasPlaying = name === "play" ? "yes" : "no";
      }
    },
    true,
  );
}
document.addEventListener("foyer:added", look);
look();
