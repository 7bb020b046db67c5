"""`python -m export.unseen cnn|mlp`: a network that never saw pen digits of people, as a model file to measure with.

The shipped networks have learned from the collections whose writers `evaluate.hand` simulates. What a stranger's hand
is worth shows with networks for which these are strangers: trained in a few minutes on the pool of the full recipe
without the digits and letters that people drew with a pen, and calibrated without them. Never shipped.
"""

import argparse
import os
import sys
from functools import partial

from digitpad.errors import DigitPadError
from digitpad.files import make_folder, write_whole
from evaluate.comparison import POOL, RUNS, Variant, learned, training_of
from evaluate.hand import UNSEEN
from export.contract import check, fulfil_contract, metadata_of, stated
from train.calibration import calibrate
from train.command import finish, threads_each
from train.data import load_mnist
from train.networks import NETWORKS
from train.precision import precision_of_run
from train.synthetic.generate import generate_digits
from train.synthetic.outliers import validation_outliers
from train.training import step_on_noise

NO_PENS = Variant("no pen digits or letters of UCI and UJI", shares={"pen": 0, "uji": 0, "uji_letters": 0})


def main(argv: list[str] | None = None) -> int:
    """Train, calibrate and write; returns the exit status."""
    parser = argparse.ArgumentParser("python -m export.unseen", description=__doc__)
    parser.add_argument("network", choices=NETWORKS, help="which to train")  # one a process: see train/networks.py
    options = parser.parse_args(argv)
    return finish("unseen", partial(train_unseen, options.network), "nothing was written")


def train_unseen(name: str) -> None:
    """Train a network, and write its model file into UNSEEN.

    Raises:
        DigitPadError: there is no pool, MNIST is unavailable, a check fails, or a file cannot be written.
    """
    if not (POOL / "run.json").exists():
        raise DigitPadError(f"{POOL}: no pool to train on; run `make train RECIPE=full` first")
    os.environ |= threads_each(1)
    network, exporter, training = NETWORKS[name].trainer(), NETWORKS[name].exporter(), training_of(name)
    mnist = load_mnist().validation
    digits = {"mnist": mnist, "generated": generate_digits(2_000, seed=2)}
    make_folder(RUNS / name)
    precision = precision_of_run(name, RUNS / name, partial(step_on_noise, name, training))
    model = learned(name, training, NO_PENS, 1, digits, precision)
    fitted = calibrate(
        [(network.logits(model, part.images), part.labels) for part in digits.values()],
        [network.logits(model, kind) for kind in validation_outliers().values()],
    )
    make_folder(UNSEEN)
    weights = UNSEEN / NETWORKS[name].weights
    network.save(model, weights)
    words = {"framework": NETWORKS[name].framework(), "trained_on": "no pen digits of people: to measure with"}
    metadata = metadata_of(f"{name}-unseen", stated(fitted, words))
    content = fulfil_contract(exporter.to_onnx(weights, fitted.temperature), fitted, metadata)
    check(content, network.logits(network.load(weights), mnist.images), mnist.images, fitted)
    write_whole(UNSEEN / f"{name}.onnx", content)
    print(f"{UNSEEN}/{name}.onnx written")


if __name__ == "__main__":
    sys.exit(main())
