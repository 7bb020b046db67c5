"""The comparison of recipes: every variant trains, what was measured is kept, and the page says what was measured."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evaluate import comparison
from evaluate.comparison import DOCS, VARIANTS, Variant, as_json, as_page
from train.data import NOT_A_DIGIT, Digits
from train.pool import fill_pool, read_round
from train.recipes import Mixture, Recipe, Training
from train.synthetic.generate import generate_digits, generate_samples
from train.training import Lesson

MIXTURE = Mixture(rounds=2, pen_repeats=2, generated=20, undistorted=16, outliers=20)
TINY = Training(epochs=9, batch_size=16, learning_rate=0.1)
PICTURES, PEN = generate_digits(64, seed=1), list(generate_samples(10, seed=2))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of few digits."""
    pool = tmp_path_factory.mktemp("pool")
    fill_pool(pool, MIXTURE, PICTURES, PEN)
    return pool


@pytest.fixture
def docs(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a pool of few digits and little time, and nothing measured; its folder docs/."""
    pool = shutil.copytree(filled, tmp_path / "pool")
    (pool / "run.json").write_text(json.dumps({"mixture": asdict(MIXTURE), "digits": "these"}))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "comparison.json").write_text('{"tried": ["magic."], "tables": {}}')
    mnist = SimpleNamespace(train=PICTURES, validation=generate_digits(50, seed=3))
    pen = SimpleNamespace(train=PEN, validation=list(generate_samples(20, seed=4)))
    for name, value in {
        "DOCS": tmp_path / "docs",
        "POOL": pool,
        "RUNS": tmp_path / "runs",
        "FULL": Recipe(MIXTURE, {"cnn": TINY, "mlp": TINY}),
        "EPOCHS": {"cnn": (2, 3), "mlp": (2, 3)},
        "load_mnist": lambda: mnist,
        "load_pen": lambda: pen,
    }.items():
        monkeypatch.setattr(comparison, name, value)
    return tmp_path / "docs"


@pytest.mark.parametrize("network", ["cnn", "mlp"])
def test_the_variants_train_and_have_their_rows(docs: Path, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What changes the mixture or the distortion is the same for both networks, and the CNN is slow.
    variants = [
        v for v in VARIANTS if network in v.networks and (network == "mlp" or {"network", "schedule"} & set(v.training))
    ]
    monkeypatch.setattr(comparison, "VARIANTS", variants)
    monkeypatch.setattr(comparison, "SEEDS", (1,))
    assert comparison.main([network]) == 0
    changed = [variant.changed for variant in variants]
    page = (docs / "comparison.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and "changed" not in line]
    assert [row[0].removeprefix("| ") for row in rows] == changed
    assert all(0 <= float(cell.split(" ± ")[0]) <= 100 for row in rows for cell in row[1:3])
    assert len(set(changed)) == len(changed)
    assert "- magic." in page.splitlines()


def test_what_was_measured_is_not_measured_again_until_the_pool_is_another(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []  # seeds

    def measure(network: str, training: Training, variant: Variant, seed: int, *_: object) -> dict[str, int]:
        calls.append(seed)
        return {"mnist": seed, "pen": 1}

    monkeypatch.setattr(comparison, "train_variant", measure)
    only = ["mlp", "--grep", "no dropout"]
    comparison.main(only)
    assert calls == [1, 2]
    assert "| no dropout | 3.00 ± 1.41 | 5.00 ± 0.00 | 2 |" in (docs / "comparison.md").read_text()
    comparison.main(only)
    assert calls == [1, 2]
    comparison.main([*only, "--long"])
    assert calls == [1, 2, 1, 2]
    (comparison.POOL / "run.json").write_text('{"mixture": {}, "digits": "others"}')
    comparison.main(only)
    assert calls == [1, 2, 1, 2, 1, 2]
    assert "2 epochs (measured on an earlier recipe)" in (docs / "comparison.md").read_text()


def test_a_variant_changes_what_it_names(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Digits] = []

    def look(name: str, training: Training, lessons: Callable[[int], Lesson], *_: Any) -> None:
        assert training == replace(TINY, epochs=2, ema=comparison.EMA)
        images, targets = lessons(0)
        shown.append(Digits(images, targets.argmax(axis=1)))
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "fit", look)
    for change in (
        "nothing: the recipe itself",
        "no distortion, only scanned anew",
        "distorted digits keep their new size and place",
        "no pen digits",
        "no non-digits",
    ):
        assert change in [variant.changed for variant in VARIANTS]
        assert comparison.main(["mlp", "--grep", change]) == 130
    as_it_is, still, not_refitted, no_pen, no_outliers = shown
    pool = read_round(comparison.POOL, 1)
    assert as_it_is.images.tobytes() == pool.images.tobytes()
    assert as_it_is.labels.tolist() == pool.labels.tolist()
    ink = [digits.images[:64].sum(axis=(1, 2), dtype=np.int64) for digits in (as_it_is, still, PICTURES)]
    assert abs(ink[1] - ink[2]).mean() < abs(ink[0] - ink[2]).mean() / 2
    assert (not_refitted.images[:64] != as_it_is.images[:64]).any(axis=(1, 2)).mean() > 0.9
    assert not_refitted.images[64:].tobytes() == as_it_is.images[64:].tobytes()
    assert len(no_pen) == len(as_it_is) - 2 * len(PEN)
    assert (no_outliers.labels != NOT_A_DIGIT).all()
    assert len(no_outliers) == len(as_it_is) - 20


def test_without_a_pool_it_says_in_one_line_how_to_make_one(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (comparison.POOL / "run.json").unlink()
    assert comparison.main(["mlp"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "make train RECIPE=full" in line


def test_the_committed_page_is_written_from_the_committed_figures() -> None:
    text = (DOCS / "comparison.json").read_text(encoding="utf-8")
    results = json.loads(text)
    assert as_json(results) == text
    assert as_page(results) == (DOCS / "comparison.md").read_text(encoding="utf-8")
    changed = {variant.changed for variant in VARIANTS}
    assert all(set(table["wrong"]) <= changed for table in results["tables"].values())
