"""Where things lie: imports run one way, packages are empty, and no file names one machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.rules.tracked import CHECKOUT, python_files, tracked_files

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|farm|opt/pypi|root|home/(?!me\b|you\b|user\b)\w+)/")
REGISTRIES = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|proxy\.golang\.org)"
)


def lint(config: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-cache", str(config)]
    return subprocess.run(command, cwd=CHECKOUT, env=dict(os.environ), capture_output=True, text=True)


def test_imports_run_one_way() -> None:
    done = lint(CHECKOUT / ".importlinter")
    assert done.returncode == 0, done.stdout


def test_an_import_that_runs_upwards_is_found(tmp_path: Path) -> None:
    """The contract does not pass whatever is written: with two floors exchanged it names the import between them."""
    upper, between, lower = "    app.servers | app.processes | app.database\n", "    app.log\n", "    app.settings\n"
    config = (CHECKOUT / ".importlinter").read_text()
    exchanged = config.replace(upper + between + lower, lower + between + upper, 1)
    assert exchanged != config
    (tmp_path / "importlinter").write_text(exchanged)
    done = lint(tmp_path / "importlinter")
    assert done.returncode != 0
    assert "app.database is not allowed to import app.settings" in done.stdout


def test_packages_are_empty() -> None:
    """An import in a package's own file slips past the contracts."""
    filled = [
        str(path.relative_to(CHECKOUT))
        for path in python_files("app", "schema", "workers")
        if path.name == "__init__.py" and path.read_text().strip()
    ]
    assert filled == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for pattern in (MACHINE_PATHS, REGISTRIES):
            found += [f"{path.relative_to(CHECKOUT)}: {match.group()}" for match in pattern.finditer(text)]
    assert found == []


def test_the_environment_is_read_in_one_place() -> None:
    readers = [
        str(path.relative_to(CHECKOUT))
        for path in python_files("app", "schema", "workers")
        if re.search(r"\bos\.(?:environ|getenv)\b", path.read_text())
    ]
    assert readers == ["app/settings.py"]
