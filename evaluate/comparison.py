"""`python -m evaluate.comparison cnn|mlp`: what each part of the recipe is worth on validation, over several seeds.

Short runs on the full recipe's pool with one thing changed at a time. The results go into docs/comparison.json, from
which a stopped comparison goes on and docs/comparison.md is written (with --page, that alone).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad.errors import DigitPadError
from digitpad.files import make_folder, write_whole
from evaluate.sets import load_pen_numbers
from evaluate.unseen_corruptions import UNSEEN, corrupt
from train.calibration import log_odds
from train.command import ROOT, finish, threads_each
from train.corruption import FAMILIES
from train.data import (
    DataError,
    Digits,
    Images,
    load_mnist,
    load_outliers,
    load_pen,
    load_uji,
    render,
)
from train.networks import NETWORKS
from train.pool import Round, read_round, round_number, targets_of
from train.precision import Precision, precision_of_run
from train.recipes import RECIPES, Training
from train.synthetic.generate import in_turn
from train.synthetic.outliers import KINDS, generate_outliers
from train.training import Lesson, fit, step_on_noise

FULL = RECIPES["full"]
POOL = ROOT / "artifacts" / "full" / "pool"
ANSWERS = ROOT / "artifacts" / "full" / "teacher" / "answers"
RUNS = ROOT / "artifacts" / "compare"  # keeps the precision that each network is trained in
DOCS = ROOT / "docs"
EPOCHS = {"cnn": 4}
EPOCHS_OF_OTHERS = 10
EMA = 0.99  # a longer average would still hold the first epochs
SEEDS = (1, 2)
REFUSED = 0.003  # of the validation digits, where non-digits are counted; each set counts equally
# What is measured of every run, in per cent, by the columns' titles: errors on digits, and non-digits that pass.
MEASURES = {
    "mnist": "MNIST",
    "pen": "UCI pen",
    "uji": "UJI",
    "pen_numbers": "pen numbers",
    "unseen": "unseen corruptions",
    "letters": "real letters pass",
    "outliers": "generated outliers pass",
}
LETTERS_OF_OMNIGLOT = ("balinese", "korean", "latin")
NON_DIGITS = ("outliers", "uji_letters", *LETTERS_OF_OMNIGLOT, "neighbours", "leavings")
# How many of each digit's ways of writing the generator had before it learned those of Europe, which come after them.
FORMER_WAYS = (5, 5, 4, 4, 6, 4, 4, 5, 5, 7)


@dataclass(frozen=True)
class Variant:
    """One change to the recipe."""

    changed: str  # in words
    shares: dict[str, float] = field(default_factory=dict)  # how much is left of parts of a round
    without: tuple[str, ...] = ()  # pictures that went through one of these families of corruption are left out
    former_ways: bool = False  # generated digits are written in FORMER_WAYS alone
    same_steps: bool = False  # more epochs, so that fewer pictures are shown as many times in all
    taught: float = 0.0  # how much of the targets is what the teacher answers


VARIANTS = (
    Variant("nothing: the recipe itself"),
    Variant("no generated digits", shares={"generated": 0}),
    Variant("generated digits in none of Europe's ways", former_ways=True),
    Variant("no undistorted pictures", shares={"undistorted": 0}),
    # What more digits would bring: compare with the line above.
    Variant(
        "half of MNIST's digits, and no undistorted pictures", shares={"mnist": 0.5, "undistorted": 0}, same_steps=True
    ),
    # A collection left out, and measured: how people are read of whose collection nothing was learned.
    Variant("no pen digits of UCI", shares={"pen": 0}),
    Variant("no pen digits of UJI", shares={"uji": 0}),
    Variant("pen digits of neither collection", shares={"pen": 0, "uji": 0}),
    Variant("neither pen nor generated digits", shares={"pen": 0, "uji": 0, "generated": 0}),
    Variant("no letters of UJI", shares={"uji_letters": 0}),
    Variant("no letters of Omniglot", shares=dict.fromkeys(LETTERS_OF_OMNIGLOT, 0)),
    Variant("no real letters", shares=dict.fromkeys(("uji_letters", *LETTERS_OF_OMNIGLOT), 0)),
    Variant("no generated outliers", shares={"outliers": 0}),
    Variant("no digits with their neighbour", shares={"neighbours": 0}),
    Variant("no bare paper", shares={"leavings": 0}),
    Variant("no non-digits", shares=dict.fromkeys(NON_DIGITS, 0)),
    Variant("nothing corrupted", without=tuple(FAMILIES), same_steps=True),
    Variant("with the teacher's answers, as the full recipe has it", taught=0.7),
    *(Variant(f"not corrupted by: {family}", without=(family,)) for family in FAMILIES),
)


def main(argv: list[str] | None = None) -> int:
    """Run what has not been run, and write the page."""
    parser = argparse.ArgumentParser("python -m evaluate.comparison", description=__doc__)
    # One network per process: neither framework is loaded beside the other.
    parser.add_argument("network", choices=NETWORKS, nargs="?", help="whose variants are compared")
    parser.add_argument("--grep", default="", help="only variants whose description contains this")
    parser.add_argument("--page", action="store_true", help="run nothing, only rewrite docs/comparison.md")
    options = parser.parse_args(argv)
    if not options.network and not options.page:
        parser.error("say which network, or --page")

    def work() -> None:
        if not options.page:
            compare(options.network, options.grep)
        write_whole(DOCS / "comparison.md", as_page(json.loads((DOCS / "comparison.json").read_bytes())).encode())

    return finish("comparison", work, "the next one goes on from here")


def compare(network: str, grep: str) -> None:
    """Train each variant whose description contains `grep` with the seeds that are missing in docs/comparison.json.

    Raises:
        DigitPadError: there is no pool, or data are missing.
    """
    if not (POOL / "run.json").exists():
        raise DigitPadError(f"{POOL}: no pool to train on; run `make train RECIPE=full` first")
    os.environ |= threads_each(2)  # the other network's comparison may run beside this one
    sets, training = load_sets(), training_of(network)
    pool = json.loads((POOL / "run.json").read_bytes())
    settings = json.loads(json.dumps({"training": asdict(training), **pool}))
    fresh: dict[str, Any] = {"settings": settings, "measured": {}}
    make_folder(RUNS / network)
    precision = precision_of_run(network, RUNS / network, partial(step_on_noise, network, training))
    for seed in SEEDS:
        for variant in VARIANTS:
            if grep not in variant.changed or _seeds(_read_table(network, fresh), variant) >= seed:
                continue
            figures = train_variant(network, training, variant, seed, sets, precision)
            print(f"{network}  seed {seed}  {variant.changed}: {figures}", flush=True)
            results = json.loads((DOCS / "comparison.json").read_bytes())  # the other network's comparison writes too
            results["tables"][network] = now = _read_table(network, fresh)
            row = now["measured"].get(variant.changed, {})  # which result is which seed's does not matter
            now["measured"][variant.changed] = {name: sorted([*row.get(name, []), x]) for name, x in figures.items()}
            write_whole(DOCS / "comparison.json", as_json(results).encode())


@dataclass(frozen=True)
class Sets:
    """What every run is measured on."""

    digits: dict[str, Digits]  # the validation digits of each collection
    measured: dict[str, Digits]  # further digits, by the keys of MEASURES, from which nothing is fitted
    letters: list[Images]  # that people wrote, of each collection
    outliers: Images  # generated, in shapes that are never trained on


def load_sets() -> Sets:
    """Find what runs are measured on; what cannot be had is named on standard error, and left out.

    Raises:
        DataError: MNIST is unavailable.
    """
    mnist = load_mnist().validation
    digits, measured = {"mnist": mnist}, {}
    for name, load in (("pen", load_pen), ("uji", load_uji)):
        try:
            digits[name] = render(load().validation)
        except DataError as error:
            print(f"not measured on a part of the digits: {error}", file=sys.stderr)
    unseen = np.concatenate([corrupt(mnist.images, family) for family in UNSEEN])
    measured["unseen"] = Digits(unseen, np.tile(mnist.labels, len(UNSEEN)))
    if (numbers := load_pen_numbers()) is not None:
        measured["pen_numbers"] = render(numbers)
    images, _ = generate_outliers(200 * len(KINDS), seed=0, held_out=True)
    letters = [render(samples).images for samples in load_outliers().validation.values()]
    return Sets(digits, measured, letters, images)


def measure(logits: Callable[[Images], NDArray[np.float32]], sets: Sets) -> dict[str, float]:
    """What a network's scores (N, 11) of images are worth, by the keys of MEASURES, in per cent.

    Non-digits pass where their log odds are no higher than those that REFUSED of the validation digits exceed.
    """
    odds = partial(log_odds, temperature=1.0)
    scores = {name: logits(digits.images) for name, digits in (sets.digits | sets.measured).items()}
    figures = {
        name: 100 * np.mean(scores[name][:, :10].argmax(axis=1) != digits.labels)
        for name, digits in (sets.digits | sets.measured).items()
    }
    of_digits = [odds(scores[name]) for name in sets.digits]
    weights = np.concatenate([np.full(len(values), 1 / len(values)) for values in of_digits])
    threshold = np.quantile(np.concatenate(of_digits), 1 - REFUSED, weights=weights, method="inverted_cdf")
    if sets.letters:
        figures["letters"] = 100 * np.mean([np.mean(odds(logits(of)) <= threshold) for of in sets.letters])
    figures["outliers"] = 100 * np.mean(odds(logits(sets.outliers)) <= threshold)
    return {name: round(float(figure), 3) for name, figure in figures.items()}


def train_variant(
    network: str, training: Training, variant: Variant, seed: int, sets: Sets, precision: Precision
) -> dict[str, float]:
    """Train a network once with a variant, and measure it."""
    model = learned(network, training, variant, seed, sets.digits, precision)
    return measure(partial(NETWORKS[network].trainer().logits, model), sets)


def learned(
    network: str,
    training: Training,
    variant: Variant,
    seed: int,
    validation: dict[str, Digits],
    precision: Precision,
) -> Any:
    """A network trained once with a variant."""
    number = partial(round_number, FULL.mixture.rounds, seed)
    epochs = training.epochs
    if variant.same_steps:
        kept = shown(read_round(POOL, number(0)), variant)
        epochs = round(epochs * len(kept) / kept.sum())
    training = replace(training, epochs=epochs, taught=variant.taught)

    def lessons(epoch: int) -> Lesson:
        made = read_round(POOL, number(epoch))
        targets, which = targets_of(made.digits, number(epoch), ANSWERS, training.taught), shown(made, variant)
        return made.digits.images[which], targets[which]

    model, _ = fit(network, training, lessons, validation, None, seed, precision)
    return model


def shown(made: Round, variant: Variant) -> NDArray[np.bool_]:
    """Which pictures of a round a variant shows: (N,)."""
    kept = {name: np.arange(count) < variant.shares.get(name, 1.0) * count for name, count in made.parts.items()}
    if variant.former_ways:  # of `generate_samples`, which takes digits and ways in turn
        place = np.arange(made.parts["generated"])
        ways = np.array([len(in_turn(str(digit))) for digit in range(10)])[place % 10]
        kept["generated"] &= place // 10 % ways < np.array(FORMER_WAYS)[place % 10]
    left_out = [number for number, family in enumerate(FAMILIES, start=1) if family in variant.without]
    return np.concatenate(list(kept.values())) & ~np.isin(made.families, left_out).any(axis=1)


def training_of(network: str) -> Training:
    """How a network is trained when nothing is changed: from labels alone, or all runs would depend on the teacher."""
    epochs = EPOCHS.get(network, EPOCHS_OF_OTHERS)
    return replace(FULL.trainings[network], epochs=epochs, taught=0.0, ema=EMA)


def _read_table(name: str, fresh: dict[str, Any]) -> dict[str, Any]:
    """A table of docs/comparison.json; a fresh one, if that one was measured with other settings or data."""
    table = json.loads((DOCS / "comparison.json").read_bytes())["tables"].get(name, fresh)
    return table if table["settings"] == fresh["settings"] else fresh


def _seeds(table: dict[str, Any], variant: Variant) -> int:
    """With how many seeds a variant was measured."""
    return len(table["measured"].get(variant.changed, {}).get("mnist", []))


def as_json(results: dict[str, Any]) -> str:
    """The results as JSON, a row of a table on a line."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    for row in (row for table in results["tables"].values() for row in table["measured"].values()):
        text = text.replace(json.dumps(row, indent=1).replace("\n", "\n    "), json.dumps(row))
    return text + "\n"


def as_page(results: dict[str, Any]) -> str:
    """The errors of every variant that was run, in per cent: mean and standard deviation over the seeds."""
    lines = [
        "# What each part of the recipe is worth",
        "",
        "Mean ± standard deviation over the seeds, in per cent, with one thing changed at a time, in short runs, which"
        " favour what is learnt quickly. Written by `python -m evaluate.comparison cnn|mlp` (after `make train"
        " RECIPE=full`, whose pool it uses); the figures are in [comparison.json](comparison.json).",
        "",
        "- MNIST, UCI pen, UJI: errors on the validation digits. One wrong answer is 0.02 of MNIST's 5,000 digits, 0.07"
        " of UCI's 1,498 and 0.25 of UJI's 400: differences of a few mean nothing.",
        "- pen numbers: errors on 6,921 digits cut from real pen numbers, which are measured on and never learned from"
        " (CROHME, CC BY-NC-SA 3.0).",
        f"- unseen corruptions: mean error over {len(UNSEEN)} families of corruption of MNIST's validation digits that"
        " are never trained on.",
        f"- real letters, generated outliers pass: the share taken for digits where {REFUSED:.1%} of the validation"
        " digits are refused. Letters that people wrote, look-alikes aside: UJI's writers 7 and 8, and Early Aramaic,"
        " each counting equally. Generated ones: every kind, in shapes that are never trained on.",
        "",
        "What is not listed has not been run on this pool. Tried outside these tables, and nothing gained:",
        "",
        *(f"- {tried}" for tried in results["tried"]),
        "",
    ]
    for network, table in sorted(results["tables"].items()):
        title = f"## {network.upper()}, {table['settings']['training']['epochs']} epochs"
        lines += [title + _when(network, table["settings"]), ""]
        columns = [name for name in MEASURES if any(name in row for row in table["measured"].values())]
        lines += [f"| changed | {' | '.join(MEASURES[name] for name in columns)} | seeds |"]
        lines += ["|---" * (len(columns) + 2) + "|"]
        for variant in VARIANTS:
            if variant.changed in table["measured"]:
                row = table["measured"][variant.changed]
                cells = [_spread(row[name]) if name in row else "-" for name in columns]
                lines.append(f"| {' | '.join([variant.changed, *cells])} | {_seeds(table, variant)} |")
        lines.append("")
    return "\n".join(lines)


def _spread(figures: list[float]) -> str:
    return f"{np.mean(figures):.2f}" + (f" ± {np.std(figures, ddof=1):.2f}" if figures[1:] else "")


def _when(network: str, then: dict[str, Any]) -> str:
    """Whether a table was measured with other settings than today's, as the end of its heading."""
    now = json.loads(json.dumps({"training": asdict(training_of(network)), "mixture": asdict(FULL.mixture)}))
    return "" if now.items() <= then.items() else " (measured on an earlier recipe)"


if __name__ == "__main__":
    sys.exit(main())
