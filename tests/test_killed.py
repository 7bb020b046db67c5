"""Downloads, the pad, export, bundle and training, killed at any moment while they write, leave every file whole.

Some sixty kills; `make test-long` does many more.
"""

import json
import multiprocessing
import os
from pathlib import Path

import pytest

if not hasattr(os, "fork"):
    pytest.skip("Windows has neither fork nor SIGKILL", allow_module_level=True)

from digitpad.pad.demo_strokes import demo_samples
from digitpad.pad.drawing import Drawing
from digitpad.pad.saving import save_drawing
from digitpad.stroke_files import read_samples
from tests.killing import KINDS, Row, campaign, damage, page
from train.command import prepare_folder


@pytest.mark.parametrize(
    ("kind", "kills"),
    [("download", 16), ("pad", 18), ("manifest", 14), ("bundle", 10), ("train-mlp", 1), ("export-mlp", 1)],
)
def test_a_kill_leaves_every_file_whole_and_the_next_run_succeeds(kind: str, kills: int) -> None:
    row = campaign(kind, kills)
    assert row.problems == []
    assert row.kills >= kills
    assert kills == 1 or row.files > 0


def test_damage_is_seen(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"models": {"cnn": {"count": 2}}}))
    (tmp_path / ".manifest.json.abcdefgh").write_text("{")
    assert damage(tmp_path, {"manifest.json": 2}, complete=True) == []
    assert damage(tmp_path, {"manifest.json": 3}, complete=True) == ["manifest.json held 3 and now 2"]
    for name in ("drawing-0001.json", "drawing-0001.png", "last.pt", "round_00.npz", "a.tar.gz", "cnn.onnx", "strange"):
        (tmp_path / name).write_bytes(b"")
        (problem,) = damage(tmp_path, {}, complete=False)
        assert problem.startswith(f"{name} is damaged")
        (tmp_path / name).unlink()
    assert damage(tmp_path, {"drawing-0001.png": 1}, complete=False) == ["drawing-0001.png held 1 and now is gone"]


def test_the_page_tells_what_was_found() -> None:
    text = page([Row("pad", 300, 150, 1_200, 31), Row("bundle", 20, 8, 30, 9, ["bundle, kill 7: x is damaged"])])
    assert text.startswith("# Killed at any moment\n")
    assert "320 processes were killed" in text
    assert f"| {KINDS['pad'][0]} | 300 | 150 | 1,200 | 0 | 31 |" in text
    assert f"| {KINDS['bundle'][0]} | 20 | 8 | 30 | 1 | 9 |" in text
    assert "bundle, kill 7: x is damaged" in text


def test_pads_that_save_at_the_same_time_overwrite_nothing(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    pads = [fork.Process(target=_save_ten_times, args=(tmp_path, digit)) for digit in range(4)]
    for pad in pads:
        pad.start()
    for pad in pads:
        pad.join()
    assert [pad.exitcode for pad in pads] == [0] * 4
    labels = [read_samples(path)[0].label for path in tmp_path.glob("drawing-*.json")]
    assert sorted(map(str, labels)) == sorted("0123" * 10)
    assert len(list(tmp_path.iterdir())) == 80


def _save_ten_times(folder: Path, digit: int) -> None:
    drawing = Drawing()
    drawing.open_strokes(demo_samples()[digit].strokes, str(digit))
    for _ in range(10):
        save_drawing(drawing, folder)


def test_a_disk_that_knows_no_links_overwrites_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*names: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # what a FAT file system answers

    monkeypatch.setattr(os, "link", none)
    _save_ten_times(tmp_path, 5)
    assert len(list(tmp_path.iterdir())) == 20
    monkeypatch.setattr("digitpad.pad.saving.re.match", lambda *_: None)  # as if nothing had been there a moment ago
    _save_ten_times(tmp_path, 6)
    assert sorted(str(read_samples(path)[0].label) for path in tmp_path.glob("*.json")) == ["5"] * 10 + ["6"] * 10
    assert len(list(tmp_path.iterdir())) == 40


def test_a_pool_that_was_being_removed_for_other_data_is_never_taken_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings used to go with the rest, at any time: what was left then passed for rounds of the new settings."""
    pool = tmp_path / "pool"
    prepare_folder(pool, {"data": "old"})
    rounds = [pool / f"round_{number:02}.npz" for number in range(5)]
    for path in rounds:
        path.write_bytes(b"old")
    removed = []

    def killed_at_the_third(path: Path, missing_ok: bool = False) -> None:
        removed.append(path)
        if len(removed) == 3:
            raise SystemExit("killed")
        os.unlink(path)  # noqa: PTH108

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Path, "unlink", killed_at_the_third)
        prepare_folder(pool, {"data": "new"})
    assert len(removed) == 3 and any(path.exists() for path in rounds)
    prepare_folder(pool, {"data": "new"})
    assert [path.name for path in pool.iterdir()] == ["run.json"]
