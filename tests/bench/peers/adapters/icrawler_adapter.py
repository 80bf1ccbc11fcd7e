"""icrawler's image downloader over a list of addresses, for `tests/bench/peers`; run by a Python of its own.

Arguments: URLS OUT ANSWER MODE PROCESSES; its MODE is always `open` (Pillow reads the header; nothing is decoded or
hashed), and it is one process with threads whatever PROCESSES says. The seconds in ANSWER end with the last image:
without the five seconds in which its threads wait for more. Imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

THREADS = 32


def main() -> None:
    """Crawl the list."""
    urls, out, answer = sys.argv[1:4]
    icrawler = importlib.import_module("icrawler")
    pass_on = importlib.import_module("icrawler.builtin.urllist").PseudoParser
    ended_s = [0.0]

    class ListFeeder(icrawler.Feeder):  # type: ignore[name-defined, misc]  # loaded by name: it is not installed here
        def feed(self, addresses: list[str]) -> None:
            for one in addresses:
                self.output(one)

    class TimedDownloader(icrawler.ImageDownloader):  # type: ignore[name-defined, misc]  # as above
        def process_meta(self, task: dict[str, Any]) -> None:
            ended_s[0] = time.perf_counter()

    crawler = icrawler.Crawler(
        feeder_cls=ListFeeder,
        parser_cls=pass_on,
        downloader_cls=TimedDownloader,
        downloader_threads=THREADS,
        storage={"root_dir": out},
        log_level=logging.WARNING,
    )
    begun_s = time.perf_counter()
    crawler.crawl(feeder_kwargs={"addresses": Path(urls).read_text().split()}, downloader_kwargs={"max_num": 0})
    images = sum(1 for _ in Path(out).glob("*.jpg"))
    Path(answer).write_text(json.dumps({"images": images, "seconds": ended_s[0] - begun_s}))


if __name__ == "__main__":
    main()
