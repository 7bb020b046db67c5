"""`python -m train`: makes the pool, trains the networks on it, calibrates them, and writes train/weights/."""

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from digitpad.files import make_folder, write_whole
from digitpad.stroke_files import Sample
from train.command import ROOT, finish
from train.data import DataError, Digits, load_mnist, load_own, load_pen, render
from train.recipes import RECIPES
from train.synthetic.generate import generate_digits

NETWORKS = ("cnn", "mlp")


@dataclass(frozen=True)
class Material:
    """The data of a run: what the pool is made from, the validation parts by name, the test part."""

    images: Digits
    pen: list[Sample]
    validation: dict[str, Digits]
    test: Digits
    trained_on: str  # in words


def main(argv: list[str] | None = None) -> int:
    """Train what is asked for; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    options = parse(arguments)

    def work() -> int:
        if options.part:
            _stop_with_parent()
            _limit_threads(options.threads)
            train_part(options.part, options)
            return 0
        return train_all(arguments, options)

    return finish("train", work, "the next run goes on from the last finished epoch")


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m train", description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, default="default", help="how long to train (%(default)s)")
    parser.add_argument("--synthetic", action="store_true", help="train on generated digits alone")
    parser.add_argument("--only", choices=NETWORKS, help="train one network (default: both, side by side)")
    parser.add_argument("--out", type=Path, help="write here instead of artifacts/ and train/weights/")
    parser.add_argument("--extra", type=Path, help="your own digits: a stroke file, or a folder with folders 0 to 9")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # of a run: pool-0, cnn ...; in a process of its own
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    options.recipe_in_full = recipe = RECIPES[options.recipe]
    if options.synthetic:  # five times the generated digits, where there are no others
        mixture = replace(recipe.mixture, generated=5 * recipe.mixture.generated)
        options.recipe_in_full = replace(recipe, mixture=mixture)
    options.run = (options.out or ROOT / "artifacts") / (options.recipe + ("-synthetic" if options.synthetic else ""))
    return options


def train_all(arguments: list[str], options: argparse.Namespace) -> int:
    """A whole run: the pool, then the networks; returns the exit status."""
    prepare_pool(options, load_material(options))
    shares = min(os.cpu_count() or 1, options.recipe_in_full.mixture.rounds)
    if failed := side_by_side([f"pool-{number}" for number in range(shares)], arguments):
        return failed
    return side_by_side([options.only] if options.only else list(NETWORKS), arguments)


def side_by_side(parts: list[str], arguments: list[str]) -> int:
    """Train parts of a run in a process each, which share the cores: faster than one after the other."""
    threads = max(1, (os.cpu_count() or 1) // max(1, len(parts)))
    command = [sys.executable, "-m", "train", *arguments, "--threads", str(threads), "--part"]
    # The pipe to each child's standard input closes when we die, however we die, and the child stops with us.
    children = [subprocess.Popen([*command, part], stdin=subprocess.PIPE, cwd=Path.cwd()) for part in parts]
    try:
        return max((abs(child.wait()) for child in children), default=0)
    except KeyboardInterrupt:
        return max(abs(child.wait()) for child in children)


def train_part(part: str, options: argparse.Namespace) -> None:
    """Train a network, or make a share of the pool."""
    material = load_material(options)
    if part in NETWORKS:
        train_network(part, options, material)
        return
    from train.pool import fill_pool

    share, mixture = int(part.removeprefix("pool-")), options.recipe_in_full.mixture
    shares = min(os.cpu_count() or 1, mixture.rounds)
    fill_pool(options.run / "pool", mixture, material.images, material.pen, share, shares)


def train_network(name: str, options: argparse.Namespace, material: Material) -> None:
    """Train one network with every seed, and take the best on validation to its final weights and pictures."""
    recipe = options.recipe_in_full
    training = recipe.cnn if name == "cnn" else recipe.mlp
    run = options.run / name
    prepare_folder(run, {"training": asdict(training), "pool": (options.run / "pool" / "run.json").read_text()})

    # TensorFlow and PyTorch take seconds to load: only when the data are there, and only the one needed.
    if name == "cnn":
        from train import cnn as network

        _limit_threads(options.threads)
        train, logits, save, suffix = network.train_cnn, network.cnn_logits, network.save_cnn, "keras"
        step_of = network.cnn_step
        framework = f"Keras {_version('keras')}, TensorFlow {_version('tensorflow')}"
    else:
        from train import mlp as network

        train, logits, save, suffix = network.train_mlp, network.mlp_logits, network.save_mlp, "pt"
        step_of = network.mlp_step
        framework = f"PyTorch {_version('torch')}"

    from train.calibration import calibrate, probabilities
    from train.history import loss_and_accuracy
    from train.pictures import plot_confusion, plot_curves, plot_most_wrong
    from train.pool import pool_loader
    from train.precision import precision_of_run

    precision = precision_of_run(name, run, partial(step_of, training))
    best, runs = None, []
    for seed in recipe.seeds:
        make_folder(run / f"seed_{seed}")
        loader = partial(pool_loader, options.run / "pool", recipe.mixture.rounds, training.batch_size, seed)
        model, history = train(training, loader, material.validation, run / f"seed_{seed}", seed, precision)
        write_whole(run / f"seed_{seed}" / "history.json", json.dumps(history.to_json(), indent=1).encode())
        accuracy = {part: figures[1] for part, figures in history[-1].validation.items()}
        runs.append({"seed": seed, **accuracy})
        _, runs[-1]["test"] = loss_and_accuracy(logits(model, material.test), material.test.labels)
        # Every validation part counts the same; the test part has no say.
        if best is None or np.mean(list(accuracy.values())) > best[0]:
            best = np.mean(list(accuracy.values())), model, history
    assert best is not None
    _, model, history = best

    calibration = calibrate([(logits(model, part), part.labels) for part in material.validation.values()])
    weights = options.out / "weights" if options.out else ROOT / "train" / "weights"
    make_folder(weights)
    save(model, weights / f"{name}.{suffix}")
    facts = {
        "recipe": options.recipe,
        "epochs": training.epochs,
        "framework": framework,
        "precision": precision,
        "trained_on": material.trained_on,
        **asdict(calibration),
        "seeds": runs,
        "sha256": hashlib.sha256((weights / f"{name}.{suffix}").read_bytes()).hexdigest(),
    }
    write_whole(weights / f"{name}.json", (json.dumps(facts, indent=2) + "\n").encode())

    test = material.test
    plot_curves(history, run / "curves.png")
    answers = probabilities(logits(model, test), calibration.temperature)
    confusion = np.zeros((10, 10), np.int64)
    np.add.at(confusion, (test.labels, answers.argmax(axis=1)), 1)
    plot_confusion(confusion, run / "confusion.png", f"{name}, test digits")
    plot_most_wrong(test, answers, run / "most_wrong.png")
    accuracy = np.trace(confusion) / confusion.sum()
    print(f"{name}: test accuracy {accuracy:.2%}; temperature {calibration.temperature:.3f}; pictures in {run}")


def prepare_pool(options: argparse.Namespace, material: Material) -> None:
    """Make room for the pool; rounds of other data or settings make way."""
    mixture = options.recipe_in_full.mixture
    digest = hashlib.sha256(material.images.images.tobytes() + material.images.labels.tobytes())
    for sample in material.pen:
        digest.update((sample.label or "").encode() + b"".join(stroke.tobytes() for stroke in sample.strokes))
    prepare_folder(options.run / "pool", {"mixture": asdict(mixture), "digits": digest.hexdigest()})


def load_material(options: argparse.Namespace) -> Material:
    """Find or download the data.

    Raises:
        DigitPadError: MNIST cannot be had, or the person's own digits cannot be read.
    """
    pen: list[Sample] = []
    mixture = options.recipe_in_full.mixture
    sources = [f"{mixture.generated:,} generated digits and {mixture.outliers:,} generated outliers an epoch"]
    if options.synthetic:
        images = Digits(np.empty((0, 28, 28), np.uint8), np.empty(0, np.int64))
        validation = {"generated": generate_digits(1_000, seed=2)}
        test = generate_digits(1_000, seed=3)
    else:
        mnist = load_mnist(options.data)
        images, validation, test = mnist.train, {"mnist": mnist.validation}, mnist.test
        try:
            pen_digits = load_pen(options.data)
        except DataError as error:
            if options.part is None:
                print(f"train: going on without the pen digits: {error}", file=sys.stderr)
        else:
            pen = pen_digits.train
            validation["pen"] = render(pen_digits.validation)
            sources.insert(0, "UCI pen digits (Alpaydin, Alimoglu, doi:10.24432/C5MG6K, CC BY 4.0)")
        sources.insert(0, "MNIST")
    if options.extra:
        own_images, own_strokes = load_own(options.extra)
        images, pen = images + own_images, pen + own_strokes  # strokes are written anew, as other pen digits are
        sources.append(f"{len(own_images) + len(own_strokes)} digits of the user's own")
    return Material(images, pen, validation, test, ", ".join(sources))


def prepare_folder(folder: Path, settings: dict[str, object]) -> None:
    """Make a folder of the run; one that holds what other data or settings gave is set aside, a pool removed."""
    wanted = json.dumps(settings)
    if (folder / "run.json").exists() and (folder / "run.json").read_text() != wanted:
        if folder.name == "pool":
            for path in set(folder.iterdir()) - {folder / "run.json"}:  # so that, if killed here, the next run goes on
                path.unlink()
        else:
            number = 1
            while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
                number += 1
            folder.rename(aside)
            print(f"{folder.name}: settings or data differ from the last run's, so it starts anew; that is in {aside}")
    make_folder(folder)
    write_whole(folder / "run.json", wanted.encode())


def _limit_threads(threads: int) -> None:
    """Leave the other parts of the run their share of the cores: more threads than cores wait for each other."""
    import torch

    torch.set_num_threads(threads)
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _stop_with_parent() -> None:
    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _version(package: str) -> str:
    return importlib.metadata.version(package)


if __name__ == "__main__":
    sys.exit(main())
