// @ts-check
/** One's own raised hand, on every page that one has open. Those of the others are in the list of people. */

/** @param {import("./topics.js").Room} room @returns {import("./topics.js").Topic} */
export function hand(room) {
  const button = () => room.root()?.querySelector("[data-hand-button]") ?? null;

  /** @param {boolean} isRaised */
  function show(isRaised) {
    button()?.setAttribute("aria-pressed", String(isRaised));
  }

  async function move() {
    const isRaised = button()?.getAttribute("aria-pressed") !== "true";
    show(isRaised);
    if (!(await room.attempt("people.hand", { is_raised: isRaised }))) {
      show(!isRaised);
    }
  }

  return {
    name: "hand",
    enter() {
      button()?.addEventListener("click", move);
    },
    state(parts) {
      if (parts.own) {
        show(parts.own.is_raised);
      }
    },
    change(change) {
      show(change.is_raised);
    },
  };
}
