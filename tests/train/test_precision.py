"""Half precision where it is faster, and only there: laptops without bfloat16 train as fast as they can."""

from pathlib import Path

import pytest

from train import precision
from train.precision import precision_of_run


@pytest.fixture(autouse=True)
def told_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step says how long it takes; one that takes for ever cannot be done."""

    def seconds_of(step: float) -> float:
        if step == float("inf"):
            raise RuntimeError("the processor has no such instruction")
        return step

    monkeypatch.setattr(precision, "seconds_of", seconds_of)


@pytest.mark.parametrize(("bfloat16", "chosen"), [(0.02, "bfloat16"), (0.3, "float32"), (float("inf"), "float32")])
def test_a_network_trains_in_the_precision_that_is_faster_here_and_says_so(
    bfloat16: float, chosen: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = {"float32": 0.04, "bfloat16": bfloat16}
    assert precision_of_run("cnn", tmp_path, steps.__getitem__) == chosen  # type: ignore[arg-type]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"cnn: trains in {chosen}")


def test_a_run_goes_on_in_the_precision_it_began_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin, later = {"float32": 0.04, "bfloat16": 0.02}, {"float32": 0.02, "bfloat16": 0.04}
    assert precision_of_run("mlp", tmp_path, begin.__getitem__) == "bfloat16"  # type: ignore[arg-type]
    capsys.readouterr()
    assert precision_of_run("mlp", tmp_path, later.__getitem__) == "bfloat16"  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""
