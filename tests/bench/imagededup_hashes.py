"""imagededup's perceptual hashes of the files named on standard input, for `tests/bench/near_duplicates.py`.

Run by a Python of its own, which needs imagededup and what its hashing imports, but not torch:

    python -m venv PEER
    PEER/bin/pip install --no-deps imagededup
    PEER/bin/pip install numpy scipy pillow scikit-learn tqdm PyWavelets

Prints JSON: `hashes`, hexadecimal, one a file, and `cpu_ms`, CPU milliseconds an image. Imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import types

# Its neural method and its plots are imported with the rest and need torch and matplotlib; nothing here uses them.
UNUSED = {"methods.cnn": "CNN", "utils.models": "CustomModel", "utils.plotter": "plot_duplicates"}
for module, name in UNUSED.items():
    stub = types.ModuleType(f"imagededup.{module}")
    setattr(stub, name, None)
    sys.modules[stub.__name__] = stub


def main() -> None:
    """Hash every file of standard input."""
    method = importlib.import_module("imagededup.methods").PHash(verbose=False)
    files = sys.stdin.read().splitlines()
    method.encode_image(image_file=files[0])
    begun = time.process_time()
    hashes = [method.encode_image(image_file=file) for file in files]
    spent = time.process_time() - begun
    sys.stdout.write(json.dumps({"hashes": hashes, "cpu_ms": 1000 * spent / len(files)}))


if __name__ == "__main__":
    main()
