"""Every command and every Python example on our pages does what the page says.

`digitpad` commands and Python are run. What make would run is listed by make itself, and its options are checked by the
programs that get them, which their own tests run. The commands that install the wheel are run in test_packaging.py.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitpad.pad.demo_strokes import demo_samples
from digitpad.stroke_files import Sample, write_samples
from tests.conftest import PAGES, ROOT, draw_seven

# What is not run, by its first word, and why.
ELSEWHERE = {
    "uvx": "run by test_packaging.py",
    "pipx": "run by test_packaging.py",
    "pip": "test_packaging.py and CI install the wheel with pip",
    "tar": "test_bundle.py unpacks the archive",
    "sh": "test_bundle.py installs it",
    "python": "test_examples.py runs the examples",
    "sudo": "changes the system",
    "mkdir": "changes the desktop",
    "cp": "changes the desktop",
}

OURS = ("digitpad", "train", "export", "evaluate", "bench", "deploy", "tests")
# Runs each program until it has read its options. In one process, as they have most imports in common.
READ_OPTIONS = """
import argparse, json, runpy, sys

read = argparse.ArgumentParser.parse_known_args
depth = 0

def read_and_stop(parser, *arguments):
    global depth
    depth += 1  # the parser of a verb is called by the one of the command
    options, rest = read(parser, *arguments)
    depth -= 1
    if depth:
        return options, rest
    unknown = [word for word in rest if word.startswith("--")]
    raise SystemExit(f"{sys.argv}: {unknown}" if unknown else 0)

argparse.ArgumentParser.parse_known_args = read_and_stop
calls = json.loads(sys.argv[1])
for module, *words in calls:
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        if stop.code:
            print(stop.code, sys.argv, file=sys.stderr)
            raise
print(len(calls), "understood")
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def lines(page: Path) -> Iterator[str]:
    """The commands in the page's blocks, one a line, without the comments."""
    for block in blocks(page, "bash"):
        for line in block.splitlines():
            if command := re.split(r"(?:^| )#", line)[0].strip():
                yield command


def inline(page: Path) -> list[str]:
    """The commands in the page's text, between backticks."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(command.split()) for command in re.findall(r"`([^`]+)`", text)]


IN_BLOCKS = list(dict.fromkeys(line for page in PAGES for line in lines(page)))
INLINE = list(dict.fromkeys(command for page in PAGES for command in inline(page)))
MAKE = list(dict.fromkeys(command for command in (*IN_BLOCKS, *INLINE) if command.startswith("make ")))


def digitpad_commands(commands: list[str]) -> list[str]:
    """Those that call digitpad, also from a bundle's or an environment's folder."""
    named = [re.sub(r"(^|\s)(?:/opt/digitpad/|\.venv/bin/)digitpad\b", r"\1digitpad", command) for command in commands]
    return [command for command in dict.fromkeys(named) if re.match(r"(?:\w+=\S+ )*digitpad(?: |$)", command)]


def opens_the_pad(command: str) -> bool:
    return not re.search(r"digitpad (?!pad\b)", command)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the examples name, and the command digitpad in bin/."""
    (seven,) = (sample for sample in demo_samples() if sample.label == "7")
    write_samples(tmp_path / "strokes.json", [Sample(seven.strokes)])
    (tmp_path / "amounts").mkdir()
    for name in ("seven.png", "photo.jpg", "amount.png", "amounts/amount.png"):
        draw_seven(tmp_path / name)
    launcher = tmp_path / "bin" / "digitpad"
    launcher.parent.mkdir()
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m digitpad "$@"\n')
    launcher.chmod(0o755)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    path = os.pathsep.join([str(folder / "bin"), clean["PATH"]])
    environment = clean | {"PATH": path, "PYTHONPATH": str(ROOT / "runtime"), "SDL_VIDEODRIVER": "dummy"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_the_readme_opens_with_the_two_commands() -> None:
    assert list(lines(ROOT / "README.md"))[:2] == ["make pad", "make test"]


def test_every_command_is_tried_here_or_said_to_be_tried_elsewhere() -> None:
    left = [line for line in IN_BLOCKS if line not in MAKE and not digitpad_commands([line])]
    assert {line.split()[0] for line in left} == set(ELSEWHERE), left


@pytest.mark.parametrize("command", [c for c in digitpad_commands(IN_BLOCKS) if not opens_the_pad(c)])
def test_every_digitpad_command_works(folder: Path, command: str) -> None:
    result = run(folder, "sh", "-c", command)
    assert result.returncode == 0, result.stderr
    if "predict" in command:
        assert re.search(r": 7 \(9|,digit,7,|\"digit\": 7,", result.stdout), result.stdout


def understood(calls: list[list[str]]) -> None:
    """Assert that our programs know the options they are called with."""
    calls = list({tuple(call): call for call in calls}.values())
    # -X dev, without which digitpad would end this process.
    done = run(ROOT, sys.executable, "-X", "dev", "-c", READ_OPTIONS, json.dumps(calls))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{len(calls)} understood"


def test_every_command_that_opens_the_pad_is_understood() -> None:
    calls = [shlex.split(command) for command in digitpad_commands([*IN_BLOCKS, *INLINE]) if opens_the_pad(command)]
    assert len(calls) > 5
    understood([call[call.index("digitpad") :] for call in calls])


def test_every_verb_and_option_of_digitpad_that_a_text_names_is_known(folder: Path) -> None:
    for command in digitpad_commands(INLINE):
        verb, *words = command.split()[1:] or ["pad"]
        shown = run(folder, "digitpad", *([] if verb.startswith("-") else [verb]), "--help")
        assert shown.returncode == 0, command
        options = [word for word in (verb, *words) if word.startswith("-")]
        assert [option for option in options if option not in shown.stdout] == [], command


def called_by_make(command: str) -> list[list[str]]:
    """Our own programs that a make command would run: a module and its arguments each."""
    listed = run(ROOT, "make", "--dry-run", *shlex.split(command)[1:])
    assert listed.returncode == 0 or command == "make predict", f"{command}: {listed.stderr}"  # asks for FILE=
    recipe = listed.stdout.replace("\\\n", " ")
    calls = re.findall(r"\.venv\S*/bin/(?:python -m )?((?:digitpad|[a-z]+)\b[\w.]*)(.*)", recipe)
    return [[module, *shlex.split(words)] for module, words in calls if module.split(".")[0] in OURS]


def test_every_make_command_has_its_target_and_runs_programs_that_know_their_options() -> None:
    calls = {command: called_by_make(command) for command in MAKE if "vit" not in command}  # a network of the reader's
    assert len([command for command, called in calls.items() if called]) > 20
    understood([call for called in calls.values() for call in called])


def test_every_variable_of_make_that_is_named_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {word.partition("=")[0] for command in MAKE for word in command.split() if "=" in word}
    assert named >= {"MODEL", "FILE", "RECIPE", "EXTRA", "OUT"}
    assert [name for name in named if f"$({name})" not in makefile and name != "TORCH_INDEX"] == []


def test_every_module_that_is_run_is_there() -> None:
    named = {module for command in INLINE for module in re.findall(r"python (?:-X dev )?-m ([\w.]+)", command)}
    assert named
    for module in named - {"digitpad"}:
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


@pytest.mark.parametrize(
    "example",
    [block for page in PAGES for block in blocks(page, "python")],
    ids=lambda text: text.splitlines()[-1][:40],
)
def test_every_python_example_works(folder: Path, example: str) -> None:
    result = run(folder, sys.executable, "-c", example)
    assert result.returncode == 0 and not result.stderr, result.stderr
    told = re.findall(r"^ *print\(.*\)  # (.*)", example, re.MULTILINE)
    for line, comment in zip(result.stdout.splitlines(), told, strict=False):
        if not comment.startswith("one line"):
            assert line.startswith(comment.removesuffix("...")), result.stdout
    if "no such file.png" in example:
        assert "no such file.png" in result.stdout.splitlines()[-1]
