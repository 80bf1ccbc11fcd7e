"""Daft's download of a column of addresses, for `tests/bench/peers`; run by a Python of its own.

Arguments: URLS OUT ANSWER MODE PROCESSES; it takes all cores whatever PROCESSES says. MODE is `bytes` (downloaded and
counted, nothing kept) or `decode` (decoded, SHA-256, and bytes, digest and size into Parquet). Imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


def counted(daft: Any, table: Any, out: str) -> int:
    """Bytes only."""
    functions = importlib.import_module("daft.functions")
    sizes = table.select(functions.length(daft.col("body")).alias("size"))
    return sum(1 for size in sizes.to_pydict()["size"] if size)


def decoded(daft: Any, table: Any, out: str) -> int:
    """Decoded, hashed, stored."""
    functions = importlib.import_module("daft.functions")

    def digests(bodies: Any) -> list[bytes]:
        return [hashlib.sha256(body).digest() for body in bodies.to_pylist()]

    sha256 = daft.func.batch(return_dtype=daft.DataType.binary())(digests)
    body = daft.col("body")
    image = functions.decode_image(body, on_error="null")
    table = table.with_columns({"sha256": sha256(body), "image": image})
    width, height = functions.image_width(daft.col("image")), functions.image_height(daft.col("image"))
    table = table.select("url", "body", "sha256", width.alias("width"), height.alias("height"))
    table.write_parquet(out)
    return int(daft.read_parquet(f"{out}/*.parquet").where(daft.col("width") > 0).count_rows())


def main() -> None:
    """Run the plan."""
    urls, out, answer, mode, _ = sys.argv[1:]
    daft = importlib.import_module("daft")
    functions = importlib.import_module("daft.functions")
    table = daft.from_pydict({"url": Path(urls).read_text().split()})
    table = table.with_column("body", functions.download(daft.col("url"), on_error="null"))
    begun_s = time.perf_counter()
    images = {"bytes": counted, "decode": decoded}[mode](daft, table, out)
    Path(answer).write_text(json.dumps({"images": images, "seconds": time.perf_counter() - begun_s}))


if __name__ == "__main__":
    main()
