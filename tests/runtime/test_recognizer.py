"""What a Recognizer answers, tried with tiny models whose thresholds force each answer."""

import dataclasses
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitpad import ImageError, Prediction, Recognizer, session_options
from digitpad.image import rows
from digitpad.mnist_form import render_strokes
from digitpad.reader import Cutting, Readings
from tests.runtime.conftest import DATA, Points


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(DATA / "tiny.onnx")


def some_images(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, 28, 28), np.uint8)


def test_a_prediction_says_what_was_read_how_surely_and_what_the_model_saw(seven: Points) -> None:
    recognizer = Recognizer("cnn")
    p = recognizer.predict_strokes(seven)
    assert p.status == "digit"
    assert isinstance(p.digit, int)
    assert p.digit == p.probabilities.argmax()
    assert isinstance(p.confidence, float)
    assert p.confidence == p.probabilities.max()
    assert p.probabilities.dtype == np.float32
    assert p.probabilities.shape == (10,)
    assert p.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert isinstance(p.ood_score, float)
    assert p.image.dtype == np.uint8
    assert np.array_equal(p.image, render_strokes(seven))
    assert np.allclose(recognizer.predict_batch(p.image[None])[0], p.probabilities, atol=1e-6)


def test_a_prediction_cannot_be_changed(recognizer: Recognizer, seven: Points) -> None:
    image = some_images(1)[0]
    p = recognizer.predict_normalised(image)
    image[:] = 0
    assert p.image.any()  # its own copy
    for p in (recognizer.predict_strokes(seven), recognizer.predict_strokes([])):
        with pytest.raises(dataclasses.FrozenInstanceError):
            p.digit = 3  # type: ignore[misc]
        with pytest.raises(ValueError, match="read-only"):
            p.probabilities[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            p.image[0, 0] = 1


def test_the_thresholds_of_the_file_change_the_verdict_and_nothing_else(seven: Points, recognizer: Recognizer) -> None:
    sure = recognizer.predict_strokes(seven)
    verdicts = {"always_unsure": ("unsure", sure.digit), "never_a_digit": ("not_a_digit", None)}
    for name, verdict in verdicts.items():
        p = Recognizer(DATA / f"{name}.onnx").predict_strokes(seven)
        assert (p.status, p.digit) == verdict
        assert (p.confidence, p.ood_score) == (sure.confidence, sure.ood_score)
        assert np.array_equal(p.probabilities, sure.probabilities)
        assert np.array_equal(p.image, sure.image)


def test_on_a_threshold_it_is_a_digit(seven: Points) -> None:
    recognizer = Recognizer(DATA / "tiny.onnx")
    p = recognizer.predict_strokes(seven)
    recognizer.ood_threshold, recognizer.unsure_threshold = p.ood_score, p.confidence
    assert recognizer.predict_strokes(seven).status == "digit"
    recognizer.unsure_threshold = math.nextafter(p.confidence, 1)
    assert recognizer.predict_strokes(seven).status == "unsure"
    recognizer.ood_threshold = math.nextafter(p.ood_score, -math.inf)
    assert recognizer.predict_strokes(seven).status == "not_a_digit"


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 600])
def test_a_batch_gives_a_row_for_each_image(count: int, recognizer: Recognizer) -> None:
    images = some_images(count)
    rows = recognizer.predict_batch(images)
    assert rows.shape == (count, 10)
    assert rows.dtype == np.float32
    for number in {0, count // 2, count - 1} if count else ():
        assert np.allclose(rows[number], recognizer.predict_batch(images[number][None])[0], atol=1e-6)


def test_a_batch_may_lie_in_memory_in_any_way(recognizer: Recognizer) -> None:
    images = some_images(40)
    expected = recognizer.predict_batch(images)
    assert np.allclose(recognizer.predict_batch(np.asfortranarray(images)), expected, atol=1e-6)
    assert np.allclose(recognizer.predict_batch(images[::-2]), expected[::-2], atol=1e-6)
    padded = np.pad(images, ((0, 0), (3, 1), (2, 5)))[:, 3:-1, 2:-5]
    assert np.allclose(recognizer.predict_batch(padded), expected, atol=1e-6)
    images.flags.writeable = False
    assert np.allclose(recognizer.predict_batch(images), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "got"),
    [
        (np.zeros((2, 28, 28), np.float32), "float32 (2, 28, 28)"),
        (np.zeros((2, 28, 28), np.int64), "int64 (2, 28, 28)"),
        (np.zeros((2, 28, 28), bool), "bool (2, 28, 28)"),
        (np.zeros((28, 28), np.uint8), "uint8 (28, 28)"),
        (np.zeros((2, 784), np.uint8), "uint8 (2, 784)"),
        (np.zeros((2, 32, 32), np.uint8), "uint8 (2, 32, 32)"),
        (np.zeros((2, 1, 28, 28), np.uint8), "uint8 (2, 1, 28, 28)"),
        (np.zeros(3, np.uint8), "uint8 (3,)"),
        (np.zeros((), np.uint8), "uint8 ()"),
        ([[0] * 28] * 28, "list no shape"),
        (None, "NoneType no shape"),
    ],
)
def test_a_batch_of_another_form_is_refused_and_told_the_right_one(
    images: Any, got: str, recognizer: Recognizer
) -> None:
    for ask in (recognizer.predict_batch, recognizer.run):
        with pytest.raises(ImageError) as caught:
            ask(images)
        assert str(caught.value) == f"images must be uint8 (N, 28, 28), 0 = paper, 255 = ink; got {got}"


@pytest.mark.parametrize("image", [np.zeros((28, 28)), np.zeros((20, 20), np.uint8), np.ones((28, 28), np.int16)])
def test_a_normalised_image_of_another_form_is_refused_even_if_blank(image: Any, recognizer: Recognizer) -> None:
    with pytest.raises(ImageError, match="must be uint8"):
        recognizer.predict_normalised(image)


def test_of_several_readings_the_one_is_taken_that_is_surest_to_be_a_digit(seven: Points) -> None:
    recognizer = Recognizer("cnn")
    digit, blank = render_strokes(seven), np.zeros((28, 28), np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    assert np.array_equal(recognizer.predict_readings(Readings(np.stack([blank, noise, digit]))).image, digit)
    assert recognizer.predict_readings(Readings(np.stack([blank, noise]))).status == "blank"
    assert recognizer.predict_readings(Readings(np.stack([noise, blank]))).status == "not_a_digit"


def test_where_nothing_found_is_surely_a_digit_what_the_row_reader_sees_counts_as_much(
    seven: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = Recognizer("cnn")
    noise = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    grey = np.ones((40, 40), np.float32)

    def answer(image: NDArray[np.uint8], **likely: float) -> Prediction:
        seen = np.log([likely.get(f"d{digit}", 1e-6) for digit in range(10)]), math.log(likely.get("bare", 1e-6))
        monkeypatch.setattr("digitpad.image.rows.digits", lambda _: seen)
        return recognizer.predict_readings(Readings(image[None], [[Cutting(grey, 1 - grey)]]))

    assert answer(noise).status == "not_a_digit"
    sure = answer(noise, d7=0.99)
    assert (sure.status, sure.digit) == ("digit", 7) and np.array_equal(sure.image, noise)
    assert answer(noise, d7=0.9).status == "unsure", "it may be none at all"
    torn = answer(noise, d7=0.45, d1=0.45)
    assert torn.status == "unsure" and torn.probabilities[[1, 7]].sum() > 0.9
    assert answer(np.zeros((28, 28), np.uint8), d7=0.05).status == "blank"
    assert answer(np.zeros((28, 28), np.uint8), d7=0.9).digit == 7
    doubtful = answer(noise, d7=0.3)  # half taken for a digit, it is unsure and not refused
    assert (doubtful.status, doubtful.digit) == ("unsure", 7)
    assert doubtful.ood_score > recognizer.ood_threshold and str(doubtful).startswith("unsure, perhaps 7")
    assert (answer(noise, d7=0.1).status, answer(noise, d7=0.1).digit) == ("not_a_digit", None)
    assert (answer(noise, bare=0.9).status, answer(noise, bare=0.3).status) == ("blank", "not_a_digit")
    monkeypatch.setattr("digitpad.recognizer._CLEAR", 0.0)
    assert answer(render_strokes(seven), bare=0.9).status != "blank", "the model sees a digit, if not surely"


def test_in_doubt_the_row_reader_is_shown_a_picture_in_mnists_form_too_but_not_by_predict_normalised(
    seven: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    recognizer = Recognizer("cnn")
    image, cross = render_strokes(seven), render_strokes([[(0, 0), (1, 1)], [(1, 0), (0, 1)]])
    alone = recognizer.predict(image)
    assert np.array_equal(alone.probabilities, recognizer.predict_normalised(image).probabilities), "it is in no doubt"
    monkeypatch.setattr("digitpad.recognizer._DOUBT", (1.1, 1.2))
    doubted = recognizer.predict(image)
    assert doubted.digit == 7
    assert not np.array_equal(doubted.probabilities, alone.probabilities)
    seen = rows.scores(1 - cross / np.float32(255))
    monkeypatch.setattr(rows, "scores", lambda _: seen)
    assert recognizer.predict(image).ood_score > max(doubted.ood_score, alone.ood_score), "it sees no digit"
    assert np.array_equal(recognizer.predict_normalised(image).probabilities, alone.probabilities)


def test_a_recognizer_can_be_sent_to_another_process(recognizer: Recognizer, seven: Points) -> None:
    sent = pickle.loads(pickle.dumps(recognizer))
    assert np.array_equal(sent.predict_strokes(seven).probabilities, recognizer.predict_strokes(seven).probabilities)


def test_threads_may_share_one_recognizer(recognizer: Recognizer) -> None:
    rng = np.random.default_rng(1)
    drawings = [[rng.uniform(0, 300, (30, 2))] for _ in range(60)]
    alone = [recognizer.predict_strokes(strokes) for strokes in drawings]
    with ThreadPoolExecutor(8) as threads:
        shared = list(threads.map(recognizer.predict_strokes, drawings * 4))
    for one, other in zip(alone * 4, shared, strict=True):
        assert isinstance(other, Prediction)
        assert (one.status, one.digit, one.ood_score) == (other.status, other.digit, other.ood_score)
        assert np.array_equal(one.probabilities, other.probabilities)


def test_features_of_images_are_the_same_one_by_one_as_together_and_have_length_1(recognizer: Recognizer) -> None:
    images = some_images(300)
    features = recognizer.features(images)
    assert features.dtype == np.float32 and features.shape == (300, 16)
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)
    assert np.allclose(features[299], recognizer.features(images[299:])[0], atol=1e-6)
    assert (recognizer.features(0 * images[:1]) == 0).all()
    assert recognizer.features(images[:0]).shape == (0, 16)
    with pytest.raises(ImageError, match="uint8"):
        recognizer.features(images.astype(np.float32))


def test_the_recognizer_says_what_the_model_file_says(recognizer: Recognizer) -> None:
    assert recognizer.name == "tiny"
    assert recognizer.metadata["trained_on"] == "nothing"
    assert recognizer.metadata["contract"] == "2"
    assert (recognizer.ood_threshold, recognizer.unsure_threshold) == (1e9, 0.0)
    assert float(recognizer.metadata["unsure_threshold"]) == recognizer.unsure_threshold


def test_a_small_machine_is_spared_unless_told_otherwise() -> None:
    default = Recognizer(DATA / "tiny.onnx")._model.session.get_session_options()
    assert (default.intra_op_num_threads, default.inter_op_num_threads) == (1, 1)
    assert default.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert not default.enable_cpu_mem_arena

    options = session_options()
    options.intra_op_num_threads = 2
    own = Recognizer(DATA / "tiny.onnx", options=options)
    assert own._model.session.get_session_options().intra_op_num_threads == 2
    images = some_images(3)
    assert np.allclose(own.predict_batch(images), Recognizer(DATA / "tiny.onnx").predict_batch(images), atol=1e-6)


def test_an_image_is_read_alike_as_path_text_bytes_array_and_picture(
    recognizer: Recognizer, seven: Points, tmp_path: Path
) -> None:
    from PIL import Image

    path = tmp_path / "seven.png"
    pixels = 255 - render_strokes(seven).repeat(4, axis=0).repeat(4, axis=1)
    Image.fromarray(pixels).save(path)
    expected = recognizer.predict(path)
    assert expected.status == "digit"
    for form in (str(path), path.read_bytes(), pixels, pixels / 255, Image.open(path)):
        p = recognizer.predict(form)
        assert np.array_equal(p.image, expected.image)
        assert np.array_equal(p.probabilities, expected.probabilities)
    assert recognizer.predict_normalised(expected.image).digit == expected.digit == 7
