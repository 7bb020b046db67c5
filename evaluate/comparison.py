"""`python -m evaluate.comparison cnn|mlp`: what each part of the recipe is worth on validation, over several seeds.

Short runs on the full recipe's pool with one thing changed at a time; with --long, runs of a third of the recipe's
length, for what only shows in time. The results go into docs/comparison.json, from which a stopped comparison goes on
and docs/comparison.md is written (with --page, that alone).
"""

import argparse
import functools
import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from digitpad.errors import DigitPadError
from digitpad.files import make_folder, write_whole
from digitpad.models import load_model
from train.command import ROOT, finish, threads_each
from train.data import Digits, Targets, load_mnist, load_pen, one_hot, render
from train.networks import NETWORKS
from train.pool import read_round, round_number
from train.precision import Precision, precision_of_run
from train.recipes import RECIPES, Strength, Training
from train.training import Lesson, fit, step_on_noise

FULL = RECIPES["full"]
POOL = ROOT / "artifacts" / "full" / "pool"
RUNS = ROOT / "artifacts" / "compare"  # keeps the precision that each network is trained in
DOCS = ROOT / "docs"
EPOCHS = {"cnn": (4, 25)}  # of short and long runs
EPOCHS_OF_OTHERS = (10, 50)
EMA = 0.99  # of short runs: a longer average would still hold the first epochs
SEEDS = (1, 2)


@dataclass(frozen=True)
class Variant:
    """One change to the recipe."""

    changed: str  # in words
    networks: tuple[str, ...] = tuple(NETWORKS)
    training: dict[str, Any] = field(default_factory=dict)  # other settings; for `epochs`, a factor
    strength: Strength | None = None  # MNIST's digits are distorted again, this far
    refit: bool = True  # and as in `distort`
    rescan: bool = True
    shares: dict[str, float] = field(default_factory=dict)  # how much is left of parts of the mixture
    distilled: bool = False  # learned from the shipped CNN's answers


BASE = FULL.mixture.strength
STILL = Strength(rotation=0, aspect=0, shear=0, elastic=0, thickness=0, loose=0)


def _times(factor: float) -> Strength:
    names = ("rotation", "aspect", "shear", "elastic", "thickness")
    return replace(BASE, **{name: factor * getattr(BASE, name) for name in names})


VARIANTS = (
    Variant("nothing: the recipe itself"),
    Variant("distorted digits keep their new size and place", strength=BASE, refit=False),
    Variant("distorted digits are not scanned anew", strength=BASE, rescan=False),
    Variant("no distortion, only scanned anew", strength=STILL),
    Variant("affine distortion alone", strength=replace(BASE, elastic=0, thickness=0)),
    Variant("elastic distortion alone", strength=replace(STILL, elastic=BASE.elastic, loose=BASE.loose)),
    Variant("elastic distortion on a grid of 4 points, not 7", strength=replace(BASE, grid=4)),
    Variant("elastic distortion on a grid of 12 points, not 7", strength=replace(BASE, grid=12)),
    Variant("strokes as thick as they are", strength=replace(BASE, thickness=0)),
    Variant("distortion of half the strength", strength=_times(1 / 2)),
    Variant("distortion of two thirds of the strength", strength=_times(2 / 3)),
    Variant("distortion of 1.5 times the strength", strength=_times(3 / 2)),
    Variant("pen digits shown once, not five times", shares={"pen": 0.2}),
    Variant("no pen digits", shares={"pen": 0}),
    Variant("half the generated digits", shares={"generated": 0.5}),
    Variant("no generated digits", shares={"generated": 0}),
    Variant("neither pen nor generated digits", shares={"pen": 0, "generated": 0}),
    Variant("no undistorted pictures", shares={"undistorted": 0}),
    # What more digits would bring: compare with the line above. The same number of steps, hence more epochs.
    Variant(
        "half of MNIST's digits, and no undistorted pictures",
        shares={"mnist": 0.5, "undistorted": 0},
        training={"epochs": 1.36},
    ),
    Variant("no non-digits", shares={"outliers": 0}),
    Variant("the shipped CNN's answers instead of the labels", distilled=True, networks=("mlp",)),
    Variant("no dropout", training={"dropout": (0.0, 0.0)}),
    Variant("more dropout: 0.2 and 0.3", training={"dropout": (0.2, 0.3)}),
    Variant("much dropout: 0.25 and 0.5", training={"dropout": (0.25, 0.5)}),
    Variant("weights of the last step, not their average", training={"ema": 0.0}),
    Variant("average over 1,000 steps", training={"ema": 0.999}),
    Variant("half the learning rate", training={"learning_rate": 0.5}, networks=("cnn",)),
    Variant("half the learning rate", training={"learning_rate": 0.1}, networks=("mlp",)),
    Variant("twice the learning rate", training={"learning_rate": 0.4}, networks=("mlp",)),
    Variant("batches of 256", training={"batch_size": 256}, networks=("cnn",)),
    Variant("half the length", training={"epochs": 0.5}),
    Variant("twice the length", training={"epochs": 2}),
    Variant("no weight decay", training={"weight_decay": 0.0}),
    Variant("three times the weight decay", training={"weight_decay": 6e-4}, networks=("cnn",)),
    Variant("three times the weight decay", training={"weight_decay": 3e-4}, networks=("mlp",)),
    Variant("400 wide instead of 800", training={"network": {"hidden": 400}}, networks=("mlp",)),
    Variant("1,200 wide instead of 800", training={"network": {"hidden": 1_200}}, networks=("mlp",)),
    Variant("16 and 32 filters, not 32 and 64", training={"network": {"filters": (16, 32)}}, networks=("cnn",)),
    Variant("48 and 96 filters, not 32 and 64", training={"network": {"filters": (48, 96)}}, networks=("cnn",)),
    Variant("dense layer 80 wide instead of 160", training={"network": {"dense": 80}}, networks=("cnn",)),
    Variant("neither batch normalisation nor biases", training={"network": {"normalised": False}}),
    Variant("the same learning rate to the end", training={"schedule": "constant"}),
)


def main(argv: list[str] | None = None) -> int:
    """Run what has not been run, and write the page."""
    parser = argparse.ArgumentParser("python -m evaluate.comparison", description=__doc__)
    # One network per process: neither framework is loaded beside the other.
    parser.add_argument("network", choices=NETWORKS, nargs="?", help="whose variants are compared")
    parser.add_argument("--grep", default="", help="only variants whose description contains this")
    parser.add_argument("--long", action="store_true", help="longer runs")
    parser.add_argument("--page", action="store_true", help="run nothing, only rewrite docs/comparison.md")
    options = parser.parse_args(argv)
    if not options.network and not options.page:
        parser.error("say which network, or --page")

    def work() -> None:
        if not options.page:
            compare(options.network, options.long, options.grep)
        write_whole(DOCS / "comparison.md", as_page(json.loads((DOCS / "comparison.json").read_bytes())).encode())

    return finish("comparison", work, "the next one goes on from here")


def compare(network: str, long: bool, grep: str) -> None:
    """Train each variant whose description contains `grep` with the seeds that are missing in docs/comparison.json.

    Raises:
        DigitPadError: there is no pool, or data are missing.
    """
    if not (POOL / "run.json").exists():
        raise DigitPadError(f"{POOL}: no pool to train on; run `make train RECIPE=full` first")
    os.environ |= threads_each(2)  # the other network's comparison may run beside this one
    mnist, pen, mixture = load_mnist(), load_pen(), FULL.mixture
    validation = {"mnist": mnist.validation, "pen": render(pen.validation)}
    # What a round is made of, in its order.
    parts = {"mnist": len(mnist.train), "undistorted": mixture.undistorted}
    parts |= {"pen": len(pen.train) * mixture.pen_repeats}
    parts |= {"generated": mixture.generated, "outliers": mixture.outliers}
    training, table = training_of(network, long), f"{network}-long" if long else network
    pool = json.loads((POOL / "run.json").read_bytes())
    fresh = {
        "settings": json.loads(json.dumps({"training": asdict(training), **pool})),
        "digits": {part: len(digits) for part, digits in validation.items()},
        "wrong": {},
    }
    make_folder(RUNS / network)
    precision = precision_of_run(network, RUNS / network, partial(step_on_noise, network, training))
    for seed in SEEDS:
        for variant in VARIANTS:
            if network not in variant.networks or grep not in variant.changed:
                continue
            if len(_row(_read_table(table, fresh), variant.changed)["mnist"]) >= seed:
                continue
            wrong = train_variant(network, training, variant, seed, mnist.train, validation, parts, precision)
            print(f"{network}  seed {seed}  {variant.changed}: wrong {wrong}", flush=True)
            results = json.loads((DOCS / "comparison.json").read_bytes())  # the other network's comparison writes too
            results["tables"][table] = now = _read_table(table, fresh)
            row = _row(now, variant.changed)  # which result is which seed's does not matter
            now["wrong"][variant.changed] = {part: sorted([*row[part], count]) for part, count in wrong.items()}
            write_whole(DOCS / "comparison.json", as_json(results).encode())


def train_variant(
    network: str,
    training: Training,
    variant: Variant,
    seed: int,
    mnist: Digits,
    validation: dict[str, Digits],
    parts: dict[str, int],
    precision: Precision,
) -> dict[str, int]:
    """Train a network once with a variant; how many answers are wrong at the end, by validation part.

    `mnist` are the digits whose distorted pictures every round of the pool begins with; `parts` says how many pictures
    each part of a round has, by name, in their order.
    """
    epochs = int(training.epochs * variant.training.get("epochs", 1))
    training = replace(training, **{**variant.training, "epochs": epochs})
    shares = [variant.shares.get(name, 1.0) for name in parts]

    def lessons(epoch: int) -> Lesson:
        number = round_number(FULL.mixture.rounds, seed, epoch)
        digits = read_round(POOL, number)
        if variant.strength:
            # By PyTorch, which has no business in the process in which Keras trains.
            distorted = _other_process().submit(_distort, mnist, variant, 1_000 + number)
            digits.images[: len(mnist)] = distorted.result().images
        kept = zip(parts.values(), shares, strict=True)
        digits = digits.pick(np.concatenate([np.arange(count) < share * count for count, share in kept]))
        return digits.images, _answers(digits) if variant.distilled else one_hot(digits.labels)

    _, history = fit(network, training, lessons, validation, None, seed, precision)
    right = {part: accuracy for part, (_, accuracy) in history[-1].validation.items()}
    return {part: round((1 - right[part]) * len(digits)) for part, digits in validation.items()}


def training_of(network: str, long: bool) -> Training:
    """How a network is trained when nothing is changed."""
    training = replace(FULL.trainings[network], epochs=EPOCHS.get(network, EPOCHS_OF_OTHERS)[long])
    return training if long else replace(training, ema=EMA)


@functools.cache
def _other_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _distort(digits: Digits, variant: Variant, seed: int) -> Digits:
    from train.augmentation import distorted

    return distorted(digits, variant.strength or BASE, seed, variant.refit, variant.rescan)


def _answers(digits: Digits) -> Targets:
    """What the shipped CNN says of digits: each one's probabilities for the eleven classes."""
    session = load_model("cnn").session
    pieces = [digits.images[place : place + 500] for place in range(0, len(digits), 500)]
    answers = [session.run(["probabilities", "ood_score"], {"image": piece}) for piece in pieces]
    probabilities, ood_score = (np.concatenate(column) for column in zip(*answers, strict=True))
    non_digit = 1 / (1 + np.exp(-ood_score))[:, None]
    return np.concatenate([probabilities * (1 - non_digit), non_digit], axis=1).astype(np.float32)


def _read_table(name: str, fresh: dict[str, Any]) -> dict[str, Any]:
    """A table of docs/comparison.json; a fresh one, if that one was measured with other settings or data."""
    table = json.loads((DOCS / "comparison.json").read_bytes())["tables"].get(name, fresh)
    return table if table["settings"] == fresh["settings"] else fresh


def _row(table: dict[str, Any], changed: str) -> dict[str, list[int]]:
    return table["wrong"].get(changed, {part: [] for part in table["digits"]})


def as_json(results: dict[str, Any]) -> str:
    """The results as JSON, a row of a table on a line."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    for row in (row for table in results["tables"].values() for row in table["wrong"].values()):
        text = text.replace(json.dumps(row, indent=1).replace("\n", "\n    "), json.dumps(row))
    return text + "\n"


def as_page(results: dict[str, Any]) -> str:
    """The errors of every variant that was run, in per cent: mean and standard deviation over the seeds."""
    lines = [
        "# What each part of the recipe is worth",
        "",
        "Errors in per cent on the validation parts, mean ± standard deviation over the seeds, with one thing changed"
        " at a time: in short runs, and in longer ones, since a short run favours what is learnt quickly. Written by"
        " `python -m evaluate.comparison cnn|mlp [--long]` (after `make train RECIPE=full`, whose pool it uses); the"
        " figures are in [comparison.json](comparison.json). One wrong answer is 0.02 of MNIST's 5,000 digits and 0.07"
        " of the pen writers' 1,498: differences of a few mean nothing.",
        "",
        "What is not listed has not been run on this pool. Tried outside these tables, and nothing gained:",
        "",
        *(f"- {tried}" for tried in results["tried"]),
        "",
    ]
    for name, table in sorted(results["tables"].items()):
        network = name.removesuffix("-long")
        title = f"## {network.upper()}, {table['settings']['training']['epochs']} epochs"
        lines += [title + _when(network, name != network, table["settings"]), ""]
        lines += ["| changed | MNIST | pen | seeds |", "|---|---|---|---|"]
        for variant in VARIANTS:
            if network in variant.networks and variant.changed in table["wrong"]:
                row = table["wrong"][variant.changed]
                cells = [_percent(wrong, table["digits"][part]) for part, wrong in row.items()]
                lines.append(f"| {' | '.join([variant.changed, *cells])} | {len(row['mnist'])} |")
        lines.append("")
    return "\n".join(lines)


def _percent(wrong: list[int], digits: int) -> str:
    errors = [100 * count / digits for count in wrong]
    return f"{np.mean(errors):.2f}" + (f" ± {np.std(errors, ddof=1):.2f}" if errors[1:] else "")


def _when(network: str, long: bool, then: dict[str, Any]) -> str:
    """Whether a table was measured with other settings than today's, as the end of its heading."""
    now = json.loads(json.dumps({"training": asdict(training_of(network, long)), "mixture": asdict(FULL.mixture)}))
    return "" if now.items() <= then.items() else " (measured on an earlier recipe)"


if __name__ == "__main__":
    sys.exit(main())
