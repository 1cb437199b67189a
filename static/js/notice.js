// @ts-check
/** What just happened is told once: the code in the address (`?notice=…`) goes, so that a reload or a bookmark does not tell it again. */

const here = new URL(location.href);
if (here.searchParams.has("notice")) {
  here.searchParams.delete("notice");
  history.replaceState(history.state, "", here);
}
