"""Nothing half-written: a full disk or an unwritable folder is one clear line, and the old file stays."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from digitpad import DigitPadError
from digitpad.files import write_whole
from digitpad.mnist_form import clean_strokes
from digitpad.stroke_files import Sample, write_samples

# A process in which no file may grow past 4 kB: to it the disk is full there.
LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from digitpad.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"old")
    write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path, full_disk: Callable[[], None]) -> None:
    write_whole(tmp_path / "file", b"old")
    full_disk()
    with pytest.raises(DigitPadError, match=r"file: cannot be written \(No space left on device\); free some space"):
        write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_a_file_keeps_who_may_read_it_and_a_link_leads_where_it_led(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        write_whole(tmp_path / "new", b"1")
    finally:
        os.umask(old)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    (tmp_path / "new").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "new")
    write_whole(tmp_path / "link", b"2")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new").read_bytes() == b"2"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "new"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DigitPadError, match=r"nowhere.*: cannot be written"):
        write_samples(tmp_path / "nowhere" / "drawing.json", [Sample(clean_strokes([[(0, 0), (1, 1)]]))])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of the file size")
def test_the_demo_on_a_full_disk_ends_in_one_line_and_keeps_the_old_pictures(tmp_path: Path) -> None:
    pytest.importorskip("pygame")
    (tmp_path / "blank_tool.png").write_bytes(b"the old picture")
    command = [sys.executable, "-c", LIMITED, "demo", "--out", str(tmp_path)]
    path = os.pathsep.join(p for p in sys.path if p)
    result = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "blank_tool.png" in result.stderr
    assert "space" in result.stderr
    assert (tmp_path / "blank_tool.png").read_bytes() == b"the old picture"
    assert [entry.name for entry in tmp_path.rglob("*") if entry.is_file()] == ["blank_tool.png"]
