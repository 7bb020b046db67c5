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

from digitpad.stroke_files import Sample
from evaluate import comparison
from evaluate.comparison import DOCS, NON_DIGITS, VARIANTS, Sets, Variant, as_json, as_page, measure, shown
from train.corruption import FAMILIES
from train.data import Digits
from train.pool import Known, Round, answers_path, fill_pool, read_round
from train.recipes import Mixture, Recipe, Training
from train.synthetic.generate import VARIANTS as WAYS
from train.synthetic.generate import generate_digits, generate_samples
from train.training import Lesson

PARTS = {"mnist": 64, "undistorted": 16, "pen": 10, "uji": 10, "generated": 20, "outliers": 20}
PARTS |= {"uji_letters": 5, "balinese": 5, "korean": 5, "latin": 5, "neighbours": 6, "leavings": 6}
MIXTURE = Mixture(
    rounds=2, undistorted=16, pen=20, generated=20, outliers=20, letters=20, neighbours=6, leavings=6, corrupted=0.5
)
TINY = Training(epochs=9, batch_size=16, learning_rate=0.1)
PICTURES = generate_digits(64, seed=1)
PEN, UJI, *LETTERS = (list(generate_samples(10, seed=seed)) for seed in range(2, 8))
KNOWN = Known(
    PICTURES,
    {"pen": PEN, "uji": UJI},
    {
        name: [Sample(s.strokes, "A") for s in samples]
        for name, samples in zip(("uji_letters", "balinese", "korean", "latin"), LETTERS, strict=True)
    },
)
SETS = Sets(
    {"mnist": generate_digits(50, seed=13), "pen": generate_digits(20, seed=14)},
    {"unseen": generate_digits(30, seed=15)},
    [PICTURES.images[:9]],
    PICTURES.images[9:],
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of few digits."""
    pool = tmp_path_factory.mktemp("pool")
    fill_pool(pool, MIXTURE, KNOWN)
    return pool


@pytest.fixture
def docs(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a pool of few digits and little time, and nothing measured; its folder docs/."""
    pool = shutil.copytree(filled, tmp_path / "pool")
    (pool / "run.json").write_text(json.dumps({"mixture": asdict(MIXTURE), "digits": "these"}))
    for number in range(MIXTURE.rounds):  # a teacher that calls everything equally likely
        np.save(answers_path(pool, number), np.full((len(read_round(pool, number).digits), 11), 1 / 11, np.float16))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "comparison.json").write_text('{"tried": ["magic."], "tables": {}}')
    for name, value in {
        "DOCS": tmp_path / "docs",
        "POOL": pool,
        "ANSWERS": pool,
        "RUNS": tmp_path / "runs",
        "FULL": Recipe(MIXTURE, {"cnn": TINY, "mlp": TINY}),
        "EPOCHS": {"cnn": 2, "mlp": 2},
        "load_mnist": lambda: SimpleNamespace(train=PICTURES),
        "load_sets": lambda: SETS,
    }.items():
        monkeypatch.setattr(comparison, name, value)
    return tmp_path / "docs"


@pytest.mark.parametrize("network", ["cnn", "mlp"])
def test_the_variants_train_and_have_their_rows(docs: Path, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variants = [v for v in VARIANTS if len(v.without) != 1]
    if network == "cnn":  # which is slow, and shown the same
        variants = variants[:1]
    monkeypatch.setattr(comparison, "VARIANTS", variants)
    monkeypatch.setattr(comparison, "SEEDS", (1,))
    assert comparison.main([network]) == 0
    changed = [variant.changed for variant in variants]
    page = (docs / "comparison.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and "changed" not in line]
    assert [row[0].removeprefix("| ") for row in rows] == changed
    assert all(0 <= float(cell.split(" ± ")[0]) <= 100 for row in rows for cell in row[1:6])
    assert len(set(changed)) == len(changed)
    assert "- magic." in page.splitlines()


def test_what_was_measured_is_not_measured_again_until_the_pool_is_another(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []  # seeds

    def measure(network: str, training: Training, variant: Variant, seed: int, *_: object) -> dict[str, float]:
        calls.append(seed)
        return {"mnist": seed, "letters": 5.125}

    monkeypatch.setattr(comparison, "train_variant", measure)
    only = ["mlp", "--grep", "no bare paper"]
    comparison.main(only)
    assert calls == [1, 2]
    assert "| no bare paper | 1.50 ± 0.71 | 5.12 ± 0.00 | 2 |" in (docs / "comparison.md").read_text()
    comparison.main(only)
    assert calls == [1, 2]
    (comparison.POOL / "run.json").write_text('{"mixture": {}, "digits": "others"}')
    comparison.main(only)
    assert calls == [1, 2, 1, 2]
    assert "2 epochs (measured on an earlier recipe)" in (docs / "comparison.md").read_text()


def lesson_of(changed: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Digits, Training]:
    """What a variant's first epoch shows, and how it is trained."""
    found: list[tuple[Digits, Training]] = []

    def look(name: str, training: Training, lessons: Callable[[int], Lesson], *_: Any) -> None:
        images, targets = lessons(0)
        found.append((Digits(images, targets.argmax(axis=1)), training))
        raise KeyboardInterrupt

    assert changed in [variant.changed for variant in VARIANTS]
    monkeypatch.setattr(comparison, "fit", look)
    assert comparison.main(["mlp", "--grep", changed]) == 130
    return found[0]


def test_the_recipe_itself_shows_what_is_in_the_pool(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_it_is, training = lesson_of("nothing: the recipe itself", monkeypatch)
    assert training == replace(TINY, epochs=2, ema=comparison.EMA)
    pool = read_round(comparison.POOL, 1)
    assert as_it_is.images.tobytes() == pool.digits.images.tobytes()
    assert as_it_is.labels.tolist() == pool.digits.labels.tolist()


def test_a_variant_leaves_out_the_parts_and_the_families_that_it_names(filled: Path) -> None:
    made, variants = read_round(filled, 1), {variant.changed: variant for variant in VARIANTS}
    assert made.parts == PARTS
    assert all(set(variant.shares) <= set(PARTS) for variant in VARIANTS), "they name parts of a round"

    def left(changed: str) -> dict[str, int]:
        kept = np.split(shown(made, variants[changed]), np.cumsum(list(PARTS.values()))[:-1])
        return {name: int(of.sum()) for name, of in zip(PARTS, kept, strict=True)}

    assert left("nothing: the recipe itself") == PARTS
    assert left("no pen digits of UJI") == PARTS | {"uji": 0}
    assert left("pen digits of neither collection") == PARTS | {"pen": 0, "uji": 0}
    assert left("no letters of Omniglot") == PARTS | {"balinese": 0, "korean": 0, "latin": 0}
    assert left("no non-digits") == PARTS | dict.fromkeys(NON_DIGITS, 0)
    assert left("half of MNIST's digits, and no undistorted pictures") == PARTS | {"mnist": 32, "undistorted": 0}
    clean = shown(made, variants["nothing corrupted"])
    assert clean.tolist() == (~made.families.any(axis=1)).tolist()
    assert left("nothing corrupted")["undistorted"] == 16
    for place, family in enumerate(FAMILIES, start=1):
        passed = (made.families == place).any(axis=1)
        assert shown(made, variants[f"not corrupted by: {family}"]).tolist() == (~passed).tolist()


def test_generated_digits_can_be_shown_in_the_former_ways_alone() -> None:
    samples = list(generate_samples(300, seed=1))
    made = Round(generate_digits(300, seed=1), {"generated": 300}, np.zeros((300, 2), np.uint8))
    former = {f"{d} {way}" for d in range(10) for way in list(WAYS[str(d)])[: comparison.FORMER_WAYS[d]]}
    kept = shown(made, Variant("", former_ways=True))
    assert kept.tolist() == [sample.writer in former for sample in samples]


def test_a_variant_that_shows_less_is_shown_for_longer_where_it_says_so(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson, training = lesson_of("nothing corrupted", monkeypatch)
    assert training.epochs == round(2 * sum(PARTS.values()) / len(lesson))


def test_non_digits_pass_where_few_digits_are_refused_and_each_set_counts_equally() -> None:
    def digits(*odds: float) -> Digits:
        images = np.zeros((len(odds), 28, 28), np.uint8)
        images[:, 0, 0] = np.array(odds) + 100
        return Digits(images, np.zeros(len(odds), np.int64))

    def logits(images: np.ndarray) -> np.ndarray:
        """Sure that it is a 0, at the log odds that the image holds."""
        scores = np.full((len(images), 11), -1e3)
        scores[:, 0], scores[:, 10] = 0, images[:, 0, 0].astype(float) - 100
        return scores.astype(np.float32)

    many, few = digits(*[0] * 9_980, *[5] * 20), digits(*[0] * 99, 9)
    wrong = Digits(many.images, many.labels + (np.arange(10_000) < 50))
    sets = Sets(
        {"mnist": wrong, "pen": few},
        {},
        [digits(4, 10).images, digits(9, 10, 10, 10).images],
        digits(9, 9, 10, 10).images,
    )
    assert measure(logits, sets) == {"mnist": 0.5, "pen": 0, "letters": (50 + 25) / 2, "outliers": 50}
    none_odd = Sets({"mnist": many, "pen": digits(*[0] * 100)}, {}, [], digits(0, 1, 5, 6).images)
    assert measure(logits, none_odd) == {"mnist": 0, "pen": 0, "outliers": 25}


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
    assert all(set(table["measured"]) <= changed for table in results["tables"].values())
