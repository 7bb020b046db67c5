"""The digitpad command: what each verb prints, how it ends, and that no traceback is ever shown."""

import base64
import contextlib
import csv
import gzip
import importlib
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitpad import Recognizer, __version__, cli
from digitpad.stroke_files import Sample, write_samples
from tests.runtime.conftest import DATA, TINY, Points, Run, hear_ctrl_c, users_environment

posix = pytest.mark.skipif(os.name != "posix", reason="only POSIX systems have it")


def only_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line on standard error."""
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def several(tmp_path: Path, seven: Points) -> Path:
    """A stroke file with a seven, a blank and a seven again."""
    path = tmp_path / "several.json.gz"
    strokes = [np.array(points, np.float64) for points in seven]
    write_samples(path, [Sample(strokes, "7"), Sample([]), Sample(strokes)])
    return path


@pytest.fixture
def picture(tmp_path: Path, seven: Points) -> Path:
    """An image in the model's form."""
    from PIL import Image

    from digitpad.mnist_form import render_strokes

    path = tmp_path / "seven.png"
    Image.fromarray(render_strokes(seven)).save(path)
    return path


# What is printed


def test_a_hand_is_heeded_by_predict_and_read_when_asked_for(
    stroke_file: Path, tmp_path: Path, seven: Points, capsys: pytest.CaptureFixture[str]
) -> None:
    hand = tmp_path / "mine.json"
    write_samples(hand, [Sample([np.array(points, np.float64) for points in seven], "3")])
    for verb in ("predict", "read"):
        for asked, digit in (([], "7"), (["--hand", str(hand)], "3")):
            assert cli.main([verb, str(stroke_file), *asked]) == 0
            assert capsys.readouterr().out.startswith(f"{stroke_file}: {digit} (")
    for wrong, said in ((str(tmp_path / "none.json"), "no such file"), (str(stroke_file.parent), "cannot be read")):
        assert cli.main(["predict", str(stroke_file), "--hand", wrong]) == 1
        done = capsys.readouterr()
        assert done.out == "" and said in done.err and wrong in done.err
    assert (
        cli.main(["predict", str(stroke_file), "--hand", str(hand), "--model", str(DATA / "first_contract.onnx")]) == 1
    )
    assert "cannot learn" in capsys.readouterr().err


def test_text_is_one_readable_line_per_input(several: Path, seven: Points, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", str(several), "--model", TINY]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    prediction = Recognizer(TINY).predict_strokes(seven)
    assert first == f"{several}#1: {prediction.digit} ({100 * prediction.confidence:.1f} %)"
    assert second == f"{several}#2: blank"
    assert third == first.replace("#1", "#3")


@pytest.mark.parametrize(("model", "words"), [("always_unsure", "unsure, perhaps "), ("never_a_digit", "not a digit")])
def test_text_says_so_when_there_is_no_sure_digit(
    model: str, words: str, stroke_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["predict", str(stroke_file), "--model", str(DATA / f"{model}.onnx")]) == 0
    assert capsys.readouterr().out.startswith(f"{stroke_file}: {words}")


def test_json_is_one_object_per_line_with_the_documented_keys(
    several: Path, stroke_file: Path, seven: Points, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["predict", str(several), str(stroke_file), "--model", TINY, "--format", "json"]) == 0
    results = [json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().out.splitlines()]
    keys = ["file", "model", "status", "digit", "confidence", "probabilities", "ood_score"]
    assert [list(result) for result in results] == [keys] * 4
    assert [result["file"] for result in results] == [f"{several}#{n}" for n in (1, 2, 3)] + [str(stroke_file)]
    expected = Recognizer(TINY).predict_strokes(seven)
    for result in (results[0], results[3]):
        assert (result["model"], result["status"], result["digit"]) == ("tiny", "digit", expected.digit)
        assert result["confidence"] == max(result["probabilities"])
        # Every float32 is printed with all its digits.
        assert np.array_equal(np.array(result["probabilities"], np.float32), expected.probabilities)
        assert np.float32(result["ood_score"]) == np.float32(expected.ood_score)
    blank = {"status": "blank", "digit": None, "confidence": 0.0, "probabilities": [0.1] * 10, "ood_score": None}
    assert results[1] == {"file": f"{several}#2", "model": "tiny", **blank}


def test_csv_has_a_header_and_the_documented_columns(
    several: Path, seven: Points, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["predict", str(several), "--model", TINY, "--format", "csv"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("file,model,status,digit,confidence,ood_score,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9\n")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["status"] for row in rows] == ["digit", "blank", "digit"]
    p = Recognizer(TINY).predict_strokes(seven)
    assert rows[0]["digit"] == str(p.digit)
    assert [np.float32(rows[0][f"p{n}"]) for n in range(10)] == p.probabilities.tolist()
    assert (rows[1]["digit"], rows[1]["confidence"], rows[1]["ood_score"], rows[1]["p0"]) == ("", "0.0", "", "0.1")


def test_both_models_answer_each_input_in_turn(installation: Path, several: Path, run: Run) -> None:
    done = run("predict", several, "--model", "both", "--format", "json", installation=installation)
    assert (done.returncode, done.stderr) == (0, "")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    expected = [(f"{several}#{n}", model) for n in (1, 2, 3) for model in ("cnn", "mlp")]
    assert [(result["file"], result["model"]) for result in results] == expected
    done = run("predict", several, "--model", "both", installation=installation)
    assert [line.split(": ")[:2] for line in done.stdout.splitlines()] == [list(pair) for pair in expected]


def test_without_a_model_the_cnn_answers(installation: Path, stroke_file: Path, run: Run) -> None:
    done = run("predict", stroke_file, "--format", "json", installation=installation)
    assert json.loads(done.stdout)["model"] == "cnn"
    done = run("predict", "--model", "mlp", stroke_file, "--format=json", installation=installation)
    assert json.loads(done.stdout)["model"] == "mlp"


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.json", "--model", TINY, "a.json"),
        ("a.json", "--model", TINY, "--", "-b.json"),
        (f"--model={TINY}", "--", "a.json", "-b.json"),
        ("a.json", "--format=text", f"--model={TINY}", "--", "-b.json"),
        ("a.json", "--model", TINY, "-", "--", "-b.json"),
    ],
)
def test_files_may_stand_around_options_and_after_two_dashes_all_are_files(
    arguments: tuple[str, ...], stroke_file: Path, run: Run
) -> None:
    for name in ("a.json", "-b.json"):
        (stroke_file.parent / name).write_bytes(stroke_file.read_bytes())
    done = run("predict", *arguments, input=stroke_file.read_text())
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        a for a in arguments if "json" in a or a == "-"
    ]


# Inputs


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: b"\xef\xbb\xbf\n" + data, None])
def test_standard_input_takes_a_stroke_file_or_an_image(
    pack: Callable[[bytes], bytes] | None, stroke_file: Path, picture: Path, run: Run
) -> None:
    file = stroke_file if pack else picture
    data = pack(file.read_bytes()) if pack else file.read_bytes()
    done = run("predict", "-", "--model", TINY, "--format", "json", input=data, encoding=None)
    assert (done.returncode, done.stderr) == (0, b"")
    by_name = run("predict", file, "--model", TINY, "--format", "json")
    assert json.loads(done.stdout) == json.loads(by_name.stdout) | {"file": "-"}


def test_an_input_that_fails_is_told_and_the_others_are_still_read(
    stroke_file: Path, picture: Path, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "empty.json").write_text('{"samples": []}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "text.png").write_text("no picture")
    names = ["none.png", stroke_file.name, "empty.json", "broken.json", "text.png", ".", picture.name]
    done = run("predict", *names, "--model", TINY)
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [stroke_file.name, picture.name]
    complaints = done.stderr.splitlines()
    bad = [name for name in names if name not in (stroke_file.name, picture.name)]
    assert [line.split(": ")[:2] for line in complaints] == [["digitpad", name] for name in bad]
    assert "holds no samples" in complaints[1]
    assert "not valid JSON" in complaints[2]


def test_a_bad_sample_costs_itself_and_keeps_its_number(several: Path, run: Run) -> None:
    content = json.loads(gzip.decompress(several.read_bytes()))
    content["samples"][1] = {"label": "7", "image": "no picture"}
    image = base64.b64encode(bytes(784)).decode()
    content["samples"].append({"label": "1984", "image": image})
    several.write_bytes(json.dumps(content).encode())
    done = run("predict", several, "--model", TINY)
    assert done.returncode == 1
    results = [line.split(": ")[0] for line in done.stdout.splitlines()]
    assert results == [f"{several}#{number}" for number in (1, 3, 4)]
    (complaint,) = done.stderr.splitlines()
    assert f"{several}: sample 2: " in complaint


def test_results_and_complaints_keep_their_order(stroke_file: Path, run: Run) -> None:
    names = ["none.json", str(stroke_file), "none.json"]
    one_pipe = {"capture_output": False, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = run("predict", *names, "--model", TINY, **one_pipe)
    assert [line.startswith("digitpad: ") for line in done.stdout.splitlines()] == [True, False, True]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON"),
        (b'{"samples": []}', "holds no samples"),
        (b"\x1f\x8b\x08", "the gzip data"),
        (b"no picture", ""),
    ],
)
def test_bad_standard_input_is_told(data: bytes, reason: str, run: Run) -> None:
    done = run("predict", "-", "--model", TINY, input=data, encoding=None)
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("digitpad: standard input: ")
    assert "-:" not in line
    assert reason in line


# Models that cannot be used


def test_an_unknown_model_name_is_wrong_usage(installation: Path, stroke_file: Path, run: Run) -> None:
    for arguments in (["predict", stroke_file], ["pad"]):
        done = run(*arguments, "--model", "lenet", installation=installation)
        assert (done.returncode, done.stdout) == (2, "")
        assert "no model lenet; choose cnn, mlp, both" in only_line(done)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("none.onnx", "none.onnx"),
        ("./none", "none"),
        (str(DATA / "other_contract.onnx"), "other_contract.onnx"),
        (str(DATA / "make_models.py"), "make_models.py"),
        (str(DATA / "fails_to_run.onnx"), "seven.json: tiny: the model fails to run"),
    ],
)
def test_a_model_that_cannot_be_used_is_told_in_one_line(model: str, told: str, stroke_file: Path, run: Run) -> None:
    done = run("predict", stroke_file, "--model", model)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in only_line(done)


# The other verbs


def test_version(run: Run) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"digitpad {__version__}\n", "")


@pytest.mark.parametrize("verb", [[], ["pad"], ["predict"], ["read"], ["models"], ["demo"], ["doctor"]])
def test_every_verb_has_help(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*verb, "--help"]) == 0
    assert " ".join(["usage: digitpad", *verb]) in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["paint"],
        ["--nonsense"],
        ["predict"],
        ["predict", "--model", "cnn"],
        ["predict", "a.png", "--format", "xml"],
        ["predict", "a.png", "--modl", "cnn"],
        ["predict", "a.png", "--mod", "cnn"],
        ["predict", "a.png", "--model", TINY, "--fast", "--", "a.png"],
        ["read"],
        ["read", "a.png", "--jobs", "0"],
        ["read", "a.png", "--jobs", "many"],
        ["read", "a.png", "--jobs", "257"],
        ["predict", "a.png", "--jobs", "2"],
        ["models", "cnn"],
        ["models", "--format", "csv"],
        ["demo"],
        ["doctor", "now"],
        ["pad", "a.json", "b.json"],
        ["pad", "--size", "large"],
        ["pad", "--size", "0x480"],
        ["pad", "--size", "800x"],
        ["pad", "--size", "-800x480"],
    ],
)
def test_wrong_usage_is_status_2_and_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("digitpad")
    assert "--help" in line
    assert "--fast" in line or "--fast" not in arguments


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {}),
        (["pad"], {}),
        (["pad", "seven.json"], {"file": Path("seven.json")}),
        (["pad", "--model", "both", "--live"], {"model": "both", "live": True}),
        (["pad", "--kiosk", "--fullscreen"], {"kiosk": True, "fullscreen": True}),
        (["pad", "--size", "800x480"], {"size": (800, 480)}),
        (["pad", "--hand", "mine.json"], {"hand": Path("mine.json")}),
        (["pad", "--size", "800X480", "x.png"], {"size": (800, 480), "file": Path("x.png")}),
    ],
)
def test_pad_hands_its_arguments_on(
    arguments: list[str], expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pygame")
    pad = importlib.import_module("digitpad.pad.loop")
    seen: dict[str, object] = {}
    monkeypatch.setattr(pad, "run_pad", lambda **more: seen.update(more) or 7)
    assert cli.main(arguments) == 7
    defaults = {"file": None, "model": None, "live": False, "fullscreen": False, "kiosk": False, "size": None}
    defaults |= {"hand": None}
    assert seen == defaults | expected


def test_the_pad_without_pygame_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    for module in ("digitpad.pad.loop", "digitpad.pad.sdl"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    assert cli.main(["pad"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("digitpad: the pad needs pygame, which is not installed: ")
    for way in ("pip install 'digitpad[pad]'", "pipx install --force 'WHEEL[pad]'", "uv tool install 'WHEEL[pad]'"):
        assert way in line


def test_models_are_listed_with_the_manifests_figures(installation: Path, run: Run) -> None:
    done = run("models", installation=installation)
    assert (done.returncode, done.stderr) == (0, "")
    size = (DATA / "named_cnn.onnx").stat().st_size
    table = [line.split() for line in done.stdout.splitlines()]
    assert table == [
        ["name", "file", "bytes", "parameters", "mnist_test"],
        ["cnn", "cnn.onnx", f"{size:,}", "160", "12.50", "%"],
        ["mlp", "mlp.onnx", f"{size:,}", "160", "12.50", "%"],
    ]
    done = run("models", "--format", "json", installation=installation)
    facts = {"bytes": size, "parameters": 160, "accuracy": {"mnist_test": 0.125}}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"name": "cnn", "file": "cnn.onnx", **facts},
        {"name": "mlp", "file": "mlp.onnx", **facts},
    ]


def test_the_shipped_models_are_each_listed_on_a_line_that_a_person_can_read(run: Run) -> None:
    lines = run("models", "--format", "json").stdout.splitlines()
    assert {json.loads(line)["name"] for line in lines} >= {"cnn", "mlp"}
    assert max(map(len, lines)) <= 250


@pytest.mark.parametrize("share", ["1" + "0" * 400, "-1", "1.5", "NaN", '"0.5"', "null"])
def test_an_accuracy_that_is_none_is_not_shown(share: str, installation: Path, tmp_path: Path, run: Run) -> None:
    changed = shutil.copytree(installation, tmp_path / "changed")
    manifest = changed / "digitpad" / "models" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("0.125", share, 1))
    done = run("models", installation=changed)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()[1:]
    assert first.endswith(" -")
    assert second.endswith(" 12.50 %")
    done = run("models", "--format", "json", installation=changed)
    assert [json.loads(line)["accuracy"] for line in done.stdout.splitlines()] == [{}, {"mnist_test": 0.125}]


def test_models_verify_tells_good_files_from_bad(installation: Path, tmp_path: Path, run: Run) -> None:
    done = run("models", "--verify", installation=installation)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["verified", "ok", "ok"]

    broken = shutil.copytree(installation, tmp_path / "broken")
    models = broken / "digitpad" / "models"
    (models / "mlp.onnx").write_bytes((models / "cnn.onnx").read_bytes())
    done = run("models", "--verify", installation=broken)
    assert done.returncode == 1
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["verified", "ok", "FAILED"]
    assert "mlp.onnx: its checksum is not the manifest's" in only_line(done)
    done = run("models", "--verify", "--format", "json", installation=broken)
    good, bad = (json.loads(line) for line in done.stdout.splitlines())
    assert (good["ok"], "problem" in good, bad["ok"]) == (True, False, False)
    assert done.stderr == f"digitpad: {bad['problem']}\n"

    manifest = json.loads((models / "manifest.json").read_text())
    manifest["models"]["mlp"]["sha256"] = manifest["models"]["cnn"]["sha256"]
    (models / "manifest.json").write_text(json.dumps(manifest))
    done = run("models", "--verify", installation=broken)
    assert done.returncode == 1
    assert "mlp: the file calls itself 'cnn'" in only_line(done)

    (models / "manifest.json").unlink()
    for arguments in (["models"], ["models", "--verify"], ["predict", "x.json"]):
        done = run(*arguments, installation=broken)
        assert (done.returncode, done.stdout) == (1, "")
        assert "manifest.json: cannot be read" in only_line(done)


# How it ends when things go wrong around it


@posix
@pytest.mark.parametrize("verb", ["predict", "predict --format json", "predict --format csv", "read --jobs 2"])
def test_a_reader_that_goes_away_is_no_news(verb: str, several: Path) -> None:
    command = [sys.executable, "-m", "digitpad", *verb.split(), *[several] * 300, "--model", TINY]
    environment = users_environment()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", [["predict", "seven.json", "--model", TINY], ["--help"], ["--version"], ["predict", "--help"]]
)
def test_a_full_disk_is_told_in_one_line(arguments: list[str], stroke_file: Path, run: Run) -> None:
    with open("/dev/full", "w") as full:
        done = run(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert only_line(done) == "digitpad: standard output: No space left on device"


@posix
def test_closed_standard_streams_are_survived(stroke_file: Path) -> None:
    environment = users_environment()
    command = f'"{sys.executable}" -m digitpad predict "{stroke_file}" none.json - --model "{TINY}" <&- '
    done = subprocess.run(command + "2>&-", shell=True, env=environment, capture_output=True, check=False)
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1)
    done = subprocess.run(command + ">&-", shell=True, env=environment, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


@posix
@pytest.mark.parametrize("many", [False, True])
def test_ctrl_c_ends_it_without_a_word_and_leaves_whole_lines(many: bool, stroke_file: Path) -> None:
    files = [str(stroke_file)] * 20_000 if many else [str(stroke_file), "-"]  # amid many, or as it waits for input
    command = [sys.executable, "-m", "digitpad", "predict", *files, "--model", TINY, "--format", "json"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = users_environment()
    with subprocess.Popen(command, env=environment, preexec_fn=hear_ctrl_c, **pipes) as process:
        watch = threading.Timer(60, process.kill)  # a result that is held back must fail the test, not hang it
        watch.start()
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        complaints, printed = (process.stderr.read(), b"") if not many else process.communicate()[::-1]
        watch.cancel()
    assert (process.returncode, complaints) == (130, b"")
    assert printed.endswith(b"\n") or not printed
    assert all(json.loads(line)["digit"] is not None for line in [first, *printed.splitlines()])
    assert len(printed.splitlines()) < 19_999  # it did not go on to the end


# Many files


def on_terminal(command: list[str], also_output: bool) -> "tuple[str, str]":
    """What a command prints on standard output, and on a terminal as its standard error."""
    import pty

    ours, theirs = pty.openpty()
    output = theirs if also_output else subprocess.PIPE
    process = subprocess.Popen(command, env=users_environment(), stdout=output, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux has no other way to say that the terminal's last user is gone
        while part := os.read(ours, 4096):
            shown += part
    printed = process.communicate()[0] or b""
    os.close(ours)
    return printed.decode(), shown.decode()


@posix
@pytest.mark.parametrize("verb", [["predict"], ["read", "--jobs", "2"]])
def test_progress_is_shown_on_a_terminal_unless_the_results_are(
    verb: list[str], stroke_file: Path, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing.json")
    files = [str(stroke_file), missing, str(stroke_file)]
    command = [sys.executable, "-m", "digitpad", *verb, *files, "--model", TINY]
    printed, shown = on_terminal(command, also_output=False)
    assert [line.split(":")[0] for line in printed.splitlines()] == [str(stroke_file)] * 2
    assert "0 of 3 files read" in shown
    on_screen = [part for line in shown.split("\n") if (part := line.rstrip("\r").split("\r")[-1].strip())]
    assert len(on_screen) == 1  # the bad file in the middle; nothing is left of the progress
    assert on_screen[0].startswith(f"digitpad: {missing}: ")

    _, shown = on_terminal(command, also_output=True)
    assert "files read" not in shown
    assert len(shown.splitlines()) == 3

    done = subprocess.run(command, env=users_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, printed)
    assert done.stderr == f"{on_screen[0]}\n"  # into a pipe or a file: the complaint and nothing else


@posix
def test_at_a_terminal_a_reader_that_has_enough_leaves_nothing_on_the_screen(stroke_file: Path) -> None:
    files = [str(stroke_file)] * 2000
    command = ["sh", "-c", '"$@" | head -n 1', "sh", sys.executable, "-m", "digitpad", "predict", *files]
    printed, shown = on_terminal([*command, "--model", TINY], also_output=False)
    assert printed.startswith(f"{stroke_file}: ")
    assert len(printed.splitlines()) == 1
    assert "0 of 2,000 files read" in shown
    assert "\n" not in shown
    assert shown.rstrip("\r").split("\r")[-1].strip() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("verb", ["predict", "read --jobs 2"])
def test_memory_does_not_grow_with_the_number_of_files(
    verb: str, stroke_file: Path, picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(picture.read_bytes()[:60])
    code = """
import os, sys
from digitpad.cli import main
def resident(): return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
verb, model, *files = sys.argv[1:]
main([*verb.split(), "--model", model, *files * 20])
before = resident()
main([*verb.split(), "--model", model, *files * 300])
print(resident() - before)
"""
    command = [sys.executable, "-c", code, verb, TINY, str(stroke_file), str(tmp_path / "bad.png"), str(picture)]
    done = subprocess.run(command, env=users_environment(), capture_output=True, text=True, check=True)
    *results, growth = done.stdout.splitlines()
    assert len(results) == 2 * 320
    assert len(done.stderr.splitlines()) == 320
    assert int(growth) < 4 * 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such file names")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("output", ["text", "json", "csv"])
def test_any_file_name_can_be_printed(
    encoding: str, output: str, stroke_file: Path, seven: Points, tmp_path: Path, run: Run
) -> None:
    names = [b"sieben, \xc3\xa9\xe4\xb8\x83.json", b'latin "\xe9\xff.json', b"line\nbreak \x1b[31m.json"]
    for name in names:
        shutil.copy(stroke_file, os.fsencode(tmp_path) + b"/" + name)
    files = [os.fsdecode(name) for name in names]
    missing = [f"no {name}" for name in files]
    # PYTHONUTF8: file names are read as UTF-8 though the terminal, which PYTHONIOENCODING stands for, may be ASCII.
    env = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
    done = run("predict", *files, *missing, "--model", TINY, "--format", output, env=env, encoding=None)
    assert done.returncode == 1
    text, complaints = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert len(complaints.splitlines()) == 3
    assert "\x1b" not in complaints
    if output == "json":
        assert [json.loads(line)["file"] for line in text.splitlines()] == files
    elif output == "csv":
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert len(rows) == 3
        if encoding == "utf-8":
            assert [rows[0]["file"], rows[2]["file"]] == [files[0], files[2]]
    else:
        assert len(text.splitlines()) == 3
        assert "\x1b" not in text
        assert ("é七" if encoding == "utf-8" else "\\xe9\\u4e03") in text


def test_a_bug_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(cli, "_models", bug)
    assert cli.main(["models"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "a bug in digitpad" in line
    assert "ZeroDivisionError" in line


def test_numbers_that_json_lacks_become_null() -> None:
    assert cli._number(math.nan) is None
    assert cli._number(math.inf) is None
    assert cli._number(np.float32(0.1)) == 0.1
