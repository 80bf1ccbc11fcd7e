"""Class labels as folder names that every file system takes and that keep two labels apart."""

from __future__ import annotations

import hashlib
import re
import unicodedata

UNLABELLED = "unlabelled"
"""The folder of images that no keyword found."""
NAME_BYTES = 100
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+|\s+')
"""What Windows forbids in a name; runs of space are one."""
DEVICES = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
"""What Windows takes for a device, whatever follows the dot."""


def clean_name(label: str) -> str:
    """A folder name that reads like `label`; empty where nothing of it can stay."""
    text = unicodedata.normalize("NFC", label)
    text = "".join(char for char in FORBIDDEN.sub(" ", text) if unicodedata.category(char) not in ("Cf", "Cs", "Cn"))
    cut = text.strip(". ").encode()[:NAME_BYTES].decode(errors="ignore").strip(". ")
    return f"{cut}_" if DEVICES.fullmatch(cut) else cut


class Folders:
    """The folder of each label. Labels that clean to one name, or differ by case alone, get folders of their own.

    The first label to come has the plain name; a later one has a few digits of its digest after it.
    """

    def __init__(self, reserved: tuple[str, ...] = ()) -> None:
        self._folders: dict[str | None, str] = {None: UNLABELLED}
        self._taken = {name.casefold() for name in (UNLABELLED, *reserved)}

    def of(self, label: str | None) -> str:
        """The folder of `label`."""
        folder = self._folders.get(label)
        if folder is None and label is not None:
            folder = self._folders[label] = self._new(label)
        return folder or UNLABELLED

    def _new(self, label: str) -> str:
        plain = clean_name(label)
        digest = hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()
        names = [plain, *(f"{plain}-{digest[:digits]}".lstrip("-") for digits in (8, 16, 64))]
        name = next(name for name in names if name and name.casefold() not in self._taken)
        self._taken.add(name.casefold())
        return name
