"""Trusted documents: operations that were known when the clients were built, asked for by the hash of their text.

A manifest maps SHA-256 hashes to texts, as graphql-codegen's client preset writes it. A request names one by
`documentId: "sha256:…"`, as GraphQL over HTTP has it, with the text beside it or without. Where nothing else is taken,
a document is trusted for its text: how it was named does not matter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from app.errors import Forbidden, Invalid, NotFound
from app.settings import Settings

PREFIX = "sha256:"
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class Trusted:
    """The documents of a manifest, and whether others are run too."""

    def __init__(self, documents: Mapping[str, str], *, only: bool = False) -> None:
        self._documents = documents
        self._texts = frozenset(documents.values())
        self._only = only

    @classmethod
    def of(cls, found: Settings) -> Trusted:
        """What the settings say; `Invalid` for a manifest that cannot be read, or where there should be one."""
        if found.trusted_documents is None:
            if found.trusted_only:
                raise Invalid("PIXCRAWLER_TRUSTED_ONLY needs a manifest: set PIXCRAWLER_TRUSTED_DOCUMENTS.")
            return cls({})
        return cls(read_manifest(found.trusted_documents), only=found.trusted_only)

    def text(self, query: object, document_id: object = None) -> str:
        """The operation's text as a request gives or names it.

        `Invalid` where it does neither or the two differ, `NotFound` for a hash that the manifest lacks, `Forbidden`
        for a text that it lacks where only its own are run.
        """
        if query is not None and (not isinstance(query, str) or not query.strip()):
            raise Invalid("`query` is the operation's text.", path=["query"])
        found = self._named(document_id, query)
        if self._only and found not in self._texts:
            raise Forbidden("Only the operations of this service's manifest are run here.", path=["query"])
        return found

    def _named(self, document_id: object, query: str | None) -> str:
        if document_id is None:
            if query is None:
                raise Invalid("`query` is the operation's text, or `documentId` its hash.", path=["query"])
            return query
        named = document_id if isinstance(document_id, str) else ""
        if not named.startswith(PREFIX) or not _HASH.fullmatch(named):
            raise Invalid(
                f"`documentId` is `{PREFIX}` and the text's SHA-256 in 64 hex digits, in lower case.",
                path=["documentId"],
            )
        if query is None:
            return self._known(named.removeprefix(PREFIX))
        if hash_of(query) != named.removeprefix(PREFIX):
            raise Invalid("`documentId` is not the hash of `query`.", path=["documentId"])
        return query

    def _known(self, key: str) -> str:
        if key not in self._documents:
            raise NotFound("No document of this service's manifest has this hash.", path=["documentId"])
        return self._documents[key]


def hash_of(text: str) -> str:
    """The SHA-256 of a document's text, hex; of half a pair of characters, which no UTF-8 has, that of a mark."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def read_manifest(path: Path) -> dict[str, str]:
    """A manifest's texts by their SHA-256; `Invalid` names the first entry that is not what it says."""
    try:
        found: Any = orjson.loads(path.read_bytes())
    except OSError as error:
        raise Invalid(f"The manifest {path} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The manifest {path} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise Invalid(f"The manifest {path} is one JSON object of hashes and texts.")
    return dict(_entry(path, key, text) for key, text in found.items())


def _entry(path: Path, key: str, text: object) -> tuple[str, str]:
    named = _HASH.fullmatch(key)
    if named is None:
        raise Invalid(f'{path}: the key {key[:80]!r} is no SHA-256; tell the generator `hashAlgorithm: "sha256"`.')
    if not isinstance(text, str) or hash_of(text) != named[1]:
        raise Invalid(f"{path}: the text under {key} has another hash.")
    return named[1], text
