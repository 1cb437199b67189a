// @ts-check
/** The keys of a video, those of most players: on our own stage, and in the frame around one from elsewhere. */

const STEP = 10;
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

/** @param {HTMLVideoElement} video @param {string} key @returns {boolean} whether the key meant something */
function press(video, key) {
  switch (key) {
    case "k":
      void (video.paused ? video.play().catch(() => undefined) : video.pause());
      return true;
    case "j":
      video.currentTime = Math.max(video.currentTime - STEP, 0);
      return true;
    case "l":
      video.currentTime = Math.min(video.currentTime + STEP, video.duration || 0);
      return true;
    case ",":
      video.playbackRate = SPEEDS.findLast((speed) => speed < video.playbackRate) ?? SPEEDS[0];
      return true;
    case ".":
      video.playbackRate = SPEEDS.find((speed) => speed > video.playbackRate) ?? 2;
      return true;
    case "m":
      video.muted = !video.muted;
      return true;
    case "c":
      turnCaptions(video);
      return true;
    case "f":
      void (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen?.().catch(() => undefined));
      return true;
    default:
      return false;
  }
}

/** @param {HTMLVideoElement} video */
function turnCaptions(video) {
  const tracks = [...video.textTracks];
  const isOn = tracks.some((track) => track.mode === "showing");
  const own = tracks.find((track) => navigator.language.startsWith(track.language)) ?? tracks[0];
  for (const track of tracks) {
    track.mode = !isOn && track === own ? "showing" : "disabled";
  }
}

/** @param {HTMLElement} place whose keys are meant for the video @param {HTMLVideoElement} video */
export function listenToKeys(place, video) {
  place.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && press(video, event.key.toLowerCase())) {
      event.preventDefault();
    }
  });
}
