"""The formats of export by name; a new one is one line here."""

from __future__ import annotations

from collections.abc import Mapping

from app.exports.base import MakeWriter
from app.exports.zip import ZipWriter

WRITERS: Mapping[str, MakeWriter] = {
    "zip": ZipWriter,
}
