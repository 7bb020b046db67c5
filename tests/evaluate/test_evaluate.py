"""`make evaluate`: it measures what users get, on any labelled set, and says in one line where it cannot."""

import gzip
import json
import re
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from digitpad import Recognizer
from digitpad.mnist_form import render_strokes
from digitpad.stroke_files import Sample, write_samples
from evaluate import hard_cases
from evaluate.__main__ import main
from evaluate.answers import brief, judge, read, summarise
from evaluate.held_out import leave_one_writer_out, uncalibrated_scores
from evaluate.pictures import Cell, plot_sheet
from evaluate.sets import Drawn, load_set
from evaluate.tables import page, picture_name
from train.calibration import log_odds, probabilities
from train.data import Digits
from train.synthetic.generate import VARIANTS, generate_digits, generate_samples

TINY = Path(__file__).parents[1] / "runtime" / "data" / "tiny.onnx"
SAMPLES = [Sample(s.strokes, s.label, "Ann" if n % 3 else "Bob") for n, s in enumerate(generate_samples(60, seed=5))]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of both shipped models on a stroke file of two writers."""
    folder = tmp_path_factory.mktemp("measured")
    write_samples(folder / "digits.json", SAMPLES)
    assert main(["--model", "cnn,mlp", "--set", str(folder / "digits.json"), "--out", str(folder / "out")]) == 0
    return folder / "out"


def test_the_figures_are_what_the_runtime_answers(measured: Path) -> None:
    results = json.loads((measured / "evaluation.json").read_bytes())
    for name in ("cnn", "mlp"):
        answers = [Recognizer(name).predict_strokes(sample.strokes) for sample in SAMPLES]
        right = [int(a.probabilities.argmax()) == int(s.label or "") for a, s in zip(answers, SAMPLES, strict=True)]
        figures = results[name]["figures"]["digits.json"]
        assert figures["count"] == 60
        assert figures["errors"] == 60 - sum(right)
        assert figures["answered"] == pytest.approx(np.mean([a.status == "digit" for a in answers]))
        assert figures["unsure"] == pytest.approx(np.mean([a.status == "unsure" for a in answers]))
        assert figures["rejected"] == pytest.approx(np.mean([a.status == "not_a_digit" for a in answers]))
        assert np.sum(figures["confusion"]) == 60
        assert np.trace(figures["confusion"]) == sum(right)


def test_each_writer_is_measured_and_the_models_are_compared(measured: Path) -> None:
    results = json.loads((measured / "evaluation.json").read_bytes())
    writers = results["cnn"]["writers"]["digits.json"]
    assert {name: of["count"] for name, of in writers.items()} == {"Ann": 40, "Bob": 20}
    assert sum(of["errors"] for of in writers.values()) == results["cnn"]["figures"]["digits.json"]["errors"]
    compared = results["cnn"]["against"]["mlp"]["digits.json"]
    difference = compared["only_this"] - compared["only_other"]
    errors = [results[name]["figures"]["digits.json"]["errors"] for name in ("cnn", "mlp")]
    assert difference == errors[1] - errors[0]
    text = (measured / "evaluation.md").read_text()
    assert "| Ann | 40 |" in text
    assert "| cnn, mlp | digits.json |" in text


def test_every_picture_of_the_page_is_there_and_small(measured: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (measured / "evaluation.md").read_text())
    assert picture_name("calibration", "digits.json") in links
    for link in links:
        assert 0 < (measured / link).stat().st_size < 150_000, link
        Image.open(measured / link).verify()


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_statuses_are_those_that_the_recogniser_gives(name: str) -> None:
    recognizer = Recognizer(name)
    digits = generate_digits(40, seed=3).images
    rng = np.random.default_rng(0)
    images = np.concatenate([digits, rng.integers(0, 255, (20, 28, 28), np.uint8), np.rot90(digits, axes=(1, 2))])
    expected = [recognizer.predict_normalised(image).status for image in images]
    assert list(read(recognizer, images).status) == expected
    assert len(set(expected)) > 1


def write_idx(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    for path, array in ((folder / "t-images-idx3-ubyte.gz", images), (folder / "t-labels-idx1-ubyte.gz", labels)):
        head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))
    return folder / "t-images-idx3-ubyte.gz"


def test_idx_files_folders_and_stroke_files_are_the_same_digits(tmp_path: Path) -> None:
    digits = generate_digits(20, seed=8)
    from_idx = load_set(write_idx(tmp_path, digits.images, digits.labels))
    assert (from_idx.images == digits.images).all()
    assert (from_idx.labels == digits.labels).all()
    for label, image in zip(digits.labels, digits.images, strict=True):
        (tmp_path / "own" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - image).save(tmp_path / "own" / str(label) / f"{len(list(tmp_path.rglob('*.png')))}.png")
    assert sorted(load_set(tmp_path / "own").labels) == sorted(digits.labels)
    write_samples(tmp_path / "some.json", [Sample(SAMPLES[0].strokes, "4", "Eve"), Sample(SAMPLES[1].strokes)])
    from_strokes = load_set(tmp_path / "some.json")
    assert isinstance(from_strokes, Drawn)
    assert list(from_strokes.labels) == [4]  # what has no label cannot be measured
    assert (from_strokes.images[0] == render_strokes(SAMPLES[0].strokes)).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "nothing.json"], ["nothing.json"]),
        (["--set", "empty"], ["empty", "folders 0 to 9"]),
        (["--set", "unlabelled.json"], ["unlabelled.json", "no labelled digits"]),
        (["--set", "t-images-idx3-ubyte.gz"], ["t-labels-idx1-ubyte.gz", "(3,)"]),
        (["--set", "label/t-images-idx3-ubyte.gz"], ["t-labels-idx1-ubyte.gz", "label 10"]),
        (["--model", "resnet", "--set", "good.json"], ["resnet", "cnn"]),
        (["--model", "cnn,", "--set", "good.json"], ["no such model"]),
        (["--set", "good.json", "--out", "good.json/x"], ["good.json", "choose another folder"]),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    arguments: list[str],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "label").mkdir()
    write_samples(tmp_path / "good.json", SAMPLES[:3])
    write_samples(tmp_path / "unlabelled.json", [Sample(SAMPLES[0].strokes)])
    write_idx(tmp_path, np.zeros((2, 28, 28)), np.zeros(3))
    write_idx(tmp_path / "label", np.zeros((2, 28, 28)), np.array([10, 0]))
    out = [] if "--out" in arguments else ["--out", "out"]
    assert main([*arguments, *out]) == 1
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 1
    assert all(word in told.err for word in words), told.err
    assert not (tmp_path / "out" / "evaluation.json").exists()


def test_a_set_that_may_not_be_read_is_named_and_not_the_folder_for_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path / "7" / "photo.png"))

    monkeypatch.setattr("evaluate.sets.load_own", refused)
    assert main(["--model", "mlp", "--set", str(tmp_path / "own"), "--out", str(tmp_path / "results")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "photo.png" in line and "Permission denied" in line and "results" not in line


def test_digits_that_are_all_right_or_never_answered_have_no_share_of_nothing() -> None:
    sure = judge(np.eye(10, dtype=np.float32), np.full(10, -5, np.float32), ood_threshold=0, unsure_threshold=0.5)
    right = summarise(sure, np.arange(10))
    assert right.wrong_confidence is None
    assert (right.errors, right.answered, right.answered_accuracy) == (0, 1, 1)
    refused = summarise(judge(sure.probabilities, sure.ood_score, -9, 0.5), np.arange(10))
    assert (refused.answered, refused.answered_accuracy, refused.rejected) == (0, None, 1)
    results = {"m": {"figures": {}, "variants": {"none answered": brief(refused)}}}
    assert "| none answered | 10 | 100.0% | 0 | 0.0% | - |" in page(results)


def overconfident(seed: int, count: int = 600) -> SimpleNamespace:
    """A recogniser whose images are row numbers, and whose answers are surer than they should be."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, (count, 10))
    labels = np.array([rng.choice(10, p=p) for p in probabilities(scores, 1.0)])
    p = probabilities(2 * scores, 1.0).astype(np.float32)
    ood = rng.normal(0, 1, count).astype(np.float32)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) // 256, np.arange(count) % 256

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = images[:, 0, 0].astype(int) * 256 + images[:, 0, 1]
        return p[rows], ood[rows]

    return SimpleNamespace(run=run, metadata={"temperature": "1.5"}, images=images, labels=labels)


def test_a_file_gives_back_the_scores_that_its_answers_came_from() -> None:
    recognizer = Recognizer("cnn")
    images = generate_digits(50, seed=2).images
    p, ood = recognizer.run(images)
    scores = uncalibrated_scores(recognizer, images)
    temperature = float(recognizer.metadata["temperature"])
    np.testing.assert_allclose(probabilities(scores, temperature), p, atol=1e-5)
    np.testing.assert_allclose(log_odds(scores, temperature), ood, rtol=1e-4, atol=1e-4)


def test_nothing_of_a_writer_who_is_left_out_goes_into_what_is_fitted() -> None:
    recognizer = overconfident(seed=1)
    writers = np.repeat(["a", "b", "c"], 200)
    further = [Digits(recognizer.images, recognizer.labels)]
    everything = Drawn(recognizer.images, recognizer.labels, [], writers)
    before = leave_one_writer_out(recognizer, everything, further, [recognizer.images[:9]])
    labels = np.where(writers == "b", (recognizer.labels + 1) % 10, recognizer.labels)
    changed = Drawn(recognizer.images, labels, [], writers)
    after = leave_one_writer_out(recognizer, changed, further, [recognizer.images[:9]])
    fitted = ("temperature", "ood_scale", "ood_offset", "unsure_threshold")
    assert [before["b"][key] for key in fitted] == [after["b"][key] for key in fitted]
    assert before["b"]["accuracy"] > after["b"]["accuracy"]
    assert before["a"]["temperature"] < after["a"]["temperature"]
    # The file's temperature was 1.5, and its answers twice too sure.
    assert before["b"]["temperature"] == pytest.approx(3, rel=0.15)
    assert before["all"]["count"] == 600
    assert before["all"]["errors"] == sum(before[writer]["errors"] for writer in "abc")


def test_non_digits_are_counted_kind_by_kind_and_together() -> None:
    def answers(*ood: float) -> object:
        return judge(np.eye(10, dtype=np.float32)[[3] * len(ood)], np.array(ood, np.float32), 0.0, 0.5)

    digits = {"mine": answers(-3, -2, -1, -1)}
    told = hard_cases.rejection({"far": answers(5, 6), "alike": answers(-3, 1)}, digits)
    far, alike, both = told["far"], told["alike"], told["all"]
    assert (far["auroc"]["mine"], far["fpr95"]["mine"], far["not_a_digit"]) == (1, 0, 1)
    assert (alike["auroc"]["mine"], alike["fpr95"]["mine"], alike["digit"]) == ((0.125 + 1) / 2, 0.5, 0.5)
    assert (both["auroc"]["mine"], both["count"], both["digit"]) == ((1 + 1 + 0.125 + 1) / 4, 4, 0.25)


def test_every_way_of_writing_is_measured_and_shown(tmp_path: Path) -> None:
    result = hard_cases.measure_variants({"cnn": Recognizer("cnn"), "tiny": Recognizer(TINY)}, tmp_path, each=3)
    expected = [f"{label} {name}" for label, names in VARIANTS.items() for name in names]
    assert list(result["cnn"]) == list(result["tiny"]) == expected
    assert {of["count"] for of in result["cnn"].values()} == {3}
    right = [of["accuracy"] for of in result["cnn"].values()]
    assert np.mean(right) > 0.95
    assert np.mean([of["accuracy"] for of in result["tiny"].values()]) < np.mean(right)
    assert Image.open(tmp_path / "variants.png").height > 28 * len(expected) / 2


def test_pictures_and_non_digits_are_measured_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = {name: hard_cases.CONDITIONS[name] for name in ("plain", "white on black", "scan")}
    monkeypatch.setattr(hard_cases, "CONDITIONS", some)
    models = {"cnn": Recognizer("cnn")}
    conditions = hard_cases.measure_conditions(models, SAMPLES[:20], tmp_path)
    assert list(conditions["cnn"]) == list(some)
    assert all(of["count"] == 20 and of["accuracy"] > 0.8 for of in conditions["cnn"].values())
    outliers = hard_cases.measure_outliers(models, {"mine": generate_digits(60, seed=4)}, tmp_path, each=4)
    together, kinds = outliers["cnn"].pop("all"), outliers["cnn"].values()
    assert {of["count"] for of in kinds} == {4}
    assert together["on_paper"] <= 0.25 and all(of["on_paper"] <= 0.5 for of in kinds)
    digits = generate_digits(40, seed=5)
    on_paper = [p.digit for p in hard_cases.read_on_paper(digits.images, models, 1)["cnn"]]
    assert np.mean(np.array(on_paper) == digits.labels) > 0.9, "what is photographed is still there"
    assert {True, False} == {of["trained_on"] for of in kinds}
    assert (tmp_path / "conditions.png").stat().st_size < 150_000
    assert (tmp_path / "outliers.png").stat().st_size < 150_000


def test_a_frame_keeps_its_colour_among_many_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photos = rng.integers(20, 235, (30, 40, 60, 1)) + rng.integers(-20, 20, (30, 40, 60, 3))
    cells = [Cell(photo.astype(np.uint8)) for photo in photos]
    plot_sheet({"a": cells, "b": [Cell(cells[0].image, "orange"), Cell(cells[0].image, "red")]}, tmp_path / "sheet.png")
    colours = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).reshape(-1, 3).astype(int)
    for frame in ((255, 165, 0), (255, 0, 0)):
        assert (np.abs(colours - frame).max(axis=1) <= 25).sum() >= 2 * (40 + 60)
