"""`python -m evaluate.comparison cnn|mlp`: what each part of the recipe is worth on validation, over several seeds.

Short runs on the full recipe's pool, one thing changed at a time; with --long, runs of a third of the recipe's length,
for what only tells in time. Writes docs/training.md; what was measured already on this pool is read from
artifacts/compare/, so that a stopped comparison goes on.
"""

import argparse
import json
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F

from digitpad.files import write_whole
from digitpad.models import load_model
from train.__main__ import NETWORKS, prepare_folder
from train.augmentation import Batches, Loader, Strength, one_hot, shuffled
from train.command import ROOT
from train.data import Digits, load_mnist, load_pen, render
from train.pool import distorted, read_round
from train.precision import precision_of_run
from train.recipes import RECIPES, Training

FULL = RECIPES["full"]
POOL = ROOT / "artifacts" / "full" / "pool"
RESULTS = ROOT / "artifacts" / "compare"
EPOCHS = {"cnn": 4, "mlp": 10}
LONG_EPOCHS = {"cnn": 25, "mlp": 50}
EMA = 0.99  # of short runs: a longer average would still hold the first epochs
SEEDS = (1, 2)
Run = dict[str, float]  # accuracy by validation part


@dataclass(frozen=True)
class Variant:
    """One change of the recipe."""

    changed: str  # in words
    networks: tuple[str, ...] = NETWORKS
    training: dict[str, object] = field(default_factory=dict)
    strength: Strength | None = None  # other distortions of MNIST's digits
    shares: dict[str, float] = field(default_factory=dict)  # how much is left of parts of the mixture
    distilled: bool = False  # learned from the shipped CNN's answers
    patched: tuple[tuple[str, object], ...] = ()  # what else is replaced in the code


BASE = FULL.mixture.strength
STILL = Strength(rotation=0, aspect=0, shear=0, elastic=0, thickness=0, loose=0)


def _times(factor: float) -> Strength:
    names = ("rotation", "aspect", "shear", "elastic", "thickness")
    return replace(BASE, **{name: factor * getattr(BASE, name) for name in names})


def _half_resolution(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """What distortions commonly do: grey levels in between, and no scan that makes ink black again."""
    finer = F.interpolate(places.permute(0, 3, 1, 2), scale_factor=2, mode="bilinear").permute(0, 2, 3, 1)
    return F.grid_sample(images, finer, align_corners=False)


def _nothing(momentum: float, scale: bool, name: str) -> object:
    import keras

    return keras.layers.Identity(name=name)


def _constant(optimizer: torch.optim.Optimizer, T_max: int) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


VARIANTS = (
    Variant("nothing: the recipe itself"),
    Variant(
        "distorted digits keep their new size and place",
        strength=BASE,
        patched=(("train.augmentation._refit", lambda *a: a[2]),),
    ),
    Variant(
        "distorted digits are not scanned anew",
        strength=BASE,
        patched=(("train.augmentation._scan", _half_resolution),),
    ),
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
    # What more digits would bring: compare with the line above. As many steps, hence more epochs.
    Variant(
        "half of MNIST's digits, and no undistorted pictures",
        shares={"mnist": 0.5, "undistorted": 0},
        training={"epochs": 1.36},
    ),
    Variant("nothing that is no digit", shares={"outliers": 0}),
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
    Variant("400 wide instead of 800", patched=(("train.mlp.HIDDEN", 400),), networks=("mlp",)),
    Variant("1,200 wide instead of 800", patched=(("train.mlp.HIDDEN", 1_200),), networks=("mlp",)),
    Variant("16 and 32 filters, not 32 and 64", patched=(("train.cnn.FILTERS", (16, 32)),), networks=("cnn",)),
    Variant("48 and 96 filters, not 32 and 64", patched=(("train.cnn.FILTERS", (48, 96)),), networks=("cnn",)),
    Variant("dense layer 80 wide instead of 160", patched=(("train.cnn.DENSE", 80),), networks=("cnn",)),
    Variant(
        "neither batch normalisation nor biases",
        patched=(("train.mlp.nn.BatchNorm1d", torch.nn.Identity),),
        networks=("mlp",),
    ),
    Variant(
        "neither batch normalisation nor biases",
        patched=(("train.cnn.layers.BatchNormalization", _nothing),),
        networks=("cnn",),
    ),
    Variant(
        "the same learning rate to the end",
        patched=(("train.cnn.keras.optimizers.schedules.CosineDecay", lambda rate, steps: rate),),
        networks=("cnn",),
    ),
    Variant(
        "the same learning rate to the end",
        patched=(("train.mlp.torch.optim.lr_scheduler.CosineAnnealingLR", _constant),),
        networks=("mlp",),
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Run what has not been run, and write the table."""
    parser = argparse.ArgumentParser("python -m evaluate.comparison", description=__doc__)
    # One network a process: PyTorch's first optimiser dies in one that has TensorFlow loaded.
    parser.add_argument("network", choices=NETWORKS, help="whose variants are compared")
    parser.add_argument("--grep", default="", help="only variants whose description holds this")
    parser.add_argument("--long", action="store_true", help="longer runs")
    options = parser.parse_args(argv)
    # Half the cores: the other network's comparison may run beside this one. TensorFlow looks for it when it starts.
    threads = max(1, (os.cpu_count() or 1) // 2)
    torch.set_num_threads(threads)
    os.environ |= {"TF_NUM_INTRAOP_THREADS": str(threads), "TF_NUM_INTEROP_THREADS": "1"}
    mnist, pen = load_mnist(), load_pen()
    validation = {"mnist": mnist.validation, "pen": render(pen.validation)}
    mixture = FULL.mixture
    # What a round is made of, in its order.
    parts = {"mnist": len(mnist.train), "undistorted": mixture.undistorted}
    parts |= {"pen": len(pen.train) * mixture.pen_repeats}
    parts |= {"generated": mixture.generated, "outliers": mixture.outliers}
    recipe = _recipe(options.network, options.long)
    results = _results(options.network, options.long)
    prepare_folder(results, _settings(options.network, options.long))
    for seed in SEEDS:
        for variant in VARIANTS:
            path = results / f"{variant.changed} {seed}.json"
            if options.network in variant.networks and options.grep in variant.changed and not path.exists():
                run = train_variant(options.network, recipe, variant, seed, mnist.train, validation, parts)
                write_whole(path, json.dumps(run).encode())
                print(f"{options.network}  seed {seed}  {variant.changed}: {run}", flush=True)
    write_table(ROOT / "docs" / "training.md")
    return 0


def train_variant(
    network: str,
    recipe: Training,
    variant: Variant,
    seed: int,
    mnist: Digits,
    validation: dict[str, Digits],
    parts: dict[str, int],
) -> Run:
    """Train a network once with a variant; accuracy on the validation parts at the end.

    Args:
        network: "cnn" or "mlp".
        recipe: how it is trained, but for what the variant changes.
        variant: what is changed.
        seed: decides the first weights, the order and the dropout.
        mnist: the digits whose distorted pictures every round of the pool begins with.
        validation: the parts that are measured, by name.
        parts: how many pictures each part of a round has, by name, in their order.
    """
    length = variant.training.get("epochs", 1)
    assert isinstance(length, int | float)
    training: Training = replace(recipe, **{**variant.training, "epochs": int(recipe.epochs * length)})  # type: ignore[arg-type]
    shares = [variant.shares.get(name, 1.0) for name in parts]

    def loader(epoch: int) -> Loader:
        number = (epoch + 5 * seed) % FULL.mixture.rounds
        digits = read_round(POOL, number)
        if variant.strength:
            digits.images[: len(mnist)] = distorted(mnist, variant.strength, 1_000 + number).images
        kept = zip(parts.values(), shares, strict=True)
        digits = digits.pick(np.concatenate([np.arange(count) < share * count for count, share in kept]))
        targets = _answers(digits) if variant.distilled else one_hot(digits.labels)
        return shuffled(Batches(digits.images, targets), training.batch_size, 1_000 * seed + epoch)

    folder = RESULTS / "run" / network
    for old in folder.glob("*"):
        old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as patches:
        for target, value in variant.patched:
            patches.enter_context(patch(target, value))
        if network == "cnn":
            from train.cnn import cnn_step as step_of
            from train.cnn import train_cnn as train
        else:
            from train.mlp import mlp_step as step_of
            from train.mlp import train_mlp as train
        precision = precision_of_run(network, folder, partial(step_of, training))
        _, history = train(training, loader, validation, folder, seed, precision)
    return {name: figures[1] for name, figures in history[-1].validation.items()}


def _recipe(network: str, long: bool) -> Training:
    recipe = FULL.cnn if network == "cnn" else FULL.mlp
    return replace(recipe, epochs=LONG_EPOCHS[network]) if long else replace(recipe, epochs=EPOCHS[network], ema=EMA)


def _settings(network: str, long: bool) -> dict[str, object]:
    return {"training": asdict(_recipe(network, long)), "pool": (POOL / "run.json").read_text()}


def _results(network: str, long: bool) -> Path:
    return RESULTS / (f"{network}-long" if long else network)


def _answers(digits: Digits) -> torch.Tensor:
    """What the shipped CNN says of digits: how likely each is each of the eleven classes (N, 11)."""
    session = load_model("cnn").session
    pieces = [digits.images[place : place + 500] for place in range(0, len(digits), 500)]
    answers = [session.run(None, {"image": piece}) for piece in pieces]
    probabilities, ood_score = (torch.from_numpy(np.concatenate(column)) for column in zip(*answers, strict=True))
    no_digit = torch.sigmoid(ood_score)[:, None]
    return torch.cat([probabilities * (1 - no_digit), no_digit], dim=1)


def _when(network: str, long: bool) -> str:
    """What was another when results were measured that are still listed, as the end of a heading."""
    then = json.loads((_results(network, long) / "run.json").read_bytes())
    now = json.loads(json.dumps(_settings(network, long)))
    if then == now:
        return ""
    was, is_now = ({**settings["training"], **_mixture(settings)} for settings in (then, now))
    changes = [f"{key} {was.get(key, 'none')}, now {value}" for key, value in is_now.items() if was.get(key) != value]
    return f" (measured on an earlier recipe: {'; '.join(changes) or 'other digits'})"


def _mixture(settings: dict[str, str]) -> dict[str, object]:
    mixture = json.loads(settings["pool"]).get("mixture", {})
    return mixture | mixture.pop("strength", {})


def write_table(path: Path) -> None:
    """The errors of every variant that was run, in per cent: mean and standard deviation over the seeds."""
    lines = [
        "# What each part of the recipe is worth",
        "",
        "Errors in per cent on the validation parts, mean ± standard deviation over the seeds, with one thing changed"
        f" at a time: of short runs of {EPOCHS['cnn']} epochs of the CNN and {EPOCHS['mlp']} of the MLP, and of longer"
        " ones, since a short run favours whatever is quickly learnt. Written by `python -m evaluate.comparison cnn|mlp"
        " [--long]` (after `make train RECIPE=full`, whose pool it uses). One wrong answer is 0.02 of MNIST's 5,000"
        " digits and 0.07 of the pen writers' 1,498: differences of a few say nothing.",
        "",
        "What is not listed has not been run on this pool. Tried outside these tables, and nothing gained:",
        "",
        "- larger networks as teachers, from whose answers both networks learned. The largest, a residual one of seven"
        " times the CNN's work, reads validation digits that are distorted like the training's better than the CNN"
        " (0.82 wrong, not 1.08), but undistorted ones hardly (0.30), and the pen writers' not (0.47). A CNN that"
        " learned from it for 25 epochs, with the overlapping windows below: 0.38 and 0.27, and 1.11 of the distorted;",
        "- the mean answers of five CNNs as targets, for either network. The five together read hardly better than one:"
        " what is left to gain is not in the seeds;",
        "- four times as many rounds, so that no epoch shows what an earlier one did: the MLP's mean of five seeds was"
        " 0.50 and 0.44, not 0.52 and 0.40;",
        "- MNIST's validation digits in the training too, with temperature and thresholds from a twin that never saw"
        " them: it takes twice the time, and five MLPs read the pen writers' digits as before (0.41, not 0.40);",
        "- in the CNN, windows of 4 by 4 that overlap in the first pooling, with twice the learning rate, less dropout"
        " (0 and 0.2) and less weight decay (0.00005): as good after half the epochs (0.34 and 0.36, not 0.33 and 0.43,"
        " mean of five seeds), but no better;",
        "- sharpness-aware minimisation; the statistics of batch normalisation measured anew; an end of the CNN's"
        " training on half undistorted digits;",
        "- in the CNN, at the same work, convolutions in groups; a first pooling in steps of three with twice the"
        " filters (it learned more, and read no better); the outermost two pixels cut off; a second convolution of 7 by"
        " 7 or 8 by 8; SiLU or leaky ReLU;",
        "- in the MLP, GELU, maxout or gated units instead of ReLU, with as many weights; blurred or sharpened images;"
        " the mean of its answers to an image as it is and moved, turned or stretched a little;",
        "- digits set upright by their moments before a network sees them: the MLP read MNIST's a little better (0.46,"
        " not 0.52), the pen writers' not, and took a fifth longer; the CNN the other way round (0.44, not 0.32;"
        " 0.47, not 0.60).",
        "",
    ]
    for network, long in [(network, long) for network in NETWORKS for long in (False, True)]:
        rows = []
        for variant in VARIANTS:
            runs = [
                json.loads(p.read_bytes()) for p in sorted(_results(network, long).glob(f"{variant.changed} ?.json"))
            ]
            if runs and network in variant.networks:
                errors = {part: [100 * (1 - run[part]) for run in runs] for part in runs[0]}
                cells = [
                    f"{np.mean(e):.2f}" + (f" ± {np.std(e, ddof=1):.2f}" if e[1:] else "") for e in errors.values()
                ]
                rows.append(f"| {variant.changed} | {' | '.join(cells)} | {len(runs)} |")
        if rows:
            head = ["| changed | MNIST | pen | seeds |", "|---|---|---|---|"]
            epochs = (LONG_EPOCHS if long else EPOCHS)[network]
            lines += [f"## {network.upper()}, {epochs} epochs{_when(network, long)}", "", *head, *rows, ""]
    path.parent.mkdir(exist_ok=True)
    write_whole(path, ("\n".join(lines)).encode())


if __name__ == "__main__":
    sys.exit(main())
