"""What must become of a file when it is crawled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Expected:
    """A path below the base URL, the row's status and, where it is not `downloaded`, the code of its issue."""

    path: str
    status: str
    code: str | None
    format: str | None = None
    size: tuple[int, int] | None = None
    """Width and height as shown, where the test is about them."""
    same_bytes: str | None = None
    """The path of the first file with these bytes; set on all of them. One is downloaded, the rest are duplicates."""
    keyword: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A file's bytes with what must become of it. `sparse_bytes` makes it that long without writing it."""

    expected: Expected
    data: bytes
    sparse_bytes: int = 0

    def write(self, folder: Path) -> None:
        """Puts the file below `folder`."""
        path = folder / self.expected.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        if self.sparse_bytes:
            with path.open("r+b") as file:
                file.truncate(self.sparse_bytes)


Maker = Callable[[], Iterable[Made]]


def good(
    path: str,
    data: bytes,
    format: str,
    *,
    size: tuple[int, int] | None = None,
    same_bytes: str | None = None,
    keyword: str | None = None,
) -> Made:
    """A file that must be stored."""
    return Made(Expected(path, "downloaded", None, format, size, same_bytes, keyword), data)


def bad(path: str, data: bytes, code: str, sparse_bytes: int = 0) -> Made:
    """A file that must be refused with `code`."""
    return Made(Expected(path, "failed", code), data, sparse_bytes)
