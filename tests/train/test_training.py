"""Training as a user runs it: it learns, survives a stop, resumes, and says what is wrong in one line."""

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from digitpad import DigitPadError
from digitpad.stroke_files import Sample, write_samples
from tests.conftest import files_of_at_most
from train import cnn, mlp
from train.__main__ import Material, load_material, main, parse, prepare_pool, side_by_side, train_part
from train.augmentation import distorted
from train.data import NOT_A_DIGIT, DataError, Mnist, Pen, RealOutliers, one_hot
from train.history import History, write_history
from train.networks import NETWORKS
from train.pool import Known, round_path
from train.recipes import RECIPES, Strength, Training
from train.synthetic.generate import generate_digits
from train.training import Lesson, fit

TRAIN, VALIDATION = generate_digits(640, seed=1), {"generated": generate_digits(200, seed=2)}


def lessons(epoch: int) -> Lesson:
    """The same digits in every epoch, distorted differently."""
    return distorted(TRAIN, Strength(), seed=epoch).images, one_hot(TRAIN.labels)


def test_the_mlp_has_two_hidden_layers() -> None:
    model = mlp.Mlp()
    assert sum(isinstance(module, torch.nn.Linear) for module in model.modules()) == 3
    assert sum(values.numel() for values in model.parameters()) <= 1_400_000


def test_the_cnn_has_two_convolutions_and_is_small_enough_for_the_smallest_device() -> None:
    model = cnn.build_cnn()
    kinds = [type(layer).__name__ for layer in model.layers]
    assert [kinds.count(kind) for kind in ("Conv2D", "MaxPooling2D", "Dense", "Dropout")] == [2, 2, 2, 3]
    assert model.output_shape == (None, 11)
    work = 0  # multiply-accumulates
    for layer in model.layers:
        if type(layer).__name__ in ("Conv2D", "Dense"):
            *window, inputs, outputs = layer.kernel.shape
            places = math.prod(layer.output.shape[1:-1])
            work += places * math.prod(window) * inputs * outputs
    assert work <= 4_000_000
    assert 4 * model.count_params() <= 1_000_000  # bytes as float32


def test_the_networks_learn_as_the_frameworks_own_examples_do() -> None:
    training = RECIPES["full"].trainings
    adadelta = cnn.Learner(training["cnn"], 100, 1, "float32").model.optimizer
    assert isinstance(adadelta, keras.optimizers.Adadelta)
    assert float(adadelta.learning_rate) == 1.0
    assert isinstance(mlp.Learner(training["mlp"], 100, 1, "float32").optimizer, torch.optim.SGD)


def small(name: str) -> Training:
    """How the smoke recipe trains a network, and a much smaller one."""
    smaller = {"cnn": {"filters": (8, 16), "dense": 32}, "mlp": {"hidden": 64}}
    return replace(RECIPES["smoke"].trainings[name], network=smaller[name])


@contextmanager
def interrupted_after_first_epoch() -> Iterator[None]:
    """Training stops at the end of the second epoch's steps, before anything of it is saved, as after Ctrl-C."""

    def write_or_interrupt(history: History, path: Path) -> None:
        if len(history) == 2:
            raise KeyboardInterrupt
        write_history(history, path)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("train.training.write_history", write_or_interrupt)
        yield


@pytest.mark.parametrize("name", NETWORKS)
def test_an_interrupted_run_goes_on_where_it_was_and_ends_the_same(name: str, tmp_path: Path) -> None:
    network, training, digits = NETWORKS[name].trainer(), small(name), VALIDATION["generated"]
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole, history = fit(name, training, lessons, VALIDATION, tmp_path / "whole")
    assert history[1].loss < history[0].loss
    assert set(history[0].validation) == {"generated"}
    assert network.logits(whole, digits.images).shape == (200, 11)

    def steps_done() -> int:
        done = network.Learner(training, 40, 1, "float32").resume(tmp_path / "parts")
        assert isinstance(done, int)
        return done

    assert steps_done() == 0
    with interrupted_after_first_epoch():
        fit(name, training, lessons, VALIDATION, tmp_path / "parts")
    assert steps_done() == 20
    resumed, history_resumed = fit(name, training, lessons, VALIDATION, tmp_path / "parts")
    assert steps_done() == 40
    assert [figures.loss for figures in history_resumed] == pytest.approx([f.loss for f in history], rel=1e-3)
    close = {"rtol": 1e-4, "atol": 1e-4} if name == "mlp" else {"atol": 0.01}
    np.testing.assert_allclose(network.logits(resumed, digits.images), network.logits(whole, digits.images), **close)
    if name == "mlp":
        assert history_resumed == history


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


SMOKE = ("--recipe", "smoke", "--synthetic")


def test_training_leaves_weights_history_and_pictures_and_uses_own_digits(trained: Path) -> None:
    for name, network in NETWORKS.items():
        run, weights = trained / "smoke-synthetic" / name, trained / "weights" / network.weights
        assert {"curves.png", "confusion.png", "most_wrong.png"} <= {p.name for p in run.iterdir()}
        for epoch in json.loads((run / "seed_1" / "history.json").read_bytes()):
            assert {"loss", "accuracy", "validation"} <= set(epoch)
        assert "20 drawings of the user's own" in json.loads(weights.with_suffix(".json").read_bytes())["trained_on"]
        assert weights.stat().st_size > 500_000
        network.trainer().load(weights)


def test_a_stopped_run_goes_on_from_its_last_epoch_and_one_with_other_settings_sets_it_aside(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = parse([*SMOKE, "--extra", str(trained / "own.json"), "--out", str(tmp_path)])
    for made in ("pool", "teacher"):
        shutil.copytree(trained / "smoke-synthetic" / made, options.run / made)
    with interrupted_after_first_epoch():
        train_part("mlp", options)
    assert "epoch   1/2" in capsys.readouterr().out
    train_part("mlp", options)
    assert "epoch   1/2" not in capsys.readouterr().out
    assert len(json.loads((options.run / "mlp" / "seed_1" / "history.json").read_bytes())) == 2
    assert (tmp_path / "weights" / "mlp.pt").exists()

    (options.run / "pool" / "run.json").write_text("made from other digits")
    with interrupted_after_first_epoch():
        train_part("mlp", options)
    told = capsys.readouterr().out
    assert "starts over" in told and "epoch   1/2" in told
    assert (options.run / "mlp.1" / "seed_1" / "last.pt").exists()


def test_ones_own_drawings_are_learned_from_as_digits_or_as_none(tmp_path: Path) -> None:
    stroke = [np.array([[3.0, 1], [3, 9]])]
    write_samples(tmp_path / "own.json", [Sample(stroke, label) for label in ("1", "", "1984", None)])
    known = load_material(parse([*SMOKE, "--extra", str(tmp_path / "own.json")])).known
    assert [sample.label for sample in known.pen["own"]] == ["1"]
    assert [sample.label for sample in known.letters["own_outliers"]] == [""]


def test_a_label_put_right_in_ones_own_digits_is_learned_from(tmp_path: Path) -> None:
    options = parse(["--recipe", "smoke", "--out", str(tmp_path)])

    def prepare(label: str, letter: str) -> None:
        drawn, letters = ([Sample([np.array([[3.0, 1], [3, 9]])], name)] for name in (label, letter))
        known = Known(TRAIN, {"own": drawn}, {"letters": letters})
        prepare_pool(options, Material(known, VALIDATION, {}, TRAIN, ""))

    def made(label: str, letter: str) -> bool:
        """Whether the pool is made again for a drawing with this label and for this letter."""
        prepare("1", "A")
        round_path(options.run / "pool", 0).touch()
        prepare(label, letter)
        return not round_path(options.run / "pool", 0).exists()

    assert not made("1", "A")
    assert made("7", "A")
    assert made("1", "B")


def test_without_data_training_says_in_one_line_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("train.data.DATA_FOLDER", tmp_path)
    monkeypatch.setattr("urllib.request._opener", None)  # it remembers the first download's proxies
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert main(["--only", "mlp", "--data", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "train-images-idx3-ubyte.gz" in line
    assert "DATA=synthetic" in line
    assert list(tmp_path.iterdir()) == []


def test_training_goes_on_without_what_is_missing_and_names_what_it_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stroke = [np.array([[3.0, 1], [3, 9]])]
    uji = Pen([Sample(stroke, "1", "w01")], [Sample(stroke, "1", "w41")])
    letters = [Sample(stroke, "A")]
    real = RealOutliers({"latin": letters}, {"early_aramaic": letters}, {}, [DataError("UJIpenchars was not found")])

    def no_pen(folder: Path | None) -> Pen:
        raise DataError("pendigits-orig.tra.Z was not found")

    monkeypatch.setattr("train.__main__.load_mnist", lambda folder: Mnist(TRAIN, TRAIN, TRAIN))
    monkeypatch.setattr("train.__main__.load_pen", no_pen)
    monkeypatch.setattr("train.__main__.load_uji", lambda folder: uji)
    monkeypatch.setattr("train.__main__.load_outliers", lambda folder: real)
    material = load_material(parse(["--recipe", "smoke"]))
    assert [line.split(":")[2].split()[0] for line in capsys.readouterr().err.splitlines()] == [
        "pendigits-orig.tra.Z",
        "UJIpenchars",
    ]
    assert (material.known.pen, material.known.letters) == ({"uji": uji.train}, {"latin": letters})
    assert list(material.validation) == ["mnist", "uji"]
    assert material.outliers["early_aramaic"].labels.tolist() == [NOT_A_DIGIT]
    assert all(word in material.trained_on for word in ("MNIST", "Prat", "CC BY 4.0", "Lake", "MIT", "generated"))
    assert "Alpaydin" not in material.trained_on and "letters of UJI" not in material.trained_on


def test_a_missing_folder_of_own_digits_is_named_and_a_part_that_fails_fails_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SMOKE, "--extra", str(tmp_path / "none"), "--out", str(tmp_path)]
    assert side_by_side(["mlp"], arguments) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("train: ") and "none" in line


def test_an_unwritable_output_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main([*SMOKE, "--only", "mlp", "--out", str(tmp_path / "file")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "file") in line


def test_a_full_disk_stops_training_in_one_line_and_leaves_no_half_file(tmp_path: Path) -> None:
    with files_of_at_most(50_000), pytest.raises(DigitPadError, match=r"last\.pt: cannot be written") as caught:
        fit("mlp", small("mlp"), lessons, VALIDATION, tmp_path)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["history.json"]
    assert len(json.loads((tmp_path / "history.json").read_bytes())) == 1
