"""Model card and evaluation page: all they say is what manifest and report hold, and every picture is there."""

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitpad import DigitPadError, Recognizer
from evaluate.answers import figures, judge, summarise
from evaluate.tables import SETS, Results, about_sets, held_out_writers, page
from export.card import (
    END,
    START,
    card,
    figures_table,
    readme_figures,
    report_text,
    seeds_table,
    write_readme_figures,
)
from export.manifest import MODELS, enter, read_manifest, report_folder, write_manifest
from export.report import main
from train.command import ROOT
from train.data import Digits

MANIFEST = read_manifest(MODELS)
CARD = MODELS / "README.md"
PAGE = report_folder(MODELS) / "README.md"


def test_the_committed_card_is_what_manifest_and_report_say() -> None:
    assert CARD.read_text(encoding="utf-8") == card(MANIFEST, "../docs/evaluation/")


def test_the_committed_page_is_what_the_report_says_unless_the_models_are_newer() -> None:
    if "run `make report`" not in CARD.read_text(encoding="utf-8"):
        text = PAGE.read_text(encoding="utf-8")
        assert text == page(MANIFEST)
        pictures = list(PAGE.parent.glob("*.png"))
        assert [path.name for path in pictures if f"]({path.name})" not in text] == []
        assert [path.name for path in pictures if not 0 < path.stat().st_size < 150_000] == []


def test_the_committed_readme_has_the_figures_between_its_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    write_readme_figures(readme, MANIFEST)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n")
    block = text[text.index(START) : text.index(END)]
    assert block in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{MANIFEST['cnn']['accuracy']['mnist_test']:.2%}" in block


def test_the_committed_report_is_of_the_committed_models() -> None:
    shipped = json.loads((MODELS / "manifest.json").read_bytes())["models"]
    report = json.loads((PAGE.parent / "report.json").read_bytes())["models"]
    assert {name: entry["sha256"] for name, entry in report.items()} == {n: e["sha256"] for n, e in shipped.items()}
    for name, entry in shipped.items():
        assert entry["accuracy"] == {key: f["accuracy"] for key, f in report[name]["figures"].items()}


def test_models_that_are_not_measured_in_full_are_said_to_be_so() -> None:
    bare = json.loads(json.dumps(MANIFEST))
    del bare["mlp"]["conditions"]
    text = card(bare, "")
    assert "make report" in text.partition("## The contract")[0]
    assert "![" not in text
    for entry in bare.values():
        entry["figures"] = {}
    assert "Not measured" in figures_table(bare)


def test_what_was_measured_of_a_model_goes_when_it_is_replaced_and_stays_when_it_is_the_same() -> None:
    against = {"mlp": {"mnist_test": {"only_this": 9, "only_other": 1, "p": 0.02}}}
    manifest = {"cnn": {"figures": {}, "against": against}, "mlp": {"figures": {}}}
    assert "cnn, mlp" in page(manifest)
    enter(manifest, "mlp", b"a model", {"epochs": 1, "largest_difference": 1e-7}, {"mine": SOME})
    assert "cnn, mlp" not in page(manifest)
    manifest["mlp"] |= {"variants": ONE}
    enter(manifest, "mlp", b"a model", {"epochs": 2, "largest_difference": 2e-7}, {})
    kept = manifest["mlp"]
    assert (kept["epochs"], kept["largest_difference"], kept["variants"]) == (2, 1e-7, ONE)
    assert kept["accuracy"] == {"mine": SOME.accuracy} and kept["figures"] == {"mine": FIGURES}
    enter(manifest, "mlp", b"another", {"epochs": 2, "largest_difference": 3e-7}, {})
    assert "variants" not in manifest["mlp"] and manifest["mlp"]["figures"] == manifest["mlp"]["accuracy"] == {}


def test_a_set_that_something_was_chosen_on_is_said_to_be_so() -> None:
    chosen = "used to choose recipe, seed, temperature and thresholds"
    lines = about_sets({"m": {"figures": {name: {} for name in SETS}}}).splitlines()
    assert [line.startswith("- MNIST test") or chosen in line for line in lines] == [True] * 4
    assert "used to choose nothing" in lines[0]
    left_out = held_out_writers({"m": {"figures": {}, "held_out_writers": {"all": asdict(READING)}}})
    assert "Recipe and seed were chosen on all" in left_out


def test_seeds_are_shown_by_mean_and_standard_deviation() -> None:
    runs = [{"seed": 1, "mnist": 0.99, "test": 0.98}, {"seed": 2, "mnist": 0.97, "test": 0.98}]
    text = seeds_table({"cnn": {"seeds": runs}, "cnn-int8": {"seeds": runs}})
    assert text.endswith("| cnn | 2 | 98.00% ± 1.41% | 98.00% ± 0.00% |")
    assert seeds_table({"cnn": {"seeds": runs[:1]}, "mlp": {}}) == ""


@pytest.mark.parametrize("damaged", ["manifest.json", "evaluation/report.json"])
def test_a_damaged_manifest_or_report_is_named_and_none_is_as_good_as_empty(
    damaged: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_manifest(tmp_path) == {}
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST
    (tmp_path / damaged).write_text("{")
    left = read_manifest(tmp_path)
    assert f"{damaged} is damaged" in capsys.readouterr().err
    assert list(left) == ([] if damaged == "manifest.json" else list(MANIFEST))
    if left:
        assert "Not measured" in card(left, "") and "- `mlp.onnx`: " in card(left, "")


def test_a_report_of_other_files_is_not_taken_for_these_models(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace(MANIFEST["mlp"]["sha256"], "0" * 64))
    manifest = read_manifest(tmp_path)
    assert manifest["mlp"]["figures"] == {} and manifest["cnn"] == MANIFEST["cnn"]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder as `make export OUT=DIR` leaves it, with an older report."""
    for name in (*(entry["file"] for entry in MANIFEST.values()), "README.md"):
        shutil.copy(MODELS / name, tmp_path)

    def facts(entry: dict[str, Any]) -> dict[str, Any]:
        return {key: fact for key, fact in entry.items() if not isinstance(fact, dict | list)}

    write_manifest(tmp_path, {name: facts(entry) | {"figures": {}} for name, entry in MANIFEST.items()})
    (tmp_path / "evaluation" / "errors_of_old.png").write_bytes(b"old")
    return tmp_path


def test_a_report_goes_into_page_card_and_report_and_the_pages_can_be_made_of_it_again(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = {"count": 7, "errors": 1, "accuracy": 6 / 7, "answered": 1.0, "answered_accuracy": 6 / 7}

    def measure(models: dict[str, Recognizer], data: Path | None, pictures: Path) -> Results:
        (pictures / "variants.png").write_bytes(b"new")
        cases = {"variants": {"7 barred": case}, "conditions": {"fog": case}, "outliers": OUTLIERS}
        return {name: {"figures": {"mnist_test": FIGURES}, **cases} for name in models}

    monkeypatch.setattr("export.report.measure_fully", measure)
    assert main(["--out", str(exported)]) == 0
    assert [path.name for path in (exported / "evaluation").glob("*.png")] == ["variants.png"]
    written = {path: path.read_text() for path in (exported / "evaluation" / "README.md", exported / "README.md")}
    page, card = written.values()
    assert "| fog | 7 | 85.7% |" in page
    assert f"fog ({', '.join(['85.7%'] * len(MANIFEST))})" in card
    assert f"mlp | MNIST test | **{FIGURES['accuracy']:.2%}**" in card
    entry = read_manifest(exported)["mlp"]
    assert entry["variants"]["7 barred"]["accuracy"] == 0.85714
    assert entry["figures"]["mnist_test"]["accuracy"] == FIGURES["accuracy"]
    for path in written:
        path.write_text("spoilt")
    monkeypatch.setattr("export.report.measure_fully", None)
    assert main(["--out", str(exported), "--pages"]) == 0
    assert {path: path.read_text() for path in written} == written


ANSWERS = judge(np.full((20, 10), 0.1, np.float32), np.zeros(20, np.float32), 0.5, 0.5)
SOME = figures(ANSWERS, Digits(np.zeros((20, 28, 28), np.uint8), np.repeat(np.arange(10), 2)))
FIGURES = asdict(SOME)
READING = summarise(ANSWERS, np.repeat(np.arange(10), 2))
OUTLIERS = {
    kind: {
        "count": 9, "digit": share, "unsure": 0, "not_a_digit": 1 - share, "trained_on": True,
        "auroc": {"pen_validation": 0.99}, "fpr95": {"pen_validation": 0.01},
    }
    for kind, share in (("hearts", 0.4), ("stars", 0.0), ("all", 0.2))
}  # fmt: skip


ONE = {"bad": {"count": 200, "accuracy": 0.9}, "fine": {"count": 200, "accuracy": 0.99}}


def test_the_card_says_what_is_read_well_and_taken_for_a_digit_and_how_far_to_trust_its_shares() -> None:
    many = {kind: entry | {"count": 2000} for kind, entry in OUTLIERS.items()}
    text = report_text({"cnn": {"figures": {}, "outliers": many, "variants": ONE, "conditions": ONE}}, "")
    assert re.search(r"Seldom taken for a digit .*: stars\.\n- More often \(cnn\): hearts \(40\.0%\)\.", text)
    assert re.search(r"Read well .*: fine\.\n- Less well \(cnn\): bad \(90\.0%\)\.", text)
    assert text.count("200 digits each: one is worth 0.5 points (95 % interval of 98%: 95.0% to 99.2%)") == 2
    assert "2,000 of each kind (95 % interval of 2%: 1.5% to 2.7%)" in text


def test_what_people_wrote_stands_apart_from_what_we_generated_and_only_what_was_measured_is_claimed() -> None:
    few = {"count": 9, "digit": 0.125, "unsure": 0, "not_a_digit": 0.875}
    people = {"people_digits": {"pen_numbers": asdict(READING)}, "people_letters": {"greek": few}}
    shown = {"outliers": OUTLIERS, "conditions": ONE, "variants": ONE}
    for text in (
        report_text({"cnn": {"figures": {}, **shown, **people}}, ""),
        page({"cnn": {"figures": {}, **people}}),
    ):
        section = text[text.index("## People's own digits and letters") :]
        assert "CROHME, CC BY-NC-SA 3.0" in section
        assert "| letters by people called a `digit`: UJI / Greek | - / 12.5% |" in section
        assert f"| digits of pen numbers | 20 | **{READING.accuracy:.2%}** |" in section
    generated = report_text({"cnn": {"figures": {}, **shown}}, "")
    assert "People" not in generated and "## Non-digits that we generated" in generated
    model = {"figures": {}, "bytes": 900_000, "parameters": 9, **people}
    lines = readme_figures({"cnn": model, "cnn-int8": model | {"bytes": 200_000}}).splitlines()
    right, refused = f"**{READING.accuracy:.1%}**", f"{READING.rejected:.1%}"
    assert lines[2:] == [
        f"| digits cut from people's pen numbers: right / refused | {right} / {refused} |",
        "| letters by people, taken for a digit: Latin / Greek | - / 12.5% |",
        "| parameters | 9 |",
        "| file / as int8 | 0.9 / 0.2 MB |",
    ]


@pytest.mark.parametrize("stop", [DigitPadError("the disk is full"), KeyboardInterrupt()])
def test_a_report_that_fails_changes_nothing(
    exported: Path, stop: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(models: dict[str, Recognizer], data: Path | None, pictures: Path) -> Results:
        (pictures / "variants.png").write_bytes(b"new")
        raise stop

    before = {path: path.read_bytes() for path in exported.rglob("*.*") if path.is_file()}
    monkeypatch.setattr("export.report.measure_fully", measure)
    assert main(["--out", str(exported)]) != 0
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert {path: path.read_bytes() for path in exported.rglob("*.*") if path.is_file()} == before


def test_a_report_without_models_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert str(tmp_path) in told and "make export" in told
