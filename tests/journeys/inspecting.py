"""Whether everybody can use a page: the rules of WCAG 2.2 AA, and nothing runs out of a narrow screen."""

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
HEIGHTS: Final = {320: 640, 390: 844, 1280: 800}
# Colours that are on their way to others would be taken for colours that are hard to read.
# An inherited colour moves on level by level, a frame for each.
SETTLED: Final = """async () => {
    const isEndless = (each) => each.effect.getTiming().iterations === Infinity;
    const isOnItsWay = (each) => each.playState === 'running' && !isEndless(each);
    const isMoving = () => document.getAnimations().some(isOnItsWay);
    for (let calm = 0, frames = 0; calm < 3 && frames < 60; frames++) {
        await new Promise(requestAnimationFrame);
        calm = isMoving() ? 0 : calm + 1;
    }
}"""
LOOKED_AT: Final = tuple((width, scheme) for width in (390, 1280) for scheme in ("light", "dark"))
QUICKLY: Final = ((390, "light"), (1280, "dark"))  # for what shares its colours with a page that is looked at


def inspect(page: Page, name: str, looked_at: tuple[tuple[int, str], ...] = LOOKED_AT) -> list[str]:
    """What is wrong with the page as it stands, wide and narrow, light and dark; empty where nothing is."""
    page.wait_for_load_state()  # before its style sheets are there, any page runs out of the screen
    before = page.viewport_size
    wrong = [
        f"{name}: {width} px wide, and {beyond} px more to scroll to"
        for width in HEIGHTS
        if (beyond := _beyond(page, width)) > 0
    ]
    axe = Axe()
    for width, scheme in looked_at:
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.evaluate(SETTLED)
        found = axe.run(page, options=RULES)
        if found.violations_count:
            wrong.append(f"{name}, {width} px, {scheme}: {found.generate_report()}")
    page.emulate_media(color_scheme="light")
    if before is not None:
        page.set_viewport_size(before)
    return wrong


def _beyond(page: Page, width: int) -> int:
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    page.evaluate(SETTLED)
    beyond: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return beyond
