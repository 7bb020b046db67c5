"""Checkpoints: the last good one outlives a run that diverges, and a stranger's runs no code of its own."""

import pickle
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

from digitpad import DigitPadError
from tests.conftest import ROOT
from train import cnn, mlp
from train.data import one_hot
from train.networks import NETWORKS
from train.recipes import Training
from train.synthetic.generate import generate_digits
from train.training import Lesson, fit

SOUND = Training(epochs=3, batch_size=32, ema=0.9, learning_rate=0.1)
DIGITS, VALIDATION = generate_digits(96, seed=1), {"generated": generate_digits(50, seed=2)}


def diverging(epoch: int) -> Lesson:
    """One sound epoch; in the second the loss is not a number."""
    return DIGITS.images, one_hot(DIGITS.labels) * (1 if epoch == 0 else float("nan"))


@pytest.mark.parametrize("name", NETWORKS)
def test_training_that_diverges_stops_and_keeps_the_last_good_checkpoint(name: str, tmp_path: Path) -> None:
    with pytest.raises(DigitPadError) as caught:
        fit(name, SOUND, diverging, VALIDATION, tmp_path)
    text = str(caught.value)
    assert "diverged" in text and "nan" in text and "train/recipes.py" in text and "\n" not in text

    average, history = fit(name, replace(SOUND, epochs=1), diverging, VALIDATION, tmp_path)
    assert len(history) == 1, "the sound epoch, and nothing left to do"
    assert np.isfinite(history[0].loss)
    assert np.isfinite(NETWORKS[name].trainer().logits(average, DIGITS.images)).all()


class Hostile:
    """Pickled, it has whoever unpickles it make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("packed", [False, True])
def test_code_in_a_pytorch_file_is_not_run(packed: bool, tmp_path: Path) -> None:
    proof, path = tmp_path / "proof", tmp_path / "last.pt"
    if packed:
        torch.save({"model": Hostile(proof), "history": []}, path)
    else:
        path.write_bytes(pickle.dumps(Hostile(proof), protocol=2))
    for load in (mlp.load, lambda path: fit("mlp", SOUND, diverging, VALIDATION, path.parent)):
        with pytest.raises(Exception, match=r"weights_only|[Uu]nsupported|[Ii]nvalid|Weights only"):
            load(path)
        assert not proof.exists()
    if packed:
        torch.load(path, weights_only=False)
    else:
        pickle.loads(path.read_bytes())
    assert proof.exists(), "the file would do harm if it were let"


def test_code_in_a_keras_file_is_not_run(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    code = f"lambda x: (__import__('pathlib').Path({str(proof)!r}).touch(), x)[1]"
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Lambda(eval(code))])
    model.save(tmp_path / "last.keras")
    proof.unlink(missing_ok=True)
    with zipfile.ZipFile(tmp_path / "last.keras") as archive:
        assert "Lambda" in archive.read("config.json").decode()
    (tmp_path / "history.json").write_text("[]")
    for load in (
        lambda: cnn.load(tmp_path / "last.keras"),
        lambda: cnn.load(tmp_path / "last.keras", to_go_on=True),
        lambda: fit("cnn", SOUND, diverging, VALIDATION, tmp_path),
    ):
        with pytest.raises(Exception, match=r"(?i)unsafe|safe_mode|lambda"):
            load()
        assert not proof.exists()
    keras.models.load_model(tmp_path / "last.keras", safe_mode=False)(np.zeros((1, 28, 28, 1), np.float32))
    assert proof.exists(), "the file would do harm if it were let"


def test_no_loader_in_the_code_is_told_to_trust() -> None:
    sources = [path for folder in ("train", "export", "runtime", "bench") for path in (ROOT / folder).rglob("*.py")]
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert text.count("torch.load(") == text.count("weights_only=True"), path.name
        if path.name == "many.py":  # what it unpickles comes through pipes, from processes that it started itself
            text = text.replace("import pickle", "")
        assert not re.search(r"safe_mode=False|allow_pickle=True|import pickle|unsafe_deserialization", text), path.name
    assert "safe_mode=True" in (ROOT / "train" / "cnn.py").read_text(encoding="utf-8")
