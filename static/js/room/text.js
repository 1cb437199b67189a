// @ts-check
/** What people wrote, as text: links can be followed and nothing else happens. The pattern is that of `rooms/templatetags/rooms.py`. */

const LINK = /https?:\/\/[^\s<>"'\u00ab\u00bb\u201c\u201d]+/giu;
const AFTER_A_LINK = /[.,;:!?)\]}\u2026]+$/u;

/** @param {HTMLElement} place @param {string} text */
export function showText(place, text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const address = found[0].replace(AFTER_A_LINK, "");
    parts.push(text.slice(at, found.index), linkTo(address));
    at = found.index + address.length;
  }
  place.replaceChildren(...parts, text.slice(at));
}

/** @param {string} address @returns {Node} */
function linkTo(address) {
  if (!URL.canParse(address)) {
    return document.createTextNode(address);
  }
  const link = document.createElement("a");
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow ugc";
  link.textContent = address; // all of it: what is read is where it leads
  return link;
}
