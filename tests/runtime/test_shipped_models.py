"""The shipped models: whole, as good as their manifest says, and answering what their reference vectors say.

They are part of the product: where they are missing, these tests fail.
"""

import base64
import hashlib
import itertools
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitpad import ModelError, Recognizer, models
from digitpad.doctor import verify_models
from digitpad.image import rows
from digitpad.mnist_form import render_strokes
from digitpad.models import find_model, models_folder, shipped_models
from digitpad.pad.demo_strokes import demo_samples

BOTH = ["cnn", "mlp"]
REFERENCE = Path(__file__).parents[2] / "onnx_models" / "reference.json"  # not in the wheel


def reference(kind: str) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads(REFERENCE.read_text())[kind]
    return vectors


def test_the_manifest_is_short_and_describes_the_files_there_are_cnn_and_mlp_among_them() -> None:
    assert Path(models_folder(), "manifest.json").stat().st_size <= 6_000
    assert set(BOTH) <= set(shipped_models())
    described = set()
    for name, entry in shipped_models().items():
        data = Path(find_model(name)).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"], name
        assert len(data) == entry["bytes"], name
        assert entry["parameters"] > 0
        described.add(entry["file"])
    reader = json.loads(Path(models_folder(), "manifest.json").read_bytes())["row_reader"]
    data = Path(models_folder(), reader["file"]).read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (reader["sha256"], reader["bytes"])
    assert {path.name for path in Path(models_folder()).glob("*.onnx")} == described | {reader["file"]}


def test_a_changed_or_missing_row_reader_is_noticed_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in Path(models_folder()).iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(models, "models_folder", lambda: str(tmp_path))
    clear, page = np.full((300, 300), 255, np.uint8), np.random.default_rng(1).integers(0, 256, (60, 200), np.uint8)
    clear[60:240, 140:160] = 0
    file = tmp_path / "rows.onnx"
    for damage, words in ((file.unlink, "rows.onnx: cannot be read"), (lambda: file.write_bytes(b"?"), "checksum")):
        damage()
        rows._network.cache_clear()
        recognizer = Recognizer("cnn")
        assert recognizer.predict(clear).digit == 1
        with pytest.raises(ModelError, match=words):
            recognizer.read(page)


@pytest.mark.parametrize("name", shipped_models())
def test_any_changed_byte_of_a_shipped_model_is_noticed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(find_model(name)).read_bytes()
    path = tmp_path / Path(find_model(name)).name
    shutil.copy(Path(models_folder(), "manifest.json"), tmp_path)
    monkeypatch.setattr(models, "models_folder", lambda: str(tmp_path))

    rng = random.Random(name)
    places = [0, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(12))]
    changed = [whole[:place] + bytes([whole[place] ^ rng.randrange(1, 256)]) + whole[place + 1 :] for place in places]
    for damaged in (*changed, whole[:-1], whole + b"\0", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="its checksum is not the manifest's"):
            Recognizer(name)
    path.write_bytes(whole)
    assert Recognizer(name).name == name


def test_every_shipped_model_keeps_the_contract_and_answers() -> None:
    assert verify_models() == {}


@pytest.mark.parametrize("name", BOTH)
def test_the_demo_digits_are_read_alone_as_in_a_batch(name: str) -> None:
    recognizer, samples = Recognizer(name), demo_samples()
    assert [sample.label for sample in samples] == list("0123456789")
    answers = [recognizer.predict_strokes(sample.strokes) for sample in samples]
    assert [answer.digit for answer in answers] == list(range(10))
    rows = recognizer.predict_batch(np.stack([answer.image for answer in answers]))
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(rows, [answer.probabilities for answer in answers], atol=1e-5)


@pytest.mark.parametrize("name", shipped_models())
def test_blank_a_dot_and_full_ink_are_never_a_digit(name: str) -> None:
    recognizer = Recognizer(name)
    white = Image.new("L", (200, 200), 255)
    dot, block, ink = white.copy(), white.copy(), Image.new("L", (200, 200), 0)
    ImageDraw.Draw(dot).ellipse((97, 97, 103, 103), fill=0)
    ImageDraw.Draw(block).rectangle((40, 40, 160, 160), fill=0)
    full = np.full((28, 28), 255, np.uint8)
    answers = [recognizer.predict(picture) for picture in (white, dot, block, ink)]
    answers += [recognizer.predict_strokes(strokes) for strokes in ([], [[(5, 5)]], [[(5, 5)] * 9])]
    answers += [recognizer.predict_normalised(full), recognizer.predict_normalised(0 * full)]
    assert {answer.status for answer in answers} <= {"blank", "not_a_digit"}


@pytest.mark.parametrize("name", shipped_models())
def test_two_digits_side_by_side_are_hardly_ever_taken_for_one(name: str) -> None:
    recognizer, samples = Recognizer(name), demo_samples()
    taken_for_one = []
    for left, right in itertools.product(samples, samples):
        gap = np.array([np.concatenate(left.strokes)[:, 0].max() - np.concatenate(right.strokes)[:, 0].min() + 40, 0])
        answer = recognizer.predict_strokes([*left.strokes, *(stroke + gap for stroke in right.strokes)])
        if answer.status == "digit":
            taken_for_one.append(f"{left.label}{right.label}")
    assert len(taken_for_one) <= 2, taken_for_one


def test_the_reference_is_large_enough_to_port_by_and_no_larger_than_it_must_be() -> None:
    assert len(reference("samples")) + len(reference("numbers")) >= 200
    assert REFERENCE.stat().st_size <= 1_000_000


def test_the_reference_strokes_give_the_reference_images() -> None:
    for sample in reference("samples"):
        expected = np.frombuffer(base64.b64decode(sample["image"]), np.uint8).reshape(28, 28)
        difference = np.abs(render_strokes(sample["strokes"]).astype(int) - expected)
        assert difference.max() <= 1, sample["what"]


@pytest.mark.parametrize("name", BOTH)
def test_the_reference_images_give_the_reference_answers(name: str) -> None:
    recognizer = Recognizer(name)
    for sample in reference("samples"):
        image = np.frombuffer(base64.b64decode(sample["image"]), np.uint8).reshape(28, 28)
        answer, expected = recognizer.predict_normalised(image), sample["answers"][name]
        assert answer.status == expected["status"], sample["what"]
        if answer.status != "blank":
            assert np.abs(answer.probabilities - expected["probabilities"]).max() <= 1e-3, sample["what"]
            assert answer.ood_score == pytest.approx(expected["ood_score"], abs=1e-2), sample["what"]


@pytest.mark.parametrize("name", BOTH)
def test_the_reference_numbers_give_the_reference_answers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for by_row_reader in ("_heard", "_doubted"):  # they are those of the strokes alone
        monkeypatch.setattr(Recognizer, by_row_reader, lambda _, found, *__: found)
    recognizer = Recognizer(name)
    for sample in reference("numbers"):
        number, expected = recognizer.read_strokes(sample["strokes"]), sample["answers"][name]
        assert (number.text, number.status) == (expected["text"], expected["status"]), sample["what"]
        assert number.confidence == pytest.approx(expected["confidence"], abs=1e-3), sample["what"]
        boxes = np.array([digit.box for digit in number.digits])
        assert boxes == pytest.approx(np.array(expected["boxes"]), rel=1e-6), sample["what"]
        assert [digit.confidence for digit in number.digits] == pytest.approx(expected["digits"], abs=1e-3)


def test_every_model_is_as_accurate_on_mnist_as_its_manifest_entry_says_and_as_sure_as_it_should_be(
    mnist: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> None:
    images, labels = mnist
    for name, entry in shipped_models().items():
        recognizer = Recognizer(name)
        read = [recognizer.predict(image).probabilities.argmax() for image in images]
        assert np.mean(read == labels) == pytest.approx(entry["accuracy"]["mnist_test"], abs=3e-4), name
        probabilities, ood_score = recognizer.run(images)
        sure = probabilities.max(axis=1) >= recognizer.unsure_threshold
        assert (sure & (ood_score <= recognizer.ood_threshold)).mean() >= 0.98, name
