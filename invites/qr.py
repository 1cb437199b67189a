"""A link as a picture, by segno."""

from io import BytesIO
from typing import Final

import segno

MODULE: Final = 6  # pixels of each little square: sharp on screens that show two for one
BORDER: Final = 4  # squares of white around it, as the standard asks for


def qr_png(text: str) -> bytes:
    """A QR code as a PNG, black on white: many readers know no other."""
    picture = BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="png", scale=MODULE, border=BORDER)
    return picture.getvalue()
