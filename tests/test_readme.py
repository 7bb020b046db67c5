"""The README's commands do what it says: each make target exists, each digitpad command and the Python run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitpad.mnist_form import render_strokes
from digitpad.pad.demo_strokes import demo_samples
from digitpad.stroke_files import Sample, write_samples

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(program: str) -> list[str]:
    lines = [line.partition("#")[0].strip() for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line.split()[:1] == [program]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the README's examples name."""
    seven = demo_samples()[7]
    paper = 255 - np.pad(render_strokes(seven.strokes), 20)
    Image.fromarray(paper).resize((400, 400)).save(tmp_path / "seven.png")
    write_samples(tmp_path / "strokes.json", [Sample(seven.strokes)])
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "runtime"), "SDL_VIDEODRIVER": "dummy"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_the_readme_opens_with_the_two_commands() -> None:
    first = blocks("bash")[0].splitlines()
    assert [line.partition("#")[0].strip() for line in first] == ["make pad", "make test"]


def test_every_make_command_names_a_target_and_known_variables() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, flags=re.MULTILINE))
    inline = re.findall(r"`(make [^`]+)`", README)
    assert len(commands("make")) >= 7
    for command in (*commands("make"), *inline):
        for word in command.split()[1:]:
            name, equals, _ = word.partition("=")
            if equals:
                known = f"$({name})" in makefile or name == "TORCH_INDEX"
                assert known, f"{command}: the Makefile knows no {name}"
            else:
                assert name in targets, f"{command}: no such target"


@pytest.mark.parametrize("command", commands("digitpad"))
def test_every_digitpad_command_works(folder: Path, command: str) -> None:
    result = run(folder, sys.executable, "-m", *command.split())
    assert result.returncode == 0, result.stderr
    if "predict" in command:
        assert re.search(r": 7 \(9|,digit,7,|\"digit\": 7,", result.stdout), result.stdout


def test_the_python_example_works(folder: Path) -> None:
    (example,) = blocks("python")
    result = run(folder, sys.executable, "-c", example)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("digit 7 0.9")
    assert lines[1] == "7"
    assert "no such file.png" in lines[2]
