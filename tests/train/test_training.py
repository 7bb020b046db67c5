"""Training as a user runs it: it learns, survives a kill, resumes, and says what is wrong in one line."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from digitpad import DigitPadError
from digitpad.stroke_files import Sample, write_samples
from tests.train.conftest import ROOT, run_module
from train import cnn, mlp
from train.__main__ import Material, parse, prepare_pool
from train.augmentation import distorted
from train.data import one_hot
from train.history import check_loss
from train.networks import NETWORKS
from train.pool import round_path
from train.recipes import RECIPES, Strength, Training
from train.synthetic.generate import generate_digits, generate_samples
from train.training import Lesson, fit

TRAIN, VALIDATION = generate_digits(640, seed=1), {"generated": generate_digits(200, seed=2)}


def lessons(epoch: int) -> Lesson:
    """The same digits in every epoch, distorted anew."""
    return distorted(TRAIN, Strength(), seed=epoch).images, one_hot(TRAIN.labels)


def test_the_networks_have_two_convolutions_and_two_hidden_layers() -> None:
    kinds = [type(layer).__name__ for layer in cnn.build_cnn().layers]
    assert kinds.count("Conv2D") == 2
    assert kinds.count("MaxPooling2D") == 2
    assert kinds.count("Dense") == 2
    assert "Dropout" in kinds
    assert cnn.build_cnn().output_shape == (None, 11)
    assert sum(p.numel() for p in mlp.Mlp().parameters()) <= 1_400_000
    assert sum(isinstance(m, torch.nn.Linear) for m in mlp.Mlp().modules()) == 3


def test_the_networks_learn_as_the_frameworks_own_examples_do() -> None:
    training = RECIPES["full"].trainings
    adadelta = cnn.Learner(training["cnn"], 100, 1, "float32").model.optimizer
    assert isinstance(adadelta, keras.optimizers.Adadelta)
    assert float(adadelta.learning_rate) == 1.0
    assert isinstance(mlp.Learner(training["mlp"], 100, 1, "float32").optimizer, torch.optim.SGD)


def test_the_cnn_is_small_enough_for_the_smallest_device() -> None:
    model = cnn.build_cnn()
    work = 0  # multiply-accumulates
    for layer in model.layers:
        if type(layer).__name__ in ("Conv2D", "Dense"):
            *window, inputs, outputs = layer.kernel.shape
            places = math.prod(layer.output.shape[1:-1])
            work += places * math.prod(window) * inputs * outputs
    assert work <= 4_000_000
    assert 4 * model.count_params() <= 1_000_000  # bytes as float32


@pytest.mark.parametrize("name", NETWORKS)
def test_an_interrupted_run_goes_on_where_it_was_and_ends_the_same(name: str, tmp_path: Path) -> None:
    network, training, digits = NETWORKS[name].trainer(), RECIPES["smoke"].trainings[name], VALIDATION["generated"]
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole, history = fit(name, training, lessons, VALIDATION, tmp_path / "whole")
    assert history[1].loss < history[0].loss
    assert set(history[0].validation) == {"generated"}
    assert network.logits(whole, digits).shape == (200, 11)

    def steps_done() -> int:
        done = network.Learner(training, 40, 1, "float32").resume(tmp_path / "parts")
        assert isinstance(done, int)
        return done

    assert steps_done() == 0
    _stop_after_first_epoch(name, training, tmp_path / "parts")
    assert steps_done() == 20
    resumed, history_resumed = fit(name, training, lessons, VALIDATION, tmp_path / "parts")
    assert steps_done() == 40
    assert [figures.loss for figures in history_resumed] == pytest.approx([f.loss for f in history], rel=1e-3)
    close = {"rtol": 1e-4, "atol": 1e-4} if name == "mlp" else {"atol": 0.01}
    np.testing.assert_allclose(network.logits(resumed, digits), network.logits(whole, digits), **close)
    if name == "mlp":
        assert history_resumed == history


def _stop_after_first_epoch(name: str, training: Training, folder: Path) -> None:
    """Interrupt training at the end of the second epoch's steps, before anything of it is saved, as Ctrl-C would."""
    losses = []

    def check_or_interrupt(network: str, loss: float) -> float:
        losses.append(loss)
        if len(losses) == 2:
            raise KeyboardInterrupt
        return check_loss(network, loss)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("train.training.check_loss", check_or_interrupt)
        fit(name, training, lessons, VALIDATION, folder)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_epoch_shows_every_digit_once_as_it_is_in_an_order_the_seed_decides(name: str) -> None:
    network, digits = NETWORKS[name].trainer(), generate_digits(300, seed=5)
    lesson = digits.images, one_hot(digits.labels)
    ((images, _),) = network.batches(*lesson, 300, seed=1)
    shown = np.rint(np.asarray(images).reshape(300, 28, 28) * 255).astype(np.uint8)
    assert sorted(map(bytes, shown)) == sorted(map(bytes, digits.images))
    one, again, other = (
        np.concatenate([np.asarray(t).argmax(1) for _, t in network.batches(*lesson, 50, seed)]) for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert not (one == other).all()
    assert np.bincount(one).tolist() == [30] * 10
    assert len(list(network.batches(*lesson, 65, seed=1))) == 4, "a short last batch is left out"


def test_a_killed_run_goes_on_from_its_last_epoch_and_one_with_other_settings_sets_it_aside(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "train", "--recipe", "smoke", "--synthetic", "--only", "mlp", "--out", tmp_path]
    checkpoint = tmp_path / "smoke-synthetic" / "mlp" / "seed_1" / "last.pt"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "runtime")}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = run_module(*command[2:])
    assert finished.returncode == 0, finished.stderr
    assert "epoch   1/2" not in finished.stdout
    history = json.loads((checkpoint.parent / "history.json").read_bytes())
    assert len(history) == 2
    assert (tmp_path / "weights" / "mlp.pt").exists()

    write_samples(tmp_path / "own.json", list(generate_samples(40, seed=9)))
    again = run_module(*command[2:], "--extra", tmp_path / "own.json")
    assert again.returncode == 0, again.stderr
    assert "starts anew" in again.stdout
    assert (tmp_path / "smoke-synthetic" / "mlp.1" / "seed_1" / "last.pt").exists()


def test_training_leaves_weights_history_and_pictures_and_uses_own_digits(trained: Path) -> None:
    for name, suffix in (("cnn", "keras"), ("mlp", "pt")):
        run = trained / "smoke-synthetic" / name
        assert {"curves.png", "confusion.png", "most_wrong.png"} <= {p.name for p in run.iterdir()}
        for epoch in json.loads((run / "seed_1" / "history.json").read_bytes()):
            assert {"loss", "accuracy", "validation"} <= set(epoch)
        facts = json.loads((trained / "weights" / f"{name}.json").read_bytes())
        assert "20 digits of the user's own" in facts["trained_on"]
        assert (trained / "weights" / f"{name}.{suffix}").stat().st_size > 500_000
    mlp.load(trained / "weights" / "mlp.pt")
    cnn.load(trained / "weights" / "cnn.keras")


def test_a_label_put_right_in_ones_own_digits_is_learned_from(tmp_path: Path) -> None:
    def made(label: str) -> bool:
        """Whether the pool is made anew for a drawing with this label."""
        options = parse(["--recipe", "smoke", "--out", str(tmp_path)])
        prepare_pool(options, Material(TRAIN, [Sample([np.array([[3.0, 1], [3, 9]])], label)], VALIDATION, TRAIN, ""))
        round_path(options.run / "pool", 0).touch()
        prepare_pool(options, Material(TRAIN, [Sample([np.array([[3.0, 1], [3, 9]])], "1")], VALIDATION, TRAIN, ""))
        return not round_path(options.run / "pool", 0).exists()

    assert not made("1")
    assert made("7")


def test_without_data_training_says_in_one_line_what_to_do(tmp_path: Path) -> None:
    empty = {"DIGITPAD_DATA": str(tmp_path), "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    code = (
        "import sys, train.data as data, train.__main__ as main\n"
        "data.DATA_FOLDER = data.Path(sys.argv[1])\n"
        "sys.exit(main.main(['--only', 'mlp']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | empty | {"PYTHONPATH": str(ROOT / "runtime")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "train-images-idx3-ubyte.gz" in result.stderr
    assert "DATA=synthetic" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_of_own_digits_is_named(tmp_path: Path) -> None:
    result = run_module("train", "--synthetic", "--only", "mlp", "--extra", tmp_path / "none", "--out", tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("train: ")
    assert "none" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unwritable_output_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run_module("train", "--recipe", "smoke", "--synthetic", "--only", "mlp", "--out", tmp_path / "file")
    assert result.returncode == 1
    assert str(tmp_path / "file") in result.stderr
    assert "Traceback" not in result.stderr


def test_a_full_disk_stops_training_in_one_line_and_leaves_no_half_file(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))\n"
        "from train.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    options = ("--recipe", "smoke", "--synthetic", "--only", "mlp", "--out", str(tmp_path))
    result = subprocess.run(
        [sys.executable, "-c", code, *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "last.pt: cannot be written" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    run = tmp_path / "smoke-synthetic"
    assert sorted(p.name for p in (run / "mlp").rglob("*")) == ["history.json", "precision", "run.json", "seed_1"]
    assert len(json.loads((run / "mlp" / "seed_1" / "history.json").read_bytes())) == 1
    assert sorted(p.name for p in (run / "pool").iterdir()) == ["round_00.npz", "round_01.npz", "run.json"]


def test_a_diverging_loss_stops_training_in_plain_words() -> None:
    with pytest.raises(DigitPadError, match="diverged"):
        check_loss("mlp", float("nan"))
