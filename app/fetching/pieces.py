"""A file's bytes for a reader that takes them piece by piece, and not in more pieces than an honest file has.

Comments, texts and chunks of a byte each make a file of 64 MB cost its reader ten seconds, and two gigabytes for what
it keeps of them.
"""

from __future__ import annotations

import io

from app.fetching.refusal import refusal
from app.values import RefusalCode

MOST_PIECES = 500_000
"""Two to four are read of each chunk or block. A PNG of 64 MB in chunks of 4 KB has some 80,000."""


class Pieces(io.BytesIO):
    """The bytes of a file of the format `name`. `read` raises Refusal where it is called more often than MOST_PIECES.

    BMP is free of it: what runs of one color it has, Pillow reads by the byte.
    """

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(data)
        self._name = name
        self._left = MOST_PIECES if name != "bmp" else len(data) + MOST_PIECES

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file."""
        self._left -= 1
        if self._left < 0:
            message = f"The {self._name} file lies in too many pieces."
            raise refusal(RefusalCode.CORRUPT, message, f"more than {MOST_PIECES:,}", f"{MOST_PIECES:,}")
        return super().read(size)
