"""Training as a user runs it: it learns, survives a kill, resumes, and says what is wrong in one line."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import torch

from digitpad import DigitPadError
from digitpad.stroke_files import Sample, write_samples
from tests.train.conftest import ROOT, run_module
from train.__main__ import Material, parse, prepare_pool
from train.augmentation import Batches, Loader, one_hot, shuffled
from train.cnn import build_cnn, cnn_logits, load_cnn, train_cnn
from train.history import check_loss
from train.mlp import Mlp, load_mlp, mlp_logits, train_mlp
from train.pool import distorted, round_path
from train.recipes import Strength, Training
from train.synthetic.generate import generate_digits, generate_samples

TINY = Training(epochs=2, batch_size=32, ema=0.9, learning_rate=0.1)
TRAIN, VALIDATION = generate_digits(640, seed=1), {"generated": generate_digits(200, seed=2)}


def loader(epoch: int) -> Loader:
    """The same digits in every epoch, distorted anew."""
    images = distorted(TRAIN, Strength(), seed=epoch).images
    return shuffled(Batches(images, one_hot(TRAIN.labels)), 32, seed=epoch)


def test_the_networks_have_two_convolutions_and_two_hidden_layers() -> None:
    kinds = [type(layer).__name__ for layer in build_cnn().layers]
    assert kinds.count("Conv2D") == 2
    assert kinds.count("MaxPooling2D") == 2
    assert kinds.count("Dense") == 2
    assert "Dropout" in kinds
    assert build_cnn().output_shape == (None, 11)
    assert sum(p.numel() for p in Mlp().parameters()) <= 1_400_000
    assert sum(isinstance(m, torch.nn.Linear) for m in Mlp().modules()) == 3


def test_the_cnn_is_small_enough_for_the_smallest_device() -> None:
    model = build_cnn()
    work = 0  # multiply-accumulates
    for layer in model.layers:
        if type(layer).__name__ in ("Conv2D", "Dense"):
            *window, inputs, outputs = layer.kernel.shape
            places = math.prod(layer.output.shape[1:-1])
            work += places * math.prod(window) * inputs * outputs
    assert work <= 4_000_000
    assert 4 * model.count_params() <= 1_000_000  # bytes as float32


def test_an_interrupted_mlp_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole, history = train_mlp(TINY, loader, VALIDATION, tmp_path / "whole")
    assert history[1].loss < history[0].loss
    assert set(history[0].validation) == {"generated"}

    assert _stop_after_first_epoch(train_mlp, TINY, tmp_path / "parts")
    resumed, history_resumed = train_mlp(TINY, loader, VALIDATION, tmp_path / "parts")
    assert history_resumed == history
    digits = VALIDATION["generated"]
    np.testing.assert_allclose(mlp_logits(resumed, digits), mlp_logits(whole, digits), rtol=1e-4, atol=1e-4)


def test_an_interrupted_cnn_goes_on_where_it_was_and_ends_the_same(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    training = Training(epochs=2, batch_size=32, ema=0.9)
    whole, history = train_cnn(training, loader, VALIDATION, tmp_path / "whole")
    assert history[1].loss < history[0].loss

    assert _stop_after_first_epoch(train_cnn, training, tmp_path / "parts")
    before = load_cnn(tmp_path / "parts" / "last.keras", to_go_on=True)
    assert isinstance(before.optimizer, keras.optimizers.Adadelta)
    assert int(before.optimizer.iterations) == 20
    resumed, history_resumed = train_cnn(training, loader, VALIDATION, tmp_path / "parts")
    assert int(load_cnn(tmp_path / "parts" / "last.keras", to_go_on=True).optimizer.iterations) == 40
    assert [figures.loss for figures in history_resumed] == pytest.approx(
        [figures.loss for figures in history], rel=1e-3
    )
    digits = VALIDATION["generated"]
    assert cnn_logits(whole, digits).shape == (200, 11)
    np.testing.assert_allclose(cnn_logits(resumed, digits), cnn_logits(whole, digits), atol=0.01)


def _stop_after_first_epoch(train: Callable[..., object], training: Training, folder: Path) -> bool:
    """Interrupt training at the end of the second epoch's steps, before anything of it is saved, as Ctrl-C would."""
    losses = []

    def check_or_interrupt(network: str, loss: float) -> float:
        losses.append(loss)
        if len(losses) == 2:
            raise KeyboardInterrupt
        return check_loss(network, loss)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{train.__module__}.check_loss", check_or_interrupt)
        try:
            train(training, loader, VALIDATION, folder)
        except KeyboardInterrupt:
            return True
    return False


def test_a_killed_training_run_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
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


def test_training_leaves_weights_history_and_pictures_and_uses_own_digits(tmp_path: Path) -> None:
    write_samples(tmp_path / "own.json", list(generate_samples(20, seed=9)))
    result = run_module(
        "train", "--recipe", "smoke", "--synthetic", "--extra", tmp_path / "own.json", "--out", tmp_path / "out"
    )
    assert result.returncode == 0, result.stderr
    for name, suffix in (("cnn", "keras"), ("mlp", "pt")):
        run = tmp_path / "out" / "smoke-synthetic" / name
        assert {"curves.png", "confusion.png", "most_wrong.png"} <= {p.name for p in run.iterdir()}
        for epoch in json.loads((run / "seed_1" / "history.json").read_bytes()):
            assert {"loss", "accuracy", "validation"} <= set(epoch)
        facts = json.loads((tmp_path / "out" / "weights" / f"{name}.json").read_bytes())
        assert "20 digits of the user's own" in facts["trained_on"]
        assert (tmp_path / "out" / "weights" / f"{name}.{suffix}").stat().st_size > 500_000
    load_mlp(tmp_path / "out" / "weights" / "mlp.pt")
    load_cnn(tmp_path / "out" / "weights" / "cnn.keras")


def test_a_run_with_other_settings_sets_the_earlier_one_aside(tmp_path: Path) -> None:
    run_module("train", "--recipe", "smoke", "--synthetic", "--only", "mlp", "--out", tmp_path)
    write_samples(tmp_path / "own.json", list(generate_samples(40, seed=9)))
    extra = ("--extra", tmp_path / "own.json")
    again = run_module("train", "--recipe", "smoke", "--synthetic", "--only", "mlp", "--out", tmp_path, *extra)
    assert again.returncode == 0, again.stderr
    assert "starts anew" in again.stdout
    assert (tmp_path / "smoke-synthetic" / "mlp.1" / "seed_1" / "last.pt").exists()


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
    assert sorted(p.name for p in (run / "mlp").rglob("*")) == ["run.json", "seed_1"]
    assert sorted(p.name for p in (run / "pool").iterdir()) == ["round_00.npz", "round_01.npz", "run.json"]


def test_a_diverging_loss_stops_training_in_plain_words() -> None:
    with pytest.raises(DigitPadError, match="diverged"):
        check_loss("mlp", float("nan"))
