"""The row reader's file: small, the network's own answers, and nothing half-written."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from digitpad.image.rows import HEIGHT
from export.__main__ import main
from export.manifest import row_reader
from export.rows import to_onnx
from train.row_reader import RowReader


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights that have learned nothing, in the folder of that name."""
    (folder := tmp_path / "weights").mkdir()
    torch.manual_seed(1)
    torch.save(RowReader().state_dict(), buffer := io.BytesIO())
    (folder / "rows.pt").write_bytes(buffer.getvalue())
    facts = {"sha256": hashlib.sha256(buffer.getvalue()).hexdigest(), "temperature": 2.0, "validation": 0.1}
    (folder / "rows.json").write_text(json.dumps(facts))
    return folder


def test_the_file_answers_for_rows_of_any_width_and_number(weights: Path, tmp_path: Path) -> None:
    assert main(["--only", "rows", "--out", str(tmp_path)]) == 0
    entry = row_reader(tmp_path)
    content = (tmp_path / entry["file"]).read_bytes()
    assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert len(content) <= 300_000
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for shape in ((1, HEIGHT, 8), (3, HEIGHT, 640)):
        (found,) = session.run(None, {"rows": np.full(shape, 128, np.uint8)})
        assert found.shape == (shape[0], shape[2] // 2, 12)
        assert np.exp(found).sum(axis=2) == pytest.approx(1, abs=1e-5)


def test_the_temperature_is_in_the_file() -> None:
    torch.manual_seed(1)
    rows = np.random.default_rng(1).integers(0, 256, (1, HEIGHT, 64), np.uint8)
    sure = []
    for temperature in (0.1, 10.0):
        content = to_onnx(RowReader().eval(), temperature)
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        sure.append(float(session.run(None, {"rows": rows})[0].max()))
    assert sure[0] > sure[1]


@pytest.mark.parametrize("wrong", ["missing", "others"])
def test_weights_that_are_not_there_or_not_those_of_the_facts_are_told(
    wrong: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if wrong == "missing":
        (weights / "rows.json").unlink()
    else:
        (weights / "rows.pt").write_bytes(b"other")
    assert main(["--only", "rows", "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"export: {weights / 'rows.pt'}: ") and "make train ONLY=rows" in line
    assert list(tmp_path.iterdir()) == [weights]
