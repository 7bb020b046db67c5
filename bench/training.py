"""`make bench-train`: how long our recipe and a classic one take to first reach 99.25 % on MNIST's validation part.

The classic one is the Keras example `mnist_cnn.py` as published: 1.2 million parameters, Adadelta with learning rate
1.0, batches of 128, 12 epochs. They run one after the other, each with the machine to itself. The time counts from the
start of the process and includes all it needs first, such as our pool of distorted digits.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.__main__ import processor
from digitpad import DigitPadError
from digitpad.files import make_folder, write_whole
from train.command import ROOT, finish
from train.recipes import RECIPES

WANTED = 0.9925
EPOCHS = 12  # of the classic recipe
# Limits the libraries to what an older processor has: a promise must hold there too.
LIMIT = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
Row = dict[str, Any]


def main() -> int:
    """Train both, print and write; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench.training", description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, default="quick", help="ours (%(default)s)")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "artifacts" / "bench", help="folder for the results")
    parser.add_argument("--classic", action="store_true", help=argparse.SUPPRESS)  # train it, in this process
    options = parser.parse_args()
    if options.classic:
        train_classic(options.data)
        return 0
    data = ["--data", str(options.data)] if options.data else []

    def work() -> None:
        make_folder(options.out)
        with tempfile.TemporaryDirectory(dir=options.out) as scratch:
            ours = ["train", "--recipe", options.recipe, "--only", "cnn", "--out", scratch, *data]
            classic = ["bench.training", "--classic", *data]
            rows = {
                f"digitpad's CNN, recipe {options.recipe}": time_to_accuracy(ours),
                f"mnist_cnn, {EPOCHS} epochs": time_to_accuracy(classic),
            }
        text = as_table(rows)
        print(text)
        name = f"training-{LIMIT.lower()}" if LIMIT else "training"
        write_whole(options.out / f"{name}.md", text.encode())

    return finish("bench-train", work, "nothing was written")


def time_to_accuracy(arguments: list[str]) -> Row:
    """Run a training and follow what it prints until an epoch reaches the wanted accuracy, or to its end.

    Raises:
        DigitPadError: it fails.
    """
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    start, before = time.perf_counter(), os.times()
    best, epochs, last = 0.0, 0, ""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A process that a shell starts in the background ignores SIGINT, and so would every process it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            last = line.strip() or last
            if match := re.search(r"\bmnist: loss \S+ +accuracy ([\d.]+)%", line):
                epochs += 1
                best = max(best, float(match[1]) / 100)
                print(f"{arguments[0]}: epoch {epochs}, {time.perf_counter() - start:.0f} s: {match[1]} %", flush=True)
                if best >= WANTED:
                    os.killpg(child.pid, signal.SIGINT)  # to all its processes: it waits for them, so their time counts
                    break
        status = child.wait()
    if status and best < WANTED:
        raise DigitPadError(f"{' '.join(arguments[:1])} fails: {last}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "seconds": round(time.perf_counter() - start, 3),
        "cpu_seconds": round(cpu, 3),
        "epochs": epochs,
        "best": best,
        "reached": best >= WANTED,
    }


def train_classic(data: Path | None) -> None:
    """Train `mnist_cnn` as published, and print its accuracy on the validation part after each epoch."""
    import keras
    import numpy as np
    from keras import layers

    from train.data import load_mnist

    mnist = load_mnist(data)
    images, seen = (part.images[..., None].astype("float32") / 255 for part in (mnist.train, mnist.validation))
    labels = keras.utils.to_categorical(mnist.train.labels, 10)
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adadelta(1.0), loss="categorical_crossentropy", metrics=["accuracy"])
    for _ in range(EPOCHS):
        loss = model.fit(images, labels, batch_size=128, epochs=1, verbose=0).history["loss"][0]
        right = (np.asarray(model.predict(seen, batch_size=500, verbose=0)).argmax(1) == mnist.validation.labels).mean()
        print(f"loss {loss:.4f} | mnist: loss - accuracy {right:.2%}", flush=True)


def as_table(rows: dict[str, Row]) -> str:
    """The results in Markdown."""
    limit = f", with ONEDNN_MAX_CPU_ISA={LIMIT}" if LIMIT else ""
    lines = [
        "# How long to train",
        "",
        f"Time to first reach {WANTED:.2%} on MNIST's validation part, measured by `make bench-train` on {processor()},"
        f" {os.cpu_count()} cores{limit}:",
        "",
        "| | wall | processor | epochs | |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        note = "" if row["reached"] else f"never got there: its whole time; best {row['best']:.2%}"
        lines.append(f"| {name} | {row['seconds']:,.0f} s | {row['cpu_seconds']:,.0f} s | {row['epochs']} | {note} |")
    ours, classic = rows.values()
    lines += ["", f"Ours takes {ours['seconds'] / classic['seconds']:.2f} of the classic one's time."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
