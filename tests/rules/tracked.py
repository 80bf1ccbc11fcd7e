"""The files that belong to the project: what git tracks, or what lies here where there is no git."""

import functools
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LEFT_OUT = {".venv", ".git", ".pixcrawler", "__pycache__", "demo-dataset", "dist", "htmlcov", "node_modules"}


@functools.cache
def tracked_files() -> tuple[Path, ...]:
    """Every tracked file that exists."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True
    )
    if listed.returncode == 0:
        paths = [CHECKOUT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in CHECKOUT.rglob("*") if not LEFT_OUT & set(path.relative_to(CHECKOUT).parts)]
    return tuple(path for path in paths if path.is_file())


def python_files(*rooms: str) -> list[Path]:
    """The Python files of these top folders; of all but the migrations unless told."""
    wanted = rooms or ("app", "schema", "workers", "tests")
    return [path for path in tracked_files() if path.suffix == ".py" and path.relative_to(CHECKOUT).parts[0] in wanted]
