"""`python -m train`: makes the pool, trains the networks on it, calibrates them, and writes train/weights/."""

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from digitpad.files import make_folder, write_whole
from digitpad.stroke_files import Sample
from train.command import ROOT, finish, prepare_folder, threads_each
from train.data import DataError, Digits, load_mnist, load_outliers, load_own, load_pen, load_uji, render
from train.history import History, loss_and_accuracy
from train.networks import NETWORKS, TEACHER
from train.pool import Known, answers_path, fill_pool, pool_lesson, read_round
from train.precision import precision_of_run
from train.recipes import RECIPES, Training
from train.synthetic.generate import generate_digits
from train.training import fit, step_on_noise

SOURCES = {  # by a set that comes from each
    "mnist": "MNIST",
    "pen": "UCI pen digits (Alpaydin, Alimoglu, doi:10.24432/C5MG6K, CC BY 4.0)",
    "uji": "digits of UJI pen characters 2 (Prat, Castro, Llorens, Marzal, Vilar, doi:10.24432/C5FG8S, CC BY 4.0)",
    "uji_letters": "letters of UJI pen characters (Llorens, Prat, Marzal, Vilar, CC BY 4.0) as outliers",
    "latin": "letters of Omniglot (Lake, Salakhutdinov, Tenenbaum, MIT) as outliers",
}


@dataclass(frozen=True)
class Material:
    """The data of a run: what the pool is made from, the validation parts by name, the test part."""

    known: Known
    validation: dict[str, Digits]
    outliers: dict[str, Digits]  # of validation: letters that people wrote, by set
    test: Digits
    trained_on: str  # in words


def main(argv: list[str] | None = None) -> int:
    """Train what is asked for; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    options = parse(arguments)

    def work() -> int:
        if options.only == "rows":
            from train import row_reader

            return row_reader.train(row_reader.RECIPES[options.recipe], options.data, options.out)
        if not options.part:
            return train_all(arguments, options)
        _stop_with_parent()
        train_part(options.part, options)
        return 0

    return finish("train", work, "the next run goes on from the last finished epoch")


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m train", description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, default="default", help="how long to train (%(default)s)")
    parser.add_argument("--synthetic", action="store_true", help="train on generated digits alone")
    both = "train one network (default: cnn and mlp, side by side)"
    parser.add_argument("--only", choices=[*NETWORKS, "rows"], help=both)
    parser.add_argument("--out", type=Path, help="write here instead of artifacts/ and train/weights/")
    parser.add_argument("--extra", type=Path, help="your own digits: a stroke file, or a folder with folders 0 to 9")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # of a run: pool-0, cnn ...; in its own process
    options = parser.parse_args(argv)
    if options.only == "rows" and (options.synthetic or options.extra):
        parser.error("the row reader learns from its own data alone: leave out --synthetic and --extra")
    options.recipe_in_full = recipe = RECIPES[options.recipe]
    if options.synthetic:  # five times as many generated digits, since there are no others
        mixture = replace(recipe.mixture, generated=5 * recipe.mixture.generated)
        options.recipe_in_full = replace(recipe, mixture=mixture)
    options.run = (options.out or ROOT / "artifacts") / (options.recipe + ("-synthetic" if options.synthetic else ""))
    return options


def train_all(arguments: list[str], options: argparse.Namespace) -> int:
    """A whole run: the pool, then the networks; returns the exit status."""
    prepare_pool(options, load_material(options))
    shares = _shares(options)
    if failed := side_by_side([f"pool-{number}" for number in range(shares)], arguments):
        return failed
    if options.recipe_in_full.teacher and (failed := side_by_side(["teacher"], arguments)):
        return failed
    return side_by_side([options.only] if options.only else list(NETWORKS), arguments)


def side_by_side(parts: list[str], arguments: list[str]) -> int:
    """Run each part in its own process, sharing the cores: faster than one after the other."""
    environment = os.environ | threads_each(len(parts))
    command = [sys.executable, "-m", "train", *arguments, "--part"]
    # The pipe to each child's standard input closes when we die, however we die, and the child stops with us.
    children = [subprocess.Popen([*command, part], stdin=subprocess.PIPE, env=environment) for part in parts]
    try:
        return max((abs(child.wait()) for child in children), default=0)
    except KeyboardInterrupt:
        return max(abs(child.wait()) for child in children)


def train_part(part: str, options: argparse.Namespace) -> None:
    """Train a network, or make a share of the pool."""
    material = load_material(options)
    if part in NETWORKS:
        train_network(part, options, material)
    elif part == "teacher":
        teach(options, material)
    else:
        share, mixture = int(part.removeprefix("pool-")), options.recipe_in_full.mixture
        fill_pool(options.run / "pool", mixture, material.known, share, _shares(options))


def teach(options: argparse.Namespace, material: Material) -> None:
    """Train the teacher, and keep what it answers to the pool.

    A small network learns more from the answers of a better one than from labels, if it is shown much and long: Beyer
    et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022.
    """
    network, run = NETWORKS[TEACHER].trainer(), options.run / "teacher"
    model, _ = train_seed("teacher", TEACHER, options.recipe_in_full.teacher, options, material, seed=0)
    make_folder(run / "answers")
    for number in range(options.recipe_in_full.mixture.rounds):
        if not answers_path(run / "answers", number).exists():
            scores = network.logits(model, read_round(options.run / "pool", number).digits.images)
            shares = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
            np.save(buffer := io.BytesIO(), shares.astype(np.float16))
            write_whole(answers_path(run / "answers", number), buffer.getvalue())


def train_seed(
    folder: str, name: str, training: Training, options: argparse.Namespace, material: Material, seed: int
) -> tuple[Any, History]:
    """Train a network of this name with one seed, or go on with it, in a folder of the run."""
    recipe, run, pool = options.recipe_in_full, options.run / folder, options.run / "pool"
    teacher = asdict(recipe.teacher) if training.taught else None
    prepare_folder(run, {"training": asdict(training), "teacher": teacher, "pool": (pool / "run.json").read_text()})
    precision = precision_of_run(name, run, partial(step_on_noise, name, training))
    make_folder(run / f"seed_{seed}")
    answers = options.run / "teacher" / "answers"
    lessons = partial(pool_lesson, pool, recipe.mixture.rounds, seed, answers=answers, taught=training.taught)
    return fit(name, training, lessons, material.validation, run / f"seed_{seed}", seed, precision)


def train_network(name: str, options: argparse.Namespace, material: Material) -> None:
    """Train one network with every seed, and turn the best on validation into its final weights and pictures."""
    # Slow to load, so only once the data are there.
    from train.calibration import calibrate, probabilities
    from train.pictures import plot_confusion, plot_curves, plot_most_wrong
    from train.synthetic.outliers import validation_outliers

    recipe, run, network = options.recipe_in_full, options.run / name, NETWORKS[name].trainer()
    trained, runs = [], []
    for seed in recipe.seeds:
        model, history = train_seed(name, name, recipe.trainings[name], options, material, seed)
        accuracy = {part: figures[1] for part, figures in history[-1].validation.items()}
        _, on_test = loss_and_accuracy(network.logits(model, material.test.images), material.test.labels)
        runs.append({"seed": seed, **accuracy, "test": on_test})
        trained.append((np.mean(list(accuracy.values())), model, history))
    # Every validation part counts equally; the test part has no say.
    _, model, history = max(trained, key=lambda candidate: candidate[0])

    letters = [part.images for part in material.outliers.values()]
    calibration = calibrate(
        [(network.logits(model, part.images), part.labels) for part in material.validation.values()],
        [network.logits(model, kind) for kind in [*validation_outliers().values(), *letters]],
    )
    weights = (options.out / "weights" if options.out else ROOT / "train" / "weights") / NETWORKS[name].weights
    make_folder(weights.parent)
    network.save(model, weights)
    facts = {
        "recipe": options.recipe,
        "epochs": recipe.trainings[name].epochs,
        "framework": NETWORKS[name].framework(),
        "precision": (run / "precision").read_text(),
        "trained_on": material.trained_on,
        **asdict(calibration),
        "seeds": runs,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    write_whole(weights.with_name(f"{name}.json"), (json.dumps(facts, indent=2) + "\n").encode())

    plot_curves(history, run / "curves.png")
    answers = probabilities(network.logits(model, material.test.images), calibration.temperature)
    confusion = np.zeros((10, 10), np.int64)
    np.add.at(confusion, (material.test.labels, answers.argmax(axis=1)), 1)
    plot_confusion(confusion, run / "confusion.png", f"{name}, test digits")
    plot_most_wrong(material.test, answers, run / "most_wrong.png")
    right = np.trace(confusion) / confusion.sum()
    print(f"{name}: test accuracy {right:.2%}; temperature {calibration.temperature:.3f}; pictures in {run}")


def prepare_pool(options: argparse.Namespace, material: Material) -> None:
    """Make the pool's folder; rounds from other data or settings are removed."""
    mixture = options.recipe_in_full.mixture
    known = material.known
    digest = hashlib.sha256(known.images.images.tobytes() + known.images.labels.tobytes())
    for sample in (sample for samples in (known.pen | known.letters).values() for sample in samples):
        digest.update((sample.label or "").encode() + b"".join(stroke.tobytes() for stroke in sample.strokes))
    prepare_folder(options.run / "pool", {"mixture": asdict(mixture), "digits": digest.hexdigest()})


def load_material(options: argparse.Namespace) -> Material:
    """Find or download the data.

    Raises:
        DigitPadError: MNIST is unavailable, or the person's own digits cannot be read.
    """
    pen: dict[str, list[Sample]] = {}
    letters: dict[str, list[Sample]] = {}
    outliers: dict[str, Digits] = {}
    mixture = options.recipe_in_full.mixture
    sources = [f"{mixture.generated:,} generated digits and {mixture.outliers:,} generated outliers an epoch"]
    if options.synthetic:
        images = render([])
        validation = {"generated": generate_digits(1_000, seed=2)}
        test = generate_digits(1_000, seed=3)
    else:
        mnist = load_mnist(options.data)
        images, validation, test = mnist.train, {"mnist": mnist.validation}, mnist.test
        missing = []
        for name, load in (("pen", load_pen), ("uji", load_uji)):
            try:
                digits = load(options.data)
            except DataError as error:
                missing.append(error)
            else:
                pen[name] = digits.train
                validation[name] = render(digits.validation)
        real = load_outliers(options.data)
        letters = real.train
        outliers = {name: render(samples) for name, samples in real.validation.items()}
        if options.part is None:
            for reason in missing + real.missing:
                print(f"train: going on without a part of the data: {reason}", file=sys.stderr)
        used = {"mnist", *validation, *letters}
        sources = [words for name, words in SOURCES.items() if name in used] + sources
    if options.extra:
        own_images, own_strokes = load_own(options.extra)
        images = images + own_images
        if digits_drawn := [sample for sample in own_strokes if sample.label]:
            pen["own"] = digits_drawn
        if no_digits := [sample for sample in own_strokes if not sample.label]:
            letters["own_outliers"] = no_digits
        sources.append(f"{len(own_images) + len(own_strokes)} drawings of the user's own")
    return Material(Known(images, pen, letters), validation, outliers, test, ", ".join(sources))


def _stop_with_parent() -> None:
    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _shares(options: argparse.Namespace) -> int:
    """How many processes make the pool."""
    return min(os.cpu_count() or 1, options.recipe_in_full.mixture.rounds)


if __name__ == "__main__":
    sys.exit(main())
