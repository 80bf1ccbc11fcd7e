"""The folder that a dataset goes to: refused where it holds anything else, replaced where it holds an earlier one.

A small file in it names what we put there, so that a second run removes exactly that.
"""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import click
import orjson

MARKER = ".pixcrawler.json"
METADATA = "metadata.jsonl"
PART = ".export.part"
OURS_ALWAYS = (MARKER, PART)


class Target:
    """A folder for one dataset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def check(self, *, force: bool) -> None:
        """Raises click.ClickException where the folder holds what is not an earlier dataset of ours."""
        if self.folder.exists() and not self.folder.is_dir():
            raise click.ClickException(f"{self.folder} is a file: name another folder with --to.")
        if force or not self.folder.exists():
            return
        others = sorted({entry.name for entry in self.folder.iterdir()} - self._ours())
        if others:
            shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
            raise click.ClickException(
                f"{self.folder} holds other files ({shown}): name another folder with --to, or pass --force."
            )

    def _ours(self) -> set[str]:
        try:
            names = orjson.loads((self.folder / MARKER).read_bytes())["names"]
            return {*OURS_ALWAYS, *(str(name) for name in names if PurePosixPath(str(name)).name == name)}
        except (OSError, ValueError, KeyError, TypeError):
            return set(OURS_ALWAYS)

    @property
    def part(self) -> Path:
        """Where an export lies until all of it is here; makes the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / PART

    def accept(self, filename: str, images: int) -> Path:
        """The export in `part` becomes the folder's dataset: under its name and, for a ZIP, unpacked beside it.

        `images` is how many it must hold. What an earlier run left goes first, once the new one is found whole.
        Returns the export's path. Raises click.ClickException.
        """
        name = PurePosixPath(filename).name
        if not zipfile.is_zipfile(self.part):
            self._replace([name])
            return self._settled(name, [])
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".unpacking-") as temporary:
            fresh = Path(temporary)
            try:
                with zipfile.ZipFile(self.part) as archive:
                    unpack(archive, fresh)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise click.ClickException(f"The export does not hold together ({error}): export it again.") from error
            count(fresh, images)
            names = sorted(entry.name for entry in fresh.iterdir())
            if name in names:
                name = f"export-{name}"
            self._replace([*names, name])
            for each in names:
                (fresh / each).rename(self.folder / each)
        return self._settled(name, names)

    def _replace(self, coming: list[str]) -> None:
        """Removes the earlier dataset; refuses to touch what is not ours."""
        ours = self._ours()
        for clash in coming:
            if clash not in ours and (self.folder / clash).exists():
                raise click.ClickException(f"{self.folder / clash} is not ours to replace: name another folder.")
        for old in ours - set(OURS_ALWAYS):
            path = self.folder / old
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _settled(self, name: str, beside: list[str]) -> Path:
        (self.folder / MARKER).write_bytes(orjson.dumps({"names": [name, *beside]}))
        return self.part.replace(self.folder / name)


def count(folder: Path, images: int) -> None:
    """Compares the images of an unpacked dataset with its metadata and with what the service says.

    Raises click.ClickException.
    """
    listed = [entry["file_name"] for entry in metadata(folder)]
    missing = [name for name in listed if not (folder / name).is_file()]
    if missing or len(listed) != images:
        raise click.ClickException(
            f"The export names {len(listed):,} images, of which {len(missing):,} are missing; the service says "
            f"{images:,}: export it again."
        )


def metadata(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a dataset's `metadata.jsonl`, one an image."""
    path = folder / METADATA
    if path.exists():
        with path.open("rb") as lines:
            yield from map(orjson.loads, lines)


def unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Unpacks an archive into an empty folder, checking every byte against its checksum, and nothing outside of it.

    Raises click.ClickException for a path that leads out, a link, or more bytes than the disk has; zipfile.BadZipFile
    for a file that is damaged.
    """
    entries = archive.infolist()
    size, free = sum(entry.file_size for entry in entries), shutil.disk_usage(folder).free
    if size > free:
        raise click.ClickException(f"{folder.parent} has {free:,} bytes left, the dataset needs {size:,}: free some.")
    for entry in entries:
        _check(entry)
        archive.extract(entry, folder)


def _check(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename)
    mode = entry.external_attr >> 16
    if (
        path.is_absolute()
        or ".." in path.parts
        or "\\" in entry.filename
        or re.match("[A-Za-z]:", entry.filename)
        or not path.parts
        or path.parts[0] in OURS_ALWAYS
        or (mode and stat.S_ISLNK(mode))
    ):
        raise click.ClickException(f"The export holds a path that is not safe ({entry.filename!r}): not unpacked.")
