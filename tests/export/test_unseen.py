"""Networks that never saw pen digits of people: trained on the rest of a pool, and written as model files."""

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from digitpad import Recognizer
from evaluate import comparison
from export import unseen
from train.pool import Known, fill_pool
from train.recipes import Mixture, Recipe, Training
from train.synthetic.generate import generate_digits, generate_samples
from train.training import Lesson, fit

MIXTURE = Mixture(
    rounds=1, undistorted=16, pen=20, generated=20, outliers=20, letters=20, neighbours=6, leavings=6, corrupted=0.5
)


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pool of few digits, in the place of the full recipe's."""
    pictures, pool = generate_digits(64, seed=1), tmp_path / "pool"
    pool.mkdir()
    pen, uji, letters = (list(generate_samples(10, seed=seed)) for seed in range(2, 5))
    fill_pool(pool, MIXTURE, Known(pictures, {"pen": pen, "uji": uji}, {"uji_letters": letters}))
    (pool / "run.json").write_text(json.dumps({"mixture": asdict(MIXTURE)}))
    tiny = Training(epochs=1, batch_size=16, learning_rate=0.1)
    monkeypatch.setattr(comparison, "FULL", Recipe(MIXTURE, {"cnn": tiny, "mlp": tiny}))
    monkeypatch.setattr(comparison, "EPOCHS_OF_OTHERS", 1)
    for module in (comparison, unseen):
        monkeypatch.setattr(module, "POOL", pool)
    for name, value in {"RUNS": tmp_path / "runs", "UNSEEN": tmp_path / "unseen"}.items():
        monkeypatch.setattr(unseen, name, value)
    monkeypatch.setattr(unseen, "load_mnist", lambda: SimpleNamespace(validation=pictures))
    return pool


def test_what_people_drew_with_a_pen_is_left_out_and_the_rest_becomes_a_model_file(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[int] = []

    def look(name: str, training: Training, lessons: object, *more: object) -> object:
        lesson: Lesson = lessons(0)  # type: ignore[operator]
        shown.append(len(lesson[1]))
        return fit(name, training, lessons, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(comparison, "fit", look)
    assert unseen.main(["mlp"]) == 0
    everything = 64 + 16 + 20 + 20 + 20 + 20 + 6 + 6
    assert shown == [everything - 20 - 20], "neither pen digits nor letters"
    assert "mlp.onnx written" in capsys.readouterr().out
    recognizer = Recognizer(tmp_path / "unseen" / "mlp.onnx")
    assert recognizer.name == "mlp-unseen" and recognizer.features(generate_digits(2, seed=9).images).shape[0] == 2


def test_without_a_pool_one_line_says_how_to_make_it(pool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pool / "run.json").unlink()
    assert unseen.main(["mlp"]) == 1
    assert "make train RECIPE=full" in capsys.readouterr().err
