"""Interactions as templates show them: the parts of the topic, put together (as `interactions.js` does)."""

from typing import Any

from django import template

register = template.Library()


@register.simple_tag
def interaction_cards(parts: dict[str, Any] | None) -> list[dict[str, Any]]:
    """One card for each: moderators see theirs, everybody else what is for everybody."""
    parts = parts or {}
    votes = parts.get("own", {})
    rows = parts.get("moderators", parts.get("shared", []))
    return [_card(each, votes.get(each["id"])) for each in rows]


def _card(each: dict[str, Any], mine: dict[str, Any] | None) -> dict[str, Any]:
    chosen = {*mine["choices"], mine["rating"]} if mine else set()
    texts = {choice["id"]: choice["text"] for choice in each["choices"]}
    results = each["results"] or {"bars": [], "texts": [], "voters": 0, "average": None}
    return {
        **each,
        "mine": mine,
        "is_answered": mine is not None,
        "has_results": each["results"] is not None,
        "steps": range(1, each["highest"] + 1) if each["kind"] == "rating" else (),
        "offers": [
            {
                **choice,
                "is_mine": choice["id"] in chosen,
                "is_right": choice["id"] in each["right"],
            }
            for choice in each["choices"]
        ],
        "voters": results["voters"],
        "average": results["average"],
        "texts": results["texts"],
        "bars": [
            {
                **bar,
                "text": texts.get(bar["key"], bar["key"]),
                "is_mine": bar["key"] in chosen,
                "is_right": bar["key"] in each["right"],
            }
            for bar in results["bars"]
        ],
    }


@register.filter
def waiting(cards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that run and that the viewer has not answered."""
    return [card for card in cards if card["state"] == "running" and not card["is_answered"]]
