// @ts-check
/**
 * Audio and video on the stage (`templates/rooms/stage/`). The way in is asked for when somebody wants it (`stage.join`) and stands in no
 * page: a meeting's address to open beside the room, or a token for the meeting inside it. The token lasts minutes: it is asked for again
 * before it ends, and whoever is given none any more leaves.
 *
 * Where somebody who moderates has joined, Jitsi's own server keeps everybody silent but those who moderate and those whom they approve:
 * `moderate`. Whoever is on the stage beside them tells our server the name that the meeting has for them (`stage.known_as`); it tells the
 * pages of those who moderate, and they approve it. What is only a page's politeness says so below (`rooms/engines/jitsi.py`).
 *
 * While a meeting runs in the page its element says `data-stage-live`; `room.js` then keeps it where the room around it is renewed.
 */

import { Refusal } from "./topics.js";

const BEFORE_THE_END = 60; // seconds
const SOONEST = 15;
const LINK_SHOWN_FOR = 60000; // milliseconds
const AGAIN_AFTER = 60000;
const WISHED_FOR = 15000;
const INTRODUCED_AFTER = 1000; // the others have heard by then that we came

/** What Jitsi's server keeps from whoever neither moderates nor was approved, and how its page approves. */
const MODERATED = { audio: "askToUnmute", video: "approveVideo" };

/** Politeness alone: what somebody who watches finds among Jitsi's buttons; whoever is on the stage finds all of the host's. */
const FOR_VIEWERS = ["raisehand", "tileview", "fullscreen", "settings", "stats", "hangup"];

/** @param {string} source a script of another host @returns {Promise<void>} */
function load(source) {
  const found = /** @type {HTMLScriptElement | undefined} */ ([...document.scripts].find((each) => each.src === source));
  if (found?.dataset.isLoaded) {
    return Promise.resolve();
  }
  found?.remove();
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = source;
    script.referrerPolicy = "no-referrer";
    script.addEventListener("load", () => {
      script.dataset.isLoaded = "true";
      done();
    });
    script.addEventListener("error", () => failed(new Error("script")));
    document.head.append(script);
  });
}

/** Whether this page may run and frame what lives there: its policy is as old as the page. @param {string} origin */
function isAllowed(origin) {
  return (document.querySelector("meta[name='foyer-stage']")?.getAttribute("content") ?? "").split(" ").includes(origin);
}

/** Whether whoever frames us lets us use camera and microphone; a browser that does not say so is believed to. */
function hasDevices() {
  const policy = /** @type {any} */ (document).permissionsPolicy ?? /** @type {any} */ (document).featurePolicy;
  return !policy?.allowsFeature || (policy.allowsFeature("camera") && policy.allowsFeature("microphone"));
}

/** Remembers, while a page is loaded anew, that its reader is or wants to be in the meeting. */
const WISH = `foyer-stage:${location.pathname}`;

function keepWish() {
  try {
    sessionStorage.setItem(WISH, String(Date.now()));
  } catch {
    // this browser keeps nothing for us: the button is there
  }
}

/** @returns {boolean} */
function isWished() {
  try {
    const age = Date.now() - Number(sessionStorage.getItem(WISH) ?? 0);
    return age >= 0 && age < WISHED_FOR;
  } catch {
    return false;
  }
}

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function stage(room) {
  /** @type {HTMLElement | null} */
  let place = null;
  /** @type {any} the running meeting */
  let meeting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let renewal;
  let introduce = () => {};
  let isJoining = false;
  let hasCome = false;
  let againAt = 0;
  let hasBeenWished = isWished(); // when this page came
  try {
    sessionStorage.removeItem(WISH);
  } catch {
    hasBeenWished = false;
  }
  window.addEventListener("pagehide", () => meeting !== null && keepWish());

  /** @param {string} name @returns {HTMLElement | null} */
  const find = (name) => place?.querySelector(name) ?? null;

  /** @param {string} name @param {string} text */
  function say(name, text) {
    const element = find(name);
    if (element) {
      element.textContent = text;
    }
  }

  /** @param {unknown} error */
  function fail(error) {
    say("[data-stage-status]", "");
    say("[data-stage-error]", (error instanceof Refusal && error.message) || place?.dataset.textFailed || "");
  }

  async function join() {
    const here = place;
    if (!here || isJoining) {
      return;
    }
    isJoining = true;
    say("[data-stage-error]", "");
    say("[data-stage-status]", here.dataset.textJoining ?? "");
    try {
      const way = await room.act("stage.join", {});
      if (place === here) {
        await (way.kind === "embed" ? embed(way) : open(way.address));
      }
    } catch (error) {
      if (place === here) {
        fail(error);
      }
    } finally {
      isJoining = false;
    }
  }

  /** A meeting elsewhere: opened at once where the browser lets us, else by the link. @param {string} address */
  function open(address) {
    const link = /** @type {HTMLAnchorElement | null} */ (find("[data-stage-link]"));
    if (!link) {
      return;
    }
    link.href = address;
    link.hidden = false;
    say("[data-stage-status]", place?.dataset.textOpened ?? "");
    link.click();
    setTimeout(() => {
      link.removeAttribute("href");
      link.hidden = true;
      say("[data-stage-status]", "");
    }, LINK_SHOWN_FOR);
  }

  /** @param {Record<string, any>} way */
  async function embed(way) {
    const here = place;
    const frame = find("[data-stage-frame]");
    if (!here || !frame) {
      return;
    }
    if (!isAllowed(new URL(way.script).origin)) {
      reload(here);
      return;
    }
    await load(way.script);
    if (place !== here) {
      return; // the doors were faster
    }
    end();
    const isOnStage = "onStage" in here.dataset;
    frame.hidden = false;
    /** @type {HTMLElement} */ (find("[data-stage-before]")).hidden = true;
    here.dataset.stageLive = "";
    const Jitsi = /** @type {any} */ (window).JitsiMeetExternalAPI;
    meeting = new Jitsi(way.domain, {
      roomName: way.room,
      jwt: way.token,
      parentNode: frame,
      width: "100%",
      height: "100%",
      lang: document.documentElement.lang,
      configOverwrite: {
        subject: here.dataset.title,
        prejoinConfig: { enabled: isOnStage },
        startWithAudioMuted: !isOnStage,
        startWithVideoMuted: !isOnStage,
        disableInitialGUM: !isOnStage,
        disableInviteFunctions: true,
        disableDeepLinking: true,
        doNotStoreRoom: true,
        p2p: { enabled: false }, // everything passes by the server, which keeps silent whom it has to
        ...(isOnStage ? {} : { toolbarButtons: FOR_VIEWERS }),
      },
    });
    const running = meeting;
    const inner = /** @type {HTMLIFrameElement | null} */ (frame.querySelector("iframe"));
    if (inner) {
      inner.title = here.dataset.textFrame ?? "";
    }
    meeting.addListener?.("readyToClose", () => running === meeting && leave(here.dataset.textLeft ?? ""));
    meeting.addListener?.("errorOccurred", (/** @type {any} */ event) => {
      if (running === meeting && event?.error?.isFatal && Date.now() > againAt) {
        againAt = Date.now() + AGAIN_AFTER;
        void join(); // with a token of now
      }
    });
    moderate(running, here);
    renewIn(way.expires_in);
  }

  /**
   * See to it that Jitsi's server keeps silent whoever is not on the stage, and lets speak whoever is.
   * @param {any} running
   * @param {HTMLElement} here
   */
  function moderate(running, here) {
    const doesModerate = "moderates" in here.dataset;
    let name = "";
    const silenced = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let introduction;
    const switchOn = () => {
      for (const medium of Object.keys(MODERATED)) {
        running.executeCommand?.("toggleModeration", true, medium);
      }
    };
    introduce = () => {
      clearTimeout(introduction);
      if (name && silenced.size && !doesModerate && "onStage" in here.dataset) {
        introduction = setTimeout(() => {
          if (running === meeting) {
            room.act("stage.known_as", { name }).catch(() => {}); // said again with the next token
          }
        }, INTRODUCED_AFTER);
      }
    };
    /** @param {string} event @param {(told: any) => void} listener */
    const on = (event, listener) => running.addListener?.(event, (/** @type {any} */ told) => running === meeting && listener(told ?? {}));
    on("videoConferenceJoined", ({ id }) => {
      name = id ?? "";
      if (doesModerate) {
        switchOn();
      }
      introduce();
    });
    on("participantRoleChanged", ({ id, role }) => {
      if (role === "moderator" && doesModerate && id === name) {
        switchOn(); // some hosts make us a moderator only now
      } else if (role === "moderator") {
        introduce();
      }
    });
    on("moderationStatusChanged", ({ enabled, mediaType }) => {
      if (enabled) {
        silenced.add(mediaType);
        introduce();
      } else {
        silenced.delete(mediaType);
      }
    });
    on("moderationParticipantApproved", ({ id, mediaType }) => id === name && silenced.delete(mediaType));
  }

  /** Somebody of the stage says who they are in the meeting. @param {any} running @param {string} name */
  async function approve(running, name) {
    for (const [medium, command] of Object.entries(MODERATED)) {
      if (running === meeting && (await running.isParticipantForceMuted?.(name, medium)) !== false) {
        running.executeCommand?.(command, name);
      }
    }
  }

  /** This page came before the host chose: its policy lets nobody in. @param {HTMLElement} here */
  function reload(here) {
    if (!hasBeenWished) {
      keepWish();
      say("[data-stage-status]", here.dataset.textRenew ?? "");
      location.reload();
      return;
    }
    fail(null);
  }

  /** @param {number} seconds for which the token is good */
  function renewIn(seconds) {
    clearTimeout(renewal);
    renewal = setTimeout(renew, Math.max(seconds - BEFORE_THE_END, SOONEST) * 1000);
  }

  /** Are we still welcome? */
  async function renew() {
    const here = place;
    const running = meeting;
    try {
      const way = await room.act("stage.join", {});
      if (running === meeting && place === here) {
        renewIn(way.expires_in ?? SOONEST);
        introduce();
      }
    } catch (error) {
      if (running !== meeting || place !== here) {
        return;
      }
      if (error instanceof Refusal && error.reason !== "unavailable") {
        leave(error.message);
      } else {
        renewIn(0); // no connection is no answer
      }
    }
  }

  /** The meeting is over for this page; its element stays. @param {string} text */
  function leave(text) {
    end();
    const before = find("[data-stage-before]");
    if (before) {
      before.hidden = false;
      /** @type {HTMLElement | null} */ (before.querySelector("[data-stage-join] button"))?.focus({ preventScroll: true });
    }
    say("[data-stage-status]", text);
  }

  function end() {
    clearTimeout(renewal);
    const running = meeting;
    meeting = null;
    introduce = () => {};
    running?.dispose?.();
    const frame = find("[data-stage-frame]");
    if (frame) {
      frame.replaceChildren();
      frame.hidden = true;
    }
    delete place?.dataset.stageLive;
  }

  return {
    name: "stage",
    enter(root) {
      const found = /** @type {HTMLElement | null} */ (root.querySelector("[data-stage-engine]"));
      if (found && found === place) {
        return; // it was kept, and the meeting goes on
      }
      const wasIn = meeting !== null;
      end();
      place = found;
      if (!place) {
        return;
      }
      find("[data-stage-join]")?.addEventListener("submit", (event) => {
        event.preventDefault();
        void join();
      });
      const noDevices = find("[data-stage-no-devices]");
      if (noDevices) {
        noDevices.hidden = !("onStage" in place.dataset) || hasDevices();
      }
      if (place.dataset.stageEngine === "jitsi" && (wasIn || (hasBeenWished && !hasCome))) {
        void join(); // with another role, in another room, or in a page that was loaded anew
      }
      hasCome = true;
    },
    leave() {
      // What comes instead is put in place at once: after it, see whether our element is still there.
      queueMicrotask(() => {
        if (place && !place.isConnected && !room.root()) {
          end();
          place = null;
        }
      });
    },
    state() {},
    change(change) {
      if (meeting !== null && place && "moderates" in place.dataset && change.known_as) {
        void approve(meeting, change.known_as);
      }
    },
  };
}
