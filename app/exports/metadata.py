"""A line of `metadata.jsonl` per image, as Hugging Face's imagefolder reads it: where it lies, what and whose it is."""

from __future__ import annotations

import orjson

from app.exports.base import ExportImage
from app.values import PROVENANCE_KEYS, Json


def metadata_line(image: ExportImage, file_name: str) -> bytes:
    """The image's line, with its newline. Every key is in every line, null where unknown: readers take columns of it.

    `file_name` is relative to the file's folder; `sha256` is lower-case hex, `phash` 16 hex digits.
    """
    line: dict[str, Json] = {
        "file_name": file_name,
        "url": image.original_url,
        "label": image.keyword,
        "width": image.width,
        "height": image.height,
        "file_size": image.file_size,
        "format": image.format,
        "sha256": image.sha256.hex(),
        "phash": None if image.phash is None else f"{image.phash & 0xFFFFFFFFFFFFFFFF:016x}",
    }
    line |= {key: image.provenance.get(key) for key in PROVENANCE_KEYS}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
