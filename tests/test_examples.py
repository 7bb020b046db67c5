"""The programs in examples/ do what they say."""

import csv
import importlib.util
from pathlib import Path

import pytest

from digitpad import Recognizer
from tests.conftest import ROOT, draw_seven, python

EXAMPLES = ROOT / "examples"


def test_numbers_are_read_from_strokes_and_pictures(tmp_path: Path) -> None:
    draw_seven(tmp_path / "seven.png")
    done = python(EXAMPLES / "read_numbers.py", tmp_path / "seven.png", tmp_path / "missing.png")
    assert (done.returncode, done.stderr) == (0, "")
    strokes, four, two, seven, place, missing = done.stdout.splitlines()
    assert strokes.startswith("strokes: 42 (")
    assert four.startswith("  4 (") and four.endswith(", from (12, 10) to (55, 90)")
    assert two.startswith("  2 (") and two.endswith(", from (78, 12) to (120, 88)")
    assert seven.startswith(f"{tmp_path / 'seven.png'}: 7 (") and place.startswith("  7 (")
    assert missing.startswith(f"{tmp_path / 'missing.png'}: cannot be read")


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="Dask's distributed is not installed")
@pytest.mark.parametrize("where", ["here", "on a cluster"])
def test_with_dask_each_picture_has_its_row_in_order_and_a_bad_one_only_its_own(where: str, tmp_path: Path) -> None:
    from distributed import LocalCluster

    names = [f"{number:03}.png" for number in range(20)]  # more than are sent at once
    draw_seven(tmp_path / names[0])
    for name in names[1:]:
        (tmp_path / name).write_bytes((tmp_path / names[0]).read_bytes())
    (tmp_path / names[1]).write_bytes(b"not a picture")
    (tmp_path / names[2]).unlink()
    (tmp_path / names[2]).symlink_to("nowhere.png")
    if where == "here":
        done = python(EXAMPLES / "read_with_dask.py", tmp_path)
    else:
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            assert len({worker.pid for worker in cluster.workers.values()}) == 2
            done = python(EXAMPLES / "read_with_dask.py", tmp_path, cluster.scheduler_address)
    assert done.returncode == 0, done.stderr  # as they end, Dask's workers may complain that the others have ended
    header, first, bad, missing, *rest = csv.reader(done.stdout.splitlines())
    confidence = Recognizer("cnn").read(tmp_path / names[0]).confidence
    assert header == ["file", "status", "text", "confidence"]
    assert first == [names[0], "number", "7", str(round(confidence, 4))]
    assert bad[:2] == [names[1], "error"] and "not an image that can be read" in bad[2]
    assert missing[:2] == [names[2], "error"] and "No such file" in missing[2]
    assert rest == [[name, *first[1:]] for name in names[3:]]
