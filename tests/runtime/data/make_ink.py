"""Makes ink.json.gz: drawings and how `render_strokes` inks them, which is what the committed networks learned from.

    PYTHONPATH=runtime:. .venv-train/bin/python tests/runtime/data/make_ink.py

Run it only after changing the ink on purpose; then retrain the networks.
"""

import base64
import gzip
import json
from pathlib import Path

import numpy as np

from digitpad.mnist_form import render_strokes
from train.synthetic.generate import generate_samples

rng = np.random.default_rng(11)
cases = []
for number, sample in enumerate(generate_samples(50, seed=5)):
    strokes = sample.strokes
    if number % 5 in (1, 2):  # from a slow device: points far apart, at uneven distances
        kept = [rng.random(len(points)) < (0.2, 0.08)[number % 5 - 1] for points in strokes]
        for which in kept:
            which[[0, -1]] = True
        strokes = [points[which] for points, which in zip(strokes, kept, strict=True)]
    if number % 5 in (3, 4):  # with one to three taps on it or beside it
        points = np.concatenate(strokes)
        low, high = points.min(axis=0), points.max(axis=0)
        size = float((high - low).max())
        for _ in range(rng.integers(1, 4)):
            place = rng.uniform(low - np.multiply(size, (0.9, 0.3)), high + np.multiply(size, (0.9, 0.3)))
            strokes.append(place + rng.uniform(0, 0.01 * size, (rng.integers(1, 4), 2)))
    if number % 5 == 4:  # in another unit, from another origin
        unit = 10 ** rng.uniform(-4, 4)
        strokes = [points * unit + rng.normal(0, 300 * unit, 2) for points in strokes]
    rounded = [[[float(f"{value:.5g}") for value in point] for point in points] for points in strokes]
    image = base64.b64encode(render_strokes(rounded).tobytes()).decode()
    cases.append({"strokes": rounded, "image": image})
data = json.dumps(cases, separators=(",", ":")).encode()
(Path(__file__).parent / "ink.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))
