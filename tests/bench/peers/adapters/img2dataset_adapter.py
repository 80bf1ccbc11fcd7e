"""img2dataset as its users run it, for `tests/bench/peers`; run by a Python of its own. Imports nothing of ours.

Arguments: URLS OUT ANSWER MODE PROCESSES. MODE is `raw` (bytes as they come, into WebDataset tars: its fastest),
`decode` (decoded by OpenCV, bytes kept, tars) or `resize` (its default: 256x256 with a border, encoded anew, files).
All modes compute SHA-256. The seconds in ANSWER are from the first worker's begin to the last one's end, as its own
statistics say: without the seconds in which its processes start and import.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

MODES: dict[str, dict[str, Any]] = {
    "raw": {"disable_all_reencoding": True, "output_format": "webdataset"},
    "decode": {"resize_mode": "no", "skip_reencode": True, "output_format": "webdataset"},
    "resize": {},
}
THREADS = 16
SHARDS_EACH = 4
"""Shards a process: fewer leave one waiting at the end, and after five it replaces the process."""


def main() -> None:
    """Download all, then sum up its statistics."""
    urls, out, answer, mode, processes = sys.argv[1:]
    count = len(Path(urls).read_text().split())
    importlib.import_module("img2dataset").download(
        url_list=urls,
        output_folder=out,
        processes_count=int(processes),
        thread_count=THREADS,
        number_sample_per_shard=-(-count // (int(processes) * SHARDS_EACH)),
        **MODES[mode],
    )
    shards = [json.loads(path.read_text()) for path in Path(out).glob("*_stats.json")]
    seconds = max(one["end_time"] for one in shards) - min(one["start_time"] for one in shards)
    Path(answer).write_text(json.dumps({"images": sum(one["successes"] for one in shards), "seconds": seconds}))


if __name__ == "__main__":
    main()
