"""Who is compared, doing what, and the ratios that we want to reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entrant:
    """A program in one of its modes. `does` says what happens to each image beside the download."""

    program: str
    mode: str
    does: str

    @property
    def name(self) -> str:
        """How it is called in tables and arguments."""
        return f"{self.program}-{self.mode}"


@dataclass(frozen=True)
class Bar:
    """`ours` shall do at least `least` times the images a second of `other`; without `least` it is only told."""

    ours: str
    other: str
    least: float | None = None


ENTRANTS = (
    Entrant("limit", "decode", "every coefficient decoded at 1/8, SHA-256, difference hash, a file each; no service"),
    Entrant("ours", "decode", "every coefficient decoded at 1/8, SHA-256, perceptual hash, a file each, rows"),
    Entrant("img2dataset", "decode", "decoded whole, SHA-256, bytes kept, tars"),
    Entrant("icrawler", "open", "header read by Pillow, a file each; no hash"),
    Entrant("daft", "decode", "decoded whole, SHA-256, bytes, digest and size into Parquet"),
    Entrant("limit", "header", "header and end marker read, SHA-256, a file each; no service"),
    Entrant("ours", "header", "header and end marker read, SHA-256, a file each, rows; no perceptual hash"),
    Entrant("img2dataset", "raw", "SHA-256, bytes as they came, tars"),
    Entrant("daft", "bytes", "nothing: counted, not kept"),
    Entrant("limit", "full", "decoded whole, SHA-256, difference hash, a file each; no service"),
    Entrant("ours", "full", "decoded whole, SHA-256, perceptual hash, a file each, rows"),
    Entrant("img2dataset", "resize", "decoded whole, 256x256 with a border, encoded anew, SHA-256, a file each"),
)
BARS = (
    Bar("ours-decode", "limit-decode", 0.8),
    Bar("ours-decode", "img2dataset-decode", 1.7),
    Bar("ours-decode", "img2dataset-resize", 4.0),
    Bar("ours-decode", "icrawler-open", 1.9),
    Bar("ours-decode", "daft-decode", 3.5),
    Bar("ours-header", "img2dataset-raw", 2.0),
    Bar("ours-header", "daft-bytes", 0.6),
    Bar("ours-header", "limit-header"),
    Bar("ours-full", "limit-full"),
    Bar("ours-full", "img2dataset-decode"),
    Bar("ours-full", "daft-decode"),
)
