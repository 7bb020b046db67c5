"""How the row reader learns: it goes on where it was stopped, and says how sure it is."""

from pathlib import Path

import numpy as np
import pytest
import torch

from digitpad.image.rows import HEIGHT, NOTHING
from train import recipes, row_reader
from train.__main__ import parse
from train.row_reader import CLASSES, Cycle, Recipe, RowReader, ctc_loss, exact, fit, fit_temperature, train
from train.rows import Hands, Rows, make_rows, write_rows
from train.synthetic.generate import generate_digits

RECIPE = Recipe((Cycle(1, 1, 0.002), Cycle(1, 1, 0.001)), rows=24, rounds_an_epoch=1, pixels=600)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return make_rows(Hands(generate_digits(40, seed=1), [], [], []), 24, (1,))


@pytest.fixture
def run(rows: Rows, tmp_path: Path) -> Path:
    (tmp_path / "pool").mkdir()
    for number in range(2):
        write_rows(tmp_path / "pool" / f"{number:03}.npz", rows)
    return tmp_path


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(run: Path, rows: Rows) -> None:
    # The learning rate depends on how many epochs there will be: stopped after the first of two.
    class StoppedError(Exception):
        pass

    def stop(*_: object) -> float:
        raise StoppedError

    straight = fit(RECIPE, run, rows[:3]).state_dict()
    (run / "checkpoint.pt").unlink()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(StoppedError):
        patch.setattr("train.row_reader.exact", stop)  # which is asked when an epoch has been kept
        fit(RECIPE, run, rows[:3])
    assert (run / "checkpoint.pt").exists()
    resumed = fit(RECIPE, run, rows[:3]).state_dict()
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_it_has_a_recipe_of_every_name_and_refuses_what_it_cannot_learn_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert row_reader.RECIPES.keys() == recipes.RECIPES.keys()
    for other in (["--synthetic"], ["--extra", "mine.json"]):
        with pytest.raises(SystemExit, match="2"):
            parse(["--only", "rows", *other])
        assert "leave out --synthetic and --extra" in capsys.readouterr().err.splitlines()[-1]


def test_another_recipe_starts_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hands(*_: object, **__: object) -> Hands:
        return Hands(generate_digits(40, seed=1), [], [], [])

    def fitted(recipe: Recipe, run: Path, _: Rows) -> RowReader:
        found.append(sorted(path.name for path in run.iterdir()))
        (run / "checkpoint.pt").touch()
        return RowReader().eval()

    found: list[list[str]] = []
    monkeypatch.setattr("train.row_reader.load_hands", hands)
    monkeypatch.setattr("train.row_reader.make_rows", lambda *_: [(np.zeros((HEIGHT, 32), np.uint8), [1])])
    monkeypatch.setattr("train.row_reader.fit", fitted)
    once, twice = (Recipe((Cycle(epochs, 0, 0.002),)) for epochs in (1, 2))
    for recipe in (once, once, twice):
        train(recipe, None, tmp_path)
    assert ["checkpoint.pt" in names for names in found] == [False, True, False]


def test_it_learns_a_few_rows_by_heart(rows: Rows) -> None:
    torch.manual_seed(1)
    model = RowReader()
    same = [(row, text) for row, text in rows if row.shape == rows[0][0].shape][:2]
    images, texts = torch.from_numpy(np.stack([row for row, _ in same])), [text for _, text in same]
    optimiser = torch.optim.Adam(model.parameters(), 0.003)
    first = ctc_loss(model(images), texts).item()
    for _ in range(40):
        optimiser.zero_grad()
        loss = ctc_loss(model(images), texts)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.3 * first


class Certain(torch.nn.Module):
    """Reads a seven in any row, with logits so large."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(rows), 1, CLASSES)
        logits[:, :, 7] = self.logit
        return logits


def test_the_temperature_makes_it_as_sure_as_it_is_right() -> None:
    row = np.zeros((HEIGHT, 32), np.uint8)
    rows = [(row, [7])] * 7 + [(row, [1])] * 3
    cool, warm = (fit_temperature(Certain(logit), rows) for logit in (3.0, 6.0))
    assert warm == pytest.approx(2 * cool, rel=0.06)
    assert exact(Certain(3.0), rows) == 0.7


def test_places_are_two_pixels_wide_and_nothing_is_the_last_class() -> None:
    with torch.inference_mode():
        logits = RowReader().eval()(torch.zeros(2, HEIGHT, 72, dtype=torch.uint8))
    assert logits.shape == (2, 36, NOTHING + 1)
