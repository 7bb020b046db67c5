"""Model card and evaluation page: all they say is what the manifest holds, and every picture is there."""

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from digitpad import DigitPadError, Recognizer
from evaluate.answers import figures, judge, summarise
from evaluate.tables import SETS, Results, about_sets, held_out_writers, page
from export.card import figures_table, report_text, seeds_table, write_card
from export.manifest import forget_comparisons, read_manifest, write_manifest
from export.report import main
from train.data import Digits

ROOT = Path(__file__).parents[2]
MANIFEST = read_manifest(ROOT / "onnx_models")
CARD = ROOT / "onnx_models" / "README.md"
PAGE = ROOT / "docs" / "evaluation" / "README.md"


def test_the_committed_card_is_the_manifests(tmp_path: Path) -> None:
    write_card(tmp_path / "README.md", MANIFEST, "../docs/evaluation/")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == CARD.read_text(encoding="utf-8")


def test_the_committed_page_is_the_manifests_unless_the_models_are_newer() -> None:
    if all(entry.get("report") for entry in MANIFEST.values()):
        text = PAGE.read_text(encoding="utf-8")
        assert text == page(MANIFEST)
        assert [path.name for path in PAGE.parent.glob("*.png") if f"]({path.name})" not in text] == []
    else:
        assert "run `make report`" in CARD.read_text(encoding="utf-8")


def test_every_picture_of_card_and_page_is_there_and_small() -> None:
    for text in (CARD, PAGE):
        for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", text.read_text(encoding="utf-8") if text.exists() else ""):
            assert 0 < (text.parent / picture).stat().st_size < 150_000, picture


def test_models_that_are_not_measured_in_full_are_said_to_be_so(tmp_path: Path) -> None:
    bare = json.loads(json.dumps(MANIFEST))
    bare["mlp"]["report"] = {}
    write_card(tmp_path / "README.md", bare, "")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "make report" in text.partition("## The contract")[0]
    assert "![" not in text
    for entry in bare.values():
        entry["figures"] = {}
    assert "not measured" in figures_table(bare)


def test_a_comparison_with_a_model_that_was_replaced_is_forgotten() -> None:
    against = {"mlp": {"mnist_test": {"only_this": 9, "only_other": 1, "p": 0.02}}}
    manifest = {"cnn": {"figures": {}, "report": {"against": against}}, "mlp": {"figures": {}}}
    assert "cnn, mlp" in page(manifest)
    forget_comparisons(manifest, "mlp")
    assert "cnn, mlp" not in page(manifest)


def test_a_set_that_something_was_chosen_on_is_said_to_be_so() -> None:
    chosen = "recipe, seed, temperature and thresholds were chosen on them"
    lines = about_sets({"m": {"figures": {name: {} for name in SETS}}}).splitlines()
    assert [line.startswith("- MNIST test") or chosen in line for line in lines] == [True] * 3
    assert "nothing was chosen" in lines[0]
    left_out = held_out_writers({"m": {"figures": {}, "report": {"held_out_writers": {"all": asdict(READING)}}}})
    assert "Recipe and seed were chosen on all" in left_out


def test_seeds_are_shown_by_mean_and_standard_deviation() -> None:
    runs = [{"seed": 1, "mnist": 0.99, "test": 0.98}, {"seed": 2, "mnist": 0.97, "test": 0.98}]
    text = seeds_table({"cnn": {"seeds": runs}, "cnn-int8": {"seeds": runs}})
    assert text.endswith("| cnn | 2 | 98.00% ± 1.41% | 98.00% ± 0.00% |")
    assert seeds_table({"cnn": {"seeds": runs[:1]}, "mlp": {}}) == ""


def test_a_damaged_manifest_is_named_and_none_is_as_good_as_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_manifest(tmp_path) == {}
    (tmp_path / "manifest.json").write_text("{")
    assert read_manifest(tmp_path) == {}
    assert "manifest.json is damaged" in capsys.readouterr().err
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder as `make export OUT=DIR` leaves it, with an older report."""
    for name in (*(entry["file"] for entry in MANIFEST.values()), "manifest.json", "README.md"):
        shutil.copy(ROOT / "onnx_models" / name, tmp_path)
    manifest = read_manifest(tmp_path)
    for entry in manifest.values():
        entry |= {"figures": {}, "report": {}}
    write_manifest(tmp_path, manifest)
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "errors_of_old.png").write_bytes(b"old")
    return tmp_path


def test_a_report_goes_into_page_card_and_manifest(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"count": 7, "errors": 1, "accuracy": 6 / 7, "answered": 1.0, "answered_accuracy": 6 / 7}

    def evaluate(models: dict[str, Recognizer], data: Path | None, pictures: Path) -> Results:
        (pictures / "variants.png").write_bytes(b"new")
        report = {"variants": {"7 barred": measured}, "conditions": {"fog": measured}, "outliers": OUTLIERS}
        return {name: {"figures": {"mnist_test": FIGURES}, "report": report} for name in models}

    monkeypatch.setattr("export.report.evaluate_fully", evaluate)
    assert main(["--out", str(exported)]) == 0
    assert [path.name for path in (exported / "evaluation").glob("*.png")] == ["variants.png"]
    assert "| fog | 7 | 85.7% |" in (exported / "evaluation" / "README.md").read_text()
    shares = ", ".join(["85.7%"] * len(MANIFEST))
    assert f"fog ({shares})" in (exported / "README.md").read_text()
    assert read_manifest(exported)["mlp"]["report"]["variants"]["7 barred"]["accuracy"] == 0.85714
    assert read_manifest(exported)["mlp"]["figures"]["mnist_test"]["accuracy"] == FIGURES["accuracy"]
    assert f"mlp | MNIST test | **{FIGURES['accuracy']:.2%}**" in (exported / "README.md").read_text()


ANSWERS = judge(np.full((20, 10), 0.1, np.float32), np.zeros(20, np.float32), 0.5, 0.5)
FIGURES = asdict(figures(ANSWERS, Digits(np.zeros((20, 28, 28), np.uint8), np.repeat(np.arange(10), 2))))
READING = summarise(ANSWERS, np.repeat(np.arange(10), 2))
OUTLIERS = {
    kind: {
        "count": 9, "digit": share, "unsure": 0, "not_a_digit": 1 - share, "trained_on": True,
        "auroc": {"pen_validation": 0.99}, "fpr95": {"pen_validation": 0.01},
    }
    for kind, share in (("hearts", 0.4), ("stars", 0.0), ("all", 0.2))
}  # fmt: skip


def test_the_card_tells_what_is_taken_for_a_digit_from_what_is_not() -> None:
    text = report_text(
        {"cnn": {"figures": {}, "report": {"outliers": OUTLIERS, "variants": ONE, "conditions": ONE}}}, ""
    )
    assert re.search(r"Seldom taken for a digit .*: stars\.\n- More often \(cnn\): hearts \(40\.0%\)\.", text)
    assert re.search(r"Read well .*: fine\.\n- Not so well \(cnn\): bad \(90\.0%\)\.", text)


ONE = {"bad": {"count": 200, "accuracy": 0.9}, "fine": {"count": 200, "accuracy": 0.99}}


def test_the_card_tells_how_many_pictures_its_shares_are_of_and_how_far_to_trust_them() -> None:
    many = {kind: entry | {"count": 2000} for kind, entry in OUTLIERS.items()}
    text = report_text({"cnn": {"figures": {}, "report": {"outliers": many, "variants": ONE, "conditions": ONE}}}, "")
    assert text.count("200 digits each: one is worth 0.5 points (95 % interval of 98%: 95.0% to 99.2%)") == 2
    assert "2,000 of each kind (95 % interval of 2%: 1.5% to 2.7%)" in text


@pytest.mark.parametrize("stop", [DigitPadError("the disk is full"), KeyboardInterrupt()])
def test_a_report_that_fails_changes_nothing(
    exported: Path, stop: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def evaluate(models: dict[str, Recognizer], data: Path | None, pictures: Path) -> Results:
        (pictures / "variants.png").write_bytes(b"new")
        raise stop

    before = {path: path.read_bytes() for path in exported.rglob("*.*") if path.is_file()}
    monkeypatch.setattr("export.report.evaluate_fully", evaluate)
    assert main(["--out", str(exported)]) != 0
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert {path: path.read_bytes() for path in exported.rglob("*.*") if path.is_file()} == before


def test_a_report_without_models_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert str(tmp_path) in told and "make export" in told
