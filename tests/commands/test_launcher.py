"""The launcher `pixcrawler`: one installation, however many start it, and one sentence where none is possible.

A stand-in for Python counts what it is asked, so that no test downloads anything.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rules.tracked import CHECKOUT

PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) exit ${OLD:-0} ;;
    *"import ensurepip, venv"*) exit ${NO_VENV:-0} ;;
    *"-m venv"*)
        for target in "$@"; do :; done
        mkdir -p "$target/bin"
        cp "$0" "$target/bin/python"
        ;;
    *"pip --no-input install"*"-r "*)
        echo "install $*" >> "$RECORD"
        sleep ${SLOW:-0}
        [ -z "${PIP_SAYS:-}" ] || { echo "ERROR: $PIP_SAYS"; exit 1; }
        ;;
    *"--editable"*)
        printf '#!/bin/sh\\nprintf "ran"; printf " [%%s]" "$@"; echo\\n' > "$(dirname "$0")/pixcrawler"
        chmod +x "$(dirname "$0")/pixcrawler"
        ;;
esac
"""


class Checkout:
    """A copy of what the launcher reads, in a path with spaces, with a stand-in for Python first in PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a clone"
        self.record = folder / "record"
        (folder / "bin").mkdir()
        for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
            (folder / "bin" / name).write_text(PYTHON)
            (folder / "bin" / name).chmod(0o755)
        (self.folder / "requirements").mkdir(parents=True)
        for name in ("pixcrawler", "pyproject.toml", "requirements/run.txt", "requirements/dev.txt"):
            shutil.copy(CHECKOUT / name, self.folder / name)
        self.env = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "RECORD": str(self.record)}

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        command = [str(self.folder / "pixcrawler"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.env | variables, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    @property
    def installs(self) -> int:
        return len(self.record.read_text().splitlines()) if self.record.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_first_start_installs_and_the_next_ones_only_run(checkout: Checkout) -> None:
    code, out, err = checkout.run("up", "a b")
    assert (code, out) == (0, "ran [up] [a b]\n")
    assert "first start" in err
    assert checkout.run("status") == (0, "ran [status]\n", "")
    assert checkout.installs == 1
    assert not (checkout.folder / ".venv.log").exists()


def test_only_hashed_wheels_of_the_lock_are_installed(checkout: Checkout) -> None:
    checkout.run("up")
    asked = checkout.record.read_text()
    assert "--require-hashes" in asked
    assert "--no-deps" in asked
    assert asked.rstrip().endswith("requirements/run.txt")


def test_a_changed_lock_installs_again(checkout: Checkout) -> None:
    checkout.run("up")
    with (checkout.folder / "requirements/run.txt").open("a") as lock:
        lock.write("# another\n")
    assert checkout.run("up")[:2] == (0, "ran [up]\n")
    assert checkout.installs == 2


def test_the_tools_are_installed_for_test_and_check_only(checkout: Checkout) -> None:
    checkout.run("test", "-k", "one")
    assert checkout.record.read_text().rstrip().endswith("requirements/dev.txt")
    checkout.run("check")
    checkout.run("up")
    assert checkout.installs == 1


def test_a_moved_checkout_installs_again(checkout: Checkout) -> None:
    """The scripts in .venv name the place that they were made in."""
    checkout.run("up")
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert checkout.run("up")[:2] == (0, "ran [up]\n")
    assert checkout.installs == 2


def test_many_first_starts_at_once_install_once(checkout: Checkout) -> None:
    started = [checkout.start("up", SLOW="0.3") for _ in range(4)]
    assert [process.communicate(timeout=30)[0] for process in started] == ["ran [up]\n"] * 4
    assert checkout.installs == 1


def test_a_start_that_was_killed_while_it_installed_blocks_nobody(checkout: Checkout) -> None:
    process = checkout.start("up")
    process.communicate(timeout=30)
    (checkout.folder / ".venv" / "run.stamp").unlink()
    (checkout.folder / ".venv.lock").symlink_to(f"pid-{process.pid}")
    assert checkout.run("up")[:2] == (0, "ran [up]\n")


def test_a_link_to_the_launcher_runs_it(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("up")
    (tmp_path / "bin" / "pixcrawler").symlink_to(checkout.folder / "pixcrawler")
    done = subprocess.run([str(tmp_path / "bin" / "pixcrawler"), "x"], env=checkout.env, capture_output=True, text=True)
    assert done.stdout == "ran [x]\n"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"OLD": "1"}, "Python 3.11 or newer is needed"),
        ({"NO_VENV": "1"}, "has no venv module: install it"),
        ({"PIP_SAYS": "[Errno 28] No space left on device"}, "The disk is full"),
        ({"PIP_SAYS": "Max retries exceeded with url: /x"}, "the first start needs the network"),
        ({"PIP_SAYS": "THESE PACKAGES DO NOT MATCH THE HASHES"}, "differs from requirements/run.txt"),
        ({"PIP_SAYS": "No matching distribution found for x"}, "has no build for this machine"),
        ({"PIP_SAYS": "whatever"}, "The installation failed (ERROR: whatever)"),
    ],
)
def test_what_prevents_an_installation_is_one_sentence(
    checkout: Checkout, variables: dict[str, str], sentence: str
) -> None:
    code, out, err = checkout.run("up", **variables)
    assert (code, out) == (1, "")
    assert sentence in err.splitlines()[-1]
    assert not (checkout.folder / ".venv").exists()
    assert not (checkout.folder / ".venv.lock").is_symlink()
    assert checkout.run("up")[:2] == (0, "ran [up]\n")
