"""What a page asks to have done inside the room, by socket or by post: a verb, its values, an answer."""

from rooms.acts.values import Values
from rooms.acts.verbs import VERBS, perform, refused_act, speaking

__all__ = ["VERBS", "Values", "perform", "refused_act", "speaking"]
