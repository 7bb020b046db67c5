"""`python -m train`: trains the networks, calibrates them, and writes train/weights/."""

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np

from digitpad.errors import DigitPadError
from digitpad.files import write_whole
from train.data import DataError, Digits, load_mnist, load_own, load_pen, render
from train.generate import generate_digits
from train.recipes import RECIPES, Recipe

ROOT = Path(__file__).parents[1]
NETWORKS = ("cnn", "mlp")


def main(argv: list[str] | None = None) -> int:
    """Train what is asked for; returns the exit status."""
    options = parse(argv)
    try:
        if options.child:
            _stop_with_parent()
        if options.only:
            train_network(options.only, options)
            return 0
        return train_both(sys.argv[1:] if argv is None else argv)
    except DigitPadError as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("train: stopped; the next run goes on from the last finished epoch", file=sys.stderr)
        return 130


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m train", description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, default="default", help="how long to train (%(default)s)")
    parser.add_argument("--synthetic", action="store_true", help="train on generated digits alone")
    parser.add_argument("--only", choices=NETWORKS, help="train one network (default: both, side by side)")
    parser.add_argument("--out", type=Path, help="write here instead of artifacts/ and train/weights/")
    parser.add_argument("--extra", type=Path, help="your own digits: a stroke file, or a folder with folders 0 to 9")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def train_network(name: str, options: argparse.Namespace) -> None:
    """Train one network from the data to its final weights, calibration and pictures."""
    recipe = RECIPES[options.recipe][name]
    train, validation, test, trained_on = load_digits(options, recipe)
    run = (options.out or ROOT / "artifacts") / (options.recipe + ("-synthetic" if options.synthetic else "")) / name
    _prepare_folder(run, recipe, train)

    # TensorFlow and PyTorch take seconds to load: only when the data are there, and only the one needed.
    if name == "cnn":
        from train import cnn as network

        _limit_threads(options.child)
        model, history = network.train_cnn(recipe, train, validation, run)
        logits, save, suffix = network.cnn_logits, network.save_cnn, "keras"
        framework = f"Keras {_version('keras')}, TensorFlow {_version('tensorflow')}"
    else:
        from train import mlp as network

        _limit_threads(options.child)
        model, history = network.train_mlp(recipe, train, validation, run)
        logits, save, suffix = network.mlp_logits, network.save_mlp, "pt"
        framework = f"PyTorch {_version('torch')}"

    from train.calibrate import calibrate, probabilities
    from train.plots import plot_confusion, plot_curves, plot_most_wrong

    calibration = calibrate([(logits(model, part), part.labels) for part in validation.values()])
    weights = options.out / "weights" if options.out else ROOT / "train" / "weights"
    _make_folder(weights)
    save(model, weights / f"{name}.{suffix}")
    facts = {
        "recipe": options.recipe,
        "epochs": recipe.epochs,
        "framework": framework,
        "trained_on": trained_on,
        **asdict(calibration),
        "sha256": hashlib.sha256((weights / f"{name}.{suffix}").read_bytes()).hexdigest(),
    }
    write_whole(weights / f"{name}.json", (json.dumps(facts, indent=2) + "\n").encode())

    write_whole(run / "history.json", json.dumps(history.to_json(), indent=1).encode())
    plot_curves(history, run / "curves.png")
    answers = probabilities(logits(model, test), calibration.temperature)
    confusion = np.zeros((10, 10), np.int64)
    np.add.at(confusion, (test.labels, answers.argmax(axis=1)), 1)
    plot_confusion(confusion, run / "confusion.png", f"{name}, test digits")
    plot_most_wrong(test, answers, run / "most_wrong.png")
    accuracy = np.trace(confusion) / confusion.sum()
    print(f"{name}: test accuracy {accuracy:.2%}; temperature {calibration.temperature:.3f}; pictures in {run}")


def train_both(arguments: list[str]) -> int:
    """Train the networks side by side, a process and half the cores each: faster than one after the other."""
    command = [sys.executable, "-m", "train", *arguments, "--child", "--only"]
    # The pipe to each child's standard input closes when we die, however we die, and the child stops with us.
    children = [subprocess.Popen([*command, name], stdin=subprocess.PIPE, cwd=Path.cwd()) for name in NETWORKS]
    try:
        return max(abs(child.wait()) for child in children)
    except KeyboardInterrupt:
        return max(abs(child.wait()) for child in children)


def load_digits(options: argparse.Namespace, recipe: Recipe) -> tuple[Digits, dict[str, Digits], Digits, str]:
    """The training part, the validation parts by name, the test part, and in words what is trained on.

    Raises:
        DigitPadError: MNIST cannot be had, or the person's own digits cannot be read.
    """
    if options.synthetic:
        train = generate_digits(recipe.generated_alone, seed=1)
        validation = {"generated": generate_digits(1_000, seed=2)}
        test = generate_digits(1_000, seed=3)
        sources = [f"{recipe.generated_alone:,} generated digits"]
    else:
        mnist = load_mnist(options.data)
        train, validation, test = mnist.train, {"mnist": mnist.validation}, mnist.test
        sources = ["MNIST"]
        try:
            pen = load_pen(options.data)
        except DataError as error:
            print(f"train: going on without the pen digits: {error}", file=sys.stderr)
        else:
            for _ in range(recipe.pen_repeats):
                train += render(pen.train)
            validation["pen"] = render(pen.validation)
            sources.append("UCI pen digits (Alpaydin, Alimoglu, doi:10.24432/C5MG6K, CC BY 4.0)")
        if recipe.generated:
            train += generate_digits(recipe.generated, seed=1)
            sources.append(f"{recipe.generated:,} generated digits")
    if options.extra:
        own = load_own(options.extra)
        train += own
        sources.append(f"{len(own)} digits of the user's own")
    return train, validation, test, ", ".join(sources)


def _prepare_folder(run: Path, recipe: Recipe, train: Digits) -> None:
    """Make the folder of a run; one that holds another run's checkpoint, of other data or settings, is set aside."""
    digest = hashlib.sha256(train.images.tobytes() + train.labels.tobytes()).hexdigest()
    wanted = json.dumps({"recipe": asdict(recipe), "digits": digest})
    if (run / "run.json").exists() and (run / "run.json").read_text() != wanted:
        number = 1
        while (aside := run.with_name(f"{run.name}.{number}")).exists():
            number += 1
        run.rename(aside)
        print(f"{run.name}: settings or data differ from the last run's, so it starts anew; that run is in {aside}")
    _make_folder(run)
    write_whole(run / "run.json", wanted.encode())


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DigitPadError(f"{path}: cannot be made ({error.strerror}); give another folder with OUT=") from None


def _limit_threads(shared: bool) -> None:
    """Leave the other network its half of the cores: more threads than cores wait for each other."""
    threads = max(1, (os.cpu_count() or 1) // (2 if shared else 1))
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
