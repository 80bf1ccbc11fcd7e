"""Odd and hostile files through the verifier: no crash, no hang, no memory over the cap, and the right verdict.

    python -m tests.bench.odd_files FOLDER… [--cuts] [--lanes 2] [--limit-s 2] [--cap-mb 640] [--max-pixels N] [--all]

Every file below the folders, of whatever kind, is given to `app.fetching.inspect.inspect` in a child process, and to
Pillow, every plugin asked and every frame loaded, in another. Counted are our verdicts beside Pillow's. Exits 1 where a
child crashed, took more than `--limit-s` seconds of CPU or more memory than `--cap-mb` for one file, where something
else than a Refusal was raised, where a file that we take cannot be decoded again by Pillow, or where we refuse as
damaged or as no image what Pillow reads whole and without a warning. Only listed are JPEGs that Pillow reads although
the strict decoder finds pixels lost, formats that are images to Pillow and none to us, files that it reads with a
warning, and files that we take although a frame after the first is broken.
`--cuts` adds every taken file cut at 10, 50 and 90 %, which must be refused unless no pixel of the first frame is lost.

The material is what image libraries test themselves with, none of which is kept here: `Tests/images` of Pillow's sdist
(`pip download --no-deps --no-binary pillow pillow`), and the Debian sources (`apt-get source --download-only`) of
gdk-pixbuf, exiv2, libpng1.6 (which holds PngSuite's kinds), giflib, tiff, libexif, libwebp and graphicsmagick,
unpacked. What is made rather than found, `odd_made` writes.
"""

from __future__ import annotations

import argparse
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from app.fetching.magic import EXTENSIONS
from app.values import RefusalCode
from tests.bench.crawl import say
from tests.bench.odd_child import ESCAPED

SLACK = 5
"""A child is killed after so many times the limit of wall time: the machine may be busy."""
HARD_BYTES = 6 * 2**30
LARGEST_BYTES = 64 * 2**20
CUTS = (0.1, 0.5, 0.9)
DAMAGED = frozenset({RefusalCode.CORRUPT, RefusalCode.TRUNCATED, RefusalCode.NOT_AN_IMAGE, RefusalCode.EMPTY})


@dataclass(frozen=True)
class Answer:
    """What a child said of a file; `crash` or `hang` where it said nothing."""

    verdict: str
    detail: str = ""
    pixels: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    bytes: int = 0


@dataclass
class Child:
    """A child process of one role, begun again when it has ended."""

    command: Sequence[str]
    limit_s: float
    process: subprocess.Popen[str] | None = None

    def ask(self, path: Path) -> Answer:
        """What it says of the file."""
        process = self.process
        if process is None:
            process = self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.limit_s, give_up)
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        if line:
            return Answer(**json.loads(line))
        status = process.wait()
        self.process = None
        return Answer("hang" if late.is_set() else "crash", f"exit status {status}")

    def end(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.communicate()


@dataclass(frozen=True)
class Case:
    """A file and what both say; of a cut one also the share that was left, and the pixels that it had."""

    path: Path
    ours: Answer
    pillow: Answer
    cut: float | None = None
    whole: str = ""

    def line(self) -> str:
        """As a line of a list."""
        cut = f" cut to {self.cut:.0%}" if self.cut else ""
        said = f"{self.ours.verdict}: {self.ours.detail} | Pillow: {self.pillow.verdict} {self.pillow.detail}"
        return f"  {self.path}{cut}: {self.ours.cpu_s:.2f} s, {self.ours.bytes / 2**20:.0f} MiB, {said}"


@dataclass
class Findings:
    """Lists of cases by what is odd about them; the fatal ones decide the exit status."""

    fatal: dict[str, list[Case]] = field(default_factory=dict)
    listed: dict[str, list[Case]] = field(default_factory=dict)

    def judge(self, case: Case, limit_s: float, cap_bytes: int) -> None:
        """Sort one case into the lists it belongs to."""
        one = case.ours
        checks = {
            "crashed": one.verdict == "crash",
            f"more than {limit_s:g} s": one.verdict == "hang" or one.cpu_s > limit_s,
            f"more than {cap_bytes / 2**20:.0f} MiB": one.bytes > cap_bytes,
            "raised something else than a Refusal": one.verdict == ESCAPED,
            "taken, but Pillow cannot decode it": one.verdict == "ok"
            and case.pillow.verdict in ("broken", "unidentified"),
            "refused, but Pillow reads all of it": _is_refused(case) and not _lost_in_scan(case),
            "taken, and a cut lost pixels": case.cut is not None and one.verdict == "ok" and _lost_pixels(case),
        }
        for name, holds in checks.items():
            if holds:
                self.fatal.setdefault(name, []).append(case)
        if _is_refused(case) and _lost_in_scan(case):
            self.listed.setdefault("refused for pixels lost in the scan, of which Pillow says nothing", []).append(case)
        if one.verdict == RefusalCode.NOT_AN_IMAGE and case.pillow.verdict in ("ok", "warned", "large"):
            self.listed.setdefault("no image to us, one to Pillow", []).append(case)
        if one.verdict in DAMAGED and case.pillow.verdict == "warned":
            self.listed.setdefault("refused, and Pillow reads it with a warning", []).append(case)
        if one.verdict == "ok" and case.pillow.verdict == "later":
            self.listed.setdefault("taken, and a frame after the first is broken", []).append(case)


def _is_refused(case: Case) -> bool:
    name = case.pillow.detail.partition(" ")[0].replace("mpo", "jpeg")
    return case.pillow.verdict == "ok" and name in EXTENSIONS and case.ours.verdict in DAMAGED and case.cut is None


def _lost_in_scan(case: Case) -> bool:
    return case.ours.verdict == RefusalCode.CORRUPT and "Corrupt JPEG data" in case.ours.detail


def _lost_pixels(case: Case) -> bool:
    return case.pillow.pixels != case.whole


class Lanes:
    """Pairs of children that work side by side."""

    def __init__(self, count: int, limit_s: float, max_pixels: int) -> None:
        self.count = count
        self._free: queue.SimpleQueue[tuple[Child, Child]] = queue.SimpleQueue()
        self._pairs = []
        for _ in range(count):
            roles = [
                [sys.executable, "-m", "tests.bench.odd_child", role, str(max_pixels), str(HARD_BYTES)]
                for role in ("ours", "pillow")
            ]
            pair = Child(roles[0], limit_s * SLACK), Child(roles[1], limit_s * SLACK * SLACK)
            self._pairs.append(pair)
            self._free.put(pair)

    def ask(self, path: Path) -> tuple[Answer, Answer]:
        """Both opinions on a file: ours and Pillow's."""
        pair = self._free.get()
        try:
            return pair[0].ask(path), pair[1].ask(path)
        finally:
            self._free.put(pair)

    def case(self, path: Path) -> Case:
        """The case of a whole file."""
        return Case(path, *self.ask(path))

    def end(self) -> None:
        """End all children."""
        for pair in self._pairs:
            for one in pair:
                one.end()


def files(folders: Iterable[Path]) -> list[Path]:
    """All files below the folders that may be as large as what is fetched."""
    found = (path for folder in folders for path in sorted(folder.rglob("*")))
    return [path for path in found if path.is_file() and not path.is_symlink() and _fits(path)]


def _fits(path: Path) -> bool:
    return path.stat().st_size <= LARGEST_BYTES and "\n" not in str(path)


def cut_cases(lanes: Lanes, taken: Sequence[Case]) -> list[Case]:
    """The cases of each file cut at three places."""

    def one(asked: tuple[Case, float]) -> Case:
        whole, share = asked
        data = whole.path.read_bytes()
        with tempfile.NamedTemporaryFile(prefix="pixcrawler-odd-") as file:
            file.write(data[: int(len(data) * share)])
            file.flush()
            return Case(whole.path, *lanes.ask(Path(file.name)), share, whole.pillow.pixels)

    with ThreadPoolExecutor(lanes.count) as threads:
        return list(threads.map(one, [(case, share) for case in taken for share in CUTS]))


def table(cases: Sequence[Case]) -> None:
    """Our verdicts by Pillow's."""
    counts = Counter((one.ours.verdict, one.pillow.verdict) for one in cases)
    columns = sorted({theirs for _, theirs in counts})
    say(f"{'ours / Pillow':20}" + "".join(f"{name:>14}" for name in columns) + f"{'all':>8}")
    for row in sorted({mine for mine, _ in counts}):
        numbers = [counts[row, column] for column in columns]
        say(f"{row:20}" + "".join(f"{number:14}" for number in numbers) + f"{sum(numbers):8}")


def report(cases: Sequence[Case], findings: Findings, *, everything: bool) -> None:
    """Print the tables and lists."""
    table([one for one in cases if one.cut is None])
    if any(one.cut for one in cases):
        say("\ncut files:")
        table([one for one in cases if one.cut])
    slowest = max(cases, key=lambda one: one.ours.cpu_s)
    largest = max(cases, key=lambda one: one.ours.bytes)
    say(f"\nslowest: {slowest.ours.cpu_s:.2f} s of CPU ({slowest.ours.wall_s:.2f} s), {slowest.path}")
    say(f"most memory: {largest.ours.bytes / 2**20:.0f} MiB, {largest.path}")
    for name, found in (findings.fatal | findings.listed).items():
        say(f"\n{name}: {len(found)}{'' if name in findings.fatal else ' (only listed)'}")
        for case in found:
            say(case.line())
    if everything:
        say("\nall:")
        for case in cases:
            say(case.line())


def main() -> None:
    """Read the arguments, ask the children, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--limit-s", type=float, default=2.0)
    for name, default in (("lanes", 2), ("cap-mb", 640), ("max-pixels", 100_000_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--cuts", action="store_true", help="also every taken file, cut")
    parser.add_argument("--all", action="store_true", help="list every file with both opinions")
    asked = parser.parse_args()
    lanes, findings = Lanes(asked.lanes, asked.limit_s, asked.max_pixels), Findings()
    try:
        with ThreadPoolExecutor(lanes.count) as threads:
            cases = list(threads.map(lanes.case, files(asked.folders)))
        if asked.cuts:
            cases += cut_cases(lanes, [one for one in cases if one.ours.verdict == "ok"])
    finally:
        lanes.end()
    for case in cases:
        findings.judge(case, asked.limit_s, asked.cap_mb * 2**20)
    report(cases, findings, everything=asked.all)
    sys.exit(1 if findings.fatal else 0)


if __name__ == "__main__":
    main()
