"""The comparison of recipes: every variant trains, what was measured is kept, and the table says what was measured."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from evaluate import comparison as compare
from evaluate.comparison import VARIANTS, Variant
from train.data import NOT_A_DIGIT
from train.pool import fill_pool, read_round
from train.recipes import Mixture, Recipe, Training
from train.synthetic.generate import generate_digits, generate_samples

MIXTURE = Mixture(rounds=2, pen_repeats=2, generated=30, undistorted=24, outliers=40)
TINY = Training(epochs=9, batch_size=32, learning_rate=0.1)
PICTURES, PEN = generate_digits(128, seed=1), list(generate_samples(20, seed=2))


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a pool of few digits and little time; its folder docs/."""
    pool = tmp_path / "artifacts" / "full" / "pool"
    pool.mkdir(parents=True)
    (pool / "run.json").write_text(json.dumps(asdict(MIXTURE)))
    fill_pool(pool, MIXTURE, PICTURES, PEN)
    mnist = SimpleNamespace(train=PICTURES, validation=generate_digits(50, seed=3))
    pen = SimpleNamespace(train=PEN, validation=list(generate_samples(20, seed=4)))
    for name, value in {
        "ROOT": tmp_path,
        "POOL": pool,
        "RESULTS": tmp_path / "artifacts" / "compare",
        "FULL": Recipe(MIXTURE, cnn=TINY, mlp=TINY),
        "EPOCHS": {"cnn": 2, "mlp": 2},
        "LONG_EPOCHS": {"cnn": 3, "mlp": 3},
        "load_mnist": lambda: mnist,
        "load_pen": lambda: pen,
    }.items():
        monkeypatch.setattr(compare, name, value)
    return tmp_path / "docs"


@pytest.mark.parametrize("network", ["cnn", "mlp"])
def test_the_variants_train_with_every_seed_and_have_their_rows(
    docs: Path, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What changes the mixture or the distortion is the same for both networks, and the CNN takes its time.
    variants = [v for v in VARIANTS if network in v.networks and (network == "mlp" or (v.patched and not v.strength))]
    monkeypatch.setattr(compare, "VARIANTS", variants)
    assert compare.main([network]) == 0
    changed = [variant.changed for variant in variants]
    page = (docs / "training.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and "changed" not in line]
    assert [row[0].removeprefix("| ") for row in rows] == changed
    assert all(0 <= float(cell.split(" ± ")[0]) <= 100 for row in rows for cell in row[1:3])
    assert len(set(changed)) == len(changed)


def test_what_was_measured_is_not_measured_again_until_the_pool_is_another(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []  # seeds

    def measure(network: str, recipe: Training, variant: Variant, seed: int, *_: object) -> dict[str, float]:
        calls.append(seed)
        return {"mnist": 0.99 + 0.001 * seed, "pen": 0.98}

    monkeypatch.setattr(compare, "train_variant", measure)
    only = ["mlp", "--grep", "no dropout"]
    compare.main(only)
    assert calls == [1, 2]
    assert "| no dropout | 0.85 ± 0.07 | 2.00 ± 0.00 | 2 |" in (docs / "training.md").read_text()
    compare.main(only)
    assert calls == [1, 2]
    compare.main([*only, "--long"])
    assert calls == [1, 2, 1, 2]
    (compare.POOL / "run.json").write_text("{}")
    compare.main(only)
    assert calls == [1, 2, 1, 2, 1, 2]


def test_a_variant_changes_what_it_names(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[torch.Tensor, torch.Tensor]] = []

    def look(training: Training, loader: compare.Loader, *_: object) -> None:
        assert training == replace(TINY, epochs=2, ema=compare.EMA)
        shown.append(tuple(loader(0).dataset[:]))  # type: ignore[operator, index]
        raise KeyboardInterrupt

    monkeypatch.setattr("train.mlp.train_mlp", look)
    named = {variant.changed: variant for variant in VARIANTS}
    for change in (
        "nothing: the recipe itself",
        "no distortion, only scanned anew",
        "no pen digits",
        "nothing that is no digit",
    ):
        with pytest.raises(KeyboardInterrupt):
            compare.main(["mlp", "--grep", named[change].changed])
    (images, targets), (still, _), (no_pen, _), (_, digits) = shown
    pool = read_round(compare.POOL, 1)
    assert (images[:, 0] * 255).round().byte().numpy().tobytes() == pool.images.tobytes()
    assert targets.argmax(1).tolist() == pool.labels.tolist()
    ink = [part[:128].flatten(1).sum(1) for part in (images, still, torch.from_numpy(PICTURES.images) / 255)]
    assert (ink[1] - ink[2]).abs().mean() < (ink[0] - ink[2]).abs().mean() / 2
    assert len(no_pen) == len(images) - 2 * len(PEN)
    assert (digits.argmax(1) != NOT_A_DIGIT).all()
    assert len(digits) == len(images) - 40
