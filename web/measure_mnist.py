"""What the Python package answers to MNIST's test images, for measure.js to compare the page's answers with.

Usage: measure_mnist.py FOLDER MODEL...      writes images.bin, 784 bytes each, and MODEL.json into the folder
"""

import gzip
import json
import os
import sys
from pathlib import Path

import numpy as np

from digitpad import Recognizer
from digitpad.answers import status_of

FILE = Path("mnist", "t10k-images-idx3-ubyte.gz")


def main(folder: Path, models: list[str]) -> int:
    """Write images and answers; returns the exit status, 3 where MNIST is not at hand."""
    places = (Path(os.environ.get("DIGITPAD_DATA", "data")) / file for file in (FILE, FILE.name))
    path = next((place for place in places if place.exists()), None)
    if path is None:
        print(f"no {FILE.name} in $DIGITPAD_DATA or data/", file=sys.stderr)
        return 3
    images = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)
    (folder / "images.bin").write_bytes(images.tobytes())
    for name in models:
        recognizer = Recognizer(name)
        thresholds = recognizer.ood_threshold, recognizer.unsure_threshold
        probabilities, ood_score = recognizer.run(images)
        answers = [
            {
                "digit": int(row.argmax()),
                "status": status_of(float(row.max()), float(score), *thresholds),
                "probabilities": row.tolist(),
                "ood_score": float(score),
            }
            for row, score in zip(probabilities, ood_score, strict=True)
        ]
        content = {"ood_threshold": thresholds[0], "unsure_threshold": thresholds[1], "answers": answers}
        (folder / f"{name}.json").write_text(json.dumps(content))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
