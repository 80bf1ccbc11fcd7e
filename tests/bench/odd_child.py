"""One side of `odd_files`: a process that says of each file named on its standard input what it is worth.

    python -m tests.bench.odd_child ours|pillow MAX_PIXELS HARD_BYTES

Answers a line of JSON a path: verdict, detail, a digest of the pixels (Pillow's side only), CPU and wall seconds, and
the most memory above what the process had before (bytes of resident set). HARD_BYTES bounds the address space above the
start's, so that a bomb cannot take the machine with it. Whoever asks kills a process that takes too long, and sees one
that crashed by its end.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from app.fetching.damage import DECODER_ERRORS
from app.fetching.inspect import inspect
from app.fetching.refusal import Refusal

ESCAPED = "escaped"
"""The verifier raised something else than a Refusal."""
FRAMES = 200
Judge = Callable[[bytes, int], tuple[str, ...]]


def ours(data: bytes, max_pixels: int) -> tuple[str, ...]:
    """`ok` and what was measured, or the refusal's code and its words."""
    try:
        found = inspect(data, max_pixels)
    except Refusal as refused:
        issue = refused.issue
        return str(issue.code), f"{issue.message} [{issue.measured or ''}]"
    except BaseException as error:  # noqa: BLE001 - what escapes the verifier is what is sought here
        return ESCAPED, f"{type(error).__name__}: {error}"[:200]
    return "ok", f"{found.format} {found.width}x{found.height}"


def pillow(data: bytes, max_pixels: int) -> tuple[str, ...]:
    """Pillow's own opinion, every plugin asked and every frame loaded.

    It is one of: ok, warned, unidentified, broken, large (not loaded), or later: only frames after the first break.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            with Image.open(io.BytesIO(data)) as image:
                name = str(image.format).lower()
                if image.width * image.height > max_pixels:
                    return "large", f"{name} {image.width}x{image.height}"
                pixels = hashlib.sha256(image.tobytes()).hexdigest()
                broken = _later(image, max_pixels)
        except UnidentifiedImageError:
            return "unidentified", ""
        except DECODER_ERRORS as error:
            return "broken", f"{type(error).__name__}: {error}"[:160]
    if broken:
        return "later", f"{name} {broken}", pixels
    said = "; ".join(sorted({str(one.message)[:80] for one in heard}))
    return ("warned" if said else "ok"), f"{name} {image.width}x{image.height} {said}".strip(), pixels


def _later(image: Image.Image, max_pixels: int) -> str:
    """What breaks in the frames after the first: nothing, as a rule."""
    pixels = 0
    try:
        for index in range(1, min(FRAMES, getattr(image, "n_frames", 1))):
            image.seek(index)
            pixels += image.width * image.height
            if pixels > max_pixels:
                break
            image.load()
    except DECODER_ERRORS as error:
        return f"{type(error).__name__}: {error}"[:160]
    return ""


def answer(judge: Judge, path: str, max_pixels: int) -> dict[str, object]:
    """The line for one path."""
    data = Path(path).read_bytes()
    with contextlib.suppress(AttributeError):  # a C library without it keeps what the file before used
        ctypes.CDLL(None).malloc_trim(0)
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    verdict, detail, *pixels = judge(data, max_pixels)
    spent = {"cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s}
    most = max(0, _resident("VmHWM") - before)
    return {"verdict": verdict, "detail": detail, "pixels": "".join(pixels), "bytes": most, **spent}


def _resident(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Answer until the input ends."""
    judge: Judge = ours if sys.argv[1] == "ours" else pillow
    max_pixels, hard_bytes = int(sys.argv[2]), int(sys.argv[3])
    Image.init()
    hard = _resident("VmSize") + hard_bytes
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(judge, line.rstrip("\n"), max_pixels)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
