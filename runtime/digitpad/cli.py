"""The digitpad command: its verbs, what they print, and how they end.

Exit status: 0 all went well, 1 something failed (one line each on standard error), 2 wrong usage, 130 interrupted,
141 the reader of the output went away. `python -X dev -m digitpad` shows tracebacks.
"""

import argparse
import contextlib
import functools
import io
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from digitpad import __version__
from digitpad.errors import DigitPadError, printable
from digitpad.log import log_step

# Numpy, onnxruntime, Pillow and pygame are imported where they are needed: --version must not wait for them. Nor does
# `predict` import pathlib, which takes half a megabyte and, up to Python 3.12, 3 ms.
if TYPE_CHECKING:
    from digitpad.answers import Number, Prediction
    from digitpad.explain import Explainer
    from digitpad.many import Answer, Source, Work
    from digitpad.recognizer import Recognizer

_MODEL_HELP = "cnn, mlp, both, another name that `digitpad models` lists, or the path of an .onnx file (default: cnn)"


def run() -> NoReturn:
    """Run the command as the whole process, and end it at once: all output is written by then.

    Python would first tear down whatever was imported, which is a sixth of the time that one picture takes.
    """
    status = main()
    if sys.flags.dev_mode:
        sys.exit(status)
    os._exit(status)


def main(argv: list[str] | None = None) -> int:
    """Run the command with these arguments (the process's own by default) and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name may hold what the terminal's encoding lacks
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            status = _run(sys.argv[1:] if argv is None else argv)
        except SystemExit as stop:  # argparse: 0 after --help and --version, 2 after wrong usage
            status = stop.code if isinstance(stop.code, int) else 1
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()
        return 141
    except DigitPadError as error:
        _complain(str(error))
    except ImportError as error:
        _complain(f"{error.name or 'a module'} cannot be imported ({error}); `digitpad doctor` says what is missing")
    except OSError as error:
        _complain(f"{error.filename or 'standard output'}: {error.strerror or error}")
        _discard_output()
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        _complain(f"this is a bug in digitpad, please report it: {type(error).__name__}: {error}")
    return 1


def _run(argv: list[str]) -> int:
    parser = _parser()
    args, rest = parser.parse_known_args(argv or ["pad"])
    end = rest.index("--") if "--" in rest else len(rest)
    if (
        rest
        and args.verb in ("predict", "read")
        and not any(text.startswith("-") and text != "-" for text in rest[:end])
    ):
        # Files on both sides of an option: argparse takes only the first lot. After "--" all are files.
        args.files += rest[:end] + rest[end + 1 :]
    elif rest:
        parser.error(f"unrecognised arguments: {' '.join(rest)}")
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


class _Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line, and whose help isn't lost silently on a full disk."""

    def __init__(self, **more: Any) -> None:
        # A fixed width: to find out how wide the terminal is, argparse loads shutil at every start, help or no help.
        formatter = functools.partial(argparse.HelpFormatter, width=78)
        super().__init__(formatter_class=formatter, allow_abbrev=False, **more)

    def error(self, message: str) -> NoReturn:
        _complain(f"{message}; see {self.prog} --help", self.prog)
        sys.exit(2)

    def _print_message(self, message: str, file: object = None) -> None:
        _say(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="digitpad",
        description="Reads handwritten digits. Without a verb it opens the drawing pad.",
        epilog="exit status: 0 all went well, 1 something failed, 2 wrong usage",
    )
    parser.add_argument("--version", action="version", version=f"digitpad {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, run: Callable[[argparse.Namespace], int], text: str, **more: Any) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", **more)
        made.set_defaults(run=run)
        return made

    pad = verb("pad", _pad, "open the drawing pad")
    pad.add_argument("file", nargs="?", metavar="FILE", help="an image or stroke file to begin with")
    pad.add_argument("--model", help=_MODEL_HELP.replace("default: cnn", "default: as last time"))
    pad.add_argument("--live", action="store_true", help="predict while drawing")
    pad.add_argument("--fullscreen", action="store_true", help="fill the screen")
    pad.add_argument(
        "--kiosk", action="store_true", help="fill the screen; only Ctrl+Q leaves; cleared when left alone"
    )
    pad.add_argument(
        "--hand",
        metavar="PATH",
        help="stroke file of what it learns (default: my_digits.json in the documents, in a kiosk none; none: none)",
    )
    pad.add_argument("--size", type=_size, metavar="WxH", help="of the window, in pixels (default: as last time)")

    several = (
        "A stroke file with several samples gives a result for each, named FILE#1, FILE#2 and so on."
        " json: one object per line; csv: a header, then one row per result."
    )
    predict = verb("predict", _predict, "read digits from images and stroke files", epilog=several)
    read = verb("read", _read, "read whole numbers from images and stroke files", epilog=several)
    what = "an image, a stroke file (.json, .json.gz), or - for standard input"
    for reader, kinds in (predict, what), (read, f"{what}; or a folder: all of them in it, by name, not below it"):
        reader.add_argument("files", nargs="+", metavar="FILE", help=kinds)
        reader.add_argument("--model", default="cnn", help=_MODEL_HELP)
        reader.add_argument("--hand", metavar="PATH", help="stroke file of what its owner has taught the pad")
        reader.add_argument("--format", choices=("text", "json", "csv"), default="text", help="default: text")
        reader.add_argument(
            "--explain", metavar="DIR", help="also write there, for each result, a picture of how it came about"
        )
    read.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="processes that share the work (default: 1)")

    models = verb("models", _models, "list the shipped models", epilog="json: one object per line.")
    models.add_argument("--verify", action="store_true", help="check each file's checksum and load it")
    models.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    demo = verb("demo", _demo, "draw digits and a number through the real pad, off-screen, and save the pictures")
    demo.add_argument("--out", required=True, metavar="DIR", help="folder for the pictures")

    verb("doctor", _doctor, "check what is installed, which display there is and which models load")
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        size = 0, 0
    if min(size) < 1 or max(size) > 16384:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 800x480")
    return size


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 256")
    return int(text)


def _pad(args: argparse.Namespace) -> int:
    from pathlib import Path

    from digitpad.pad.loop import run_pad

    if args.model is not None:
        _check_name(args.model, "digitpad pad")
    return run_pad(
        file=None if args.file is None else Path(args.file),
        model=args.model,
        live=args.live,
        fullscreen=args.fullscreen,
        kiosk=args.kiosk,
        size=args.size,
        hand=None if args.hand is None else Path(args.hand),
    )


def _demo(args: argparse.Namespace) -> int:
    from pathlib import Path

    from digitpad.pad.demo import run_demo

    return run_demo(Path(args.out))


def _doctor(args: argparse.Namespace) -> int:
    from digitpad.doctor import run_doctor

    return run_doctor()


def _predict(args: argparse.Namespace) -> int:
    header = ["file", "model", "status", "digit", "confidence", "ood_score", *(f"p{n}" for n in range(10))]
    return _answer(args, _predicting, args.files, header)


def _read(args: argparse.Namespace) -> int:
    from digitpad.many import files_in

    files: list[str] = []
    failed = 0
    for file in args.files:
        try:
            files += files_in(file) if os.path.isdir(file) else [file]
        except DigitPadError as error:  # told before the first result, not hours later
            _complain(str(error))
            failed = 1
    return _answer(args, _reading, files, ["file", "model", "status", "text", "confidence"], args.jobs) or failed


def _answer(
    args: argparse.Namespace, make: Callable[..., "Work"], files: list[str], header: list[str], jobs: int = 1
) -> int:
    """Print the results for each input of the files, and what is wrong with the others."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # Pillow's, about odd files: the user gets a digit or an error anyway
    from digitpad.many import answers

    _check_name(args.model, f"digitpad {args.verb}")
    if args.hand is not None:
        _check_hand(args.hand)
    work = functools.partial(make, args.model, args.format, args.explain, args.hand)
    failed = 0
    with (
        contextlib.closing(answers(work, files, jobs)) as found,
        contextlib.closing(_with_progress(found, len(files))) as shown,
    ):
        if args.format == "csv":
            _say(_csv_row(header))
        for place, results, problem in shown:
            _say(results)
            if problem:
                name = "standard input" if files[place] == "-" else files[place]
                _complain(problem if problem.startswith(printable(name)) else f"{name}: {problem}")
                failed = 1
    return failed


def _predicting(model: str, form: str, explain: str | None, hand: str | None = None) -> "Work":
    """What `predict` does with an input."""
    import numpy as np

    from digitpad.mnist_form import render_strokes
    from digitpad.reader import Readings

    recognizers, explainer = _recognizers(model, hand), _explainer(explain)
    named = len(recognizers) > 1 or form != "text"

    def predict(name: str, source: "Source") -> Iterator[str]:
        tell = explainer.start() if explainer else log_step
        if isinstance(source, list):
            if explainer:
                render_strokes(source, tell=tell)
        elif isinstance(source, np.ndarray):
            readings = Readings(source[None])
        else:
            from digitpad.image.normalise import image_readings

            readings = image_readings(source, tell)
        answers = []
        for recognizer in recognizers:
            drawn = isinstance(source, list)
            answer = recognizer.predict_strokes(source) if drawn else recognizer.predict_readings(readings)
            answers.append((recognizer, answer))
            yield _prediction(form, name, recognizer.name if named else "", answers[-1][1])
        if explainer:
            explainer.write(name, answers)

    return predict


def _reading(model: str, form: str, explain: str | None, hand: str | None = None) -> "Work":
    """What `read` does with an input."""
    recognizers, explainer = _recognizers(model, hand), _explainer(explain)
    named = len(recognizers) > 1 or form != "text"

    def read(name: str, source: "Source") -> Iterator[str]:
        answers = []
        for recognizer in recognizers:
            number = recognizer.read_strokes(source) if isinstance(source, list) else recognizer.read(source)
            answers.append((recognizer, number))
            yield _number_read(form, name, recognizer.name if named else "", number)
        if explainer:
            explainer.write_numbers(name, source, answers)

    return read


def _recognizers(model: str, path: str | None) -> "list[Recognizer]":
    from digitpad.recognizer import Recognizer

    hand = None
    if path is not None:
        from digitpad.hand import Hand

        hand = Hand(path)
    return [Recognizer(name, hand=hand) for name in (("cnn", "mlp") if model == "both" else (model,))]


def _check_hand(path: str) -> None:
    """Refuse a file that is not there, which Hand takes for one that is to be."""
    if not os.path.exists(path):
        raise DigitPadError(f"--hand {path}: no such file; give the stroke file of what was taught")


def _explainer(folder: str | None) -> "Explainer | None":
    if folder is None:
        return None
    from digitpad.explain import Explainer

    return Explainer(folder)


def _with_progress(found: "Iterator[Answer]", count: int) -> "Generator[Answer, None, None]":
    """Yield the answers; if standard error is a terminal and the results go elsewhere, show the progress there."""
    hidden = sys.stderr is None or not sys.stderr.isatty() or (sys.stdout is not None and sys.stdout.isatty())
    if hidden or count == 1:
        yield from found
        return
    told = -math.inf
    try:
        for answer in found:
            if (now := time.monotonic()) - told >= 0.2:
                told = now
                # The cursor is left at the start of the line: a complaint, which is longer, covers it.
                _note(f"{answer[0]:,} of {count:,} files read")
            yield answer
    finally:
        _note(" " * 40)


def _note(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"\r{text}\r")
        sys.stderr.flush()


def _check_name(model: str, prog: str) -> None:
    from digitpad.models import is_path, shipped_models

    if model != "both" and not is_path(model) and model not in (names := shipped_models()):
        known = ", ".join([*names, "both"])
        _complain(f"--model: no model {model}; choose {known}, or give the path of an .onnx file", prog)
        raise SystemExit(2)


def _prediction(form: str, name: str, model: str, p: "Prediction") -> str:
    """A result of `predict`, as a line of that form."""
    fields = {"file": name, "model": model, "status": p.status, "digit": p.digit, "confidence": _number(p.confidence)}
    probabilities, ood_score = [_number(value) for value in p.probabilities], _number(p.ood_score)
    rest = {"probabilities": probabilities, "ood_score": ood_score}
    return _line(form, fields, rest, [ood_score, *probabilities], p)


def _number_read(form: str, name: str, model: str, n: "Number") -> str:
    """A result of `read`, as a line of that form."""
    fields = {"file": name, "model": model, "status": n.status, "text": n.text, "confidence": _number(n.confidence)}
    digits = [
        {"digit": p.digit, "confidence": _number(p.confidence), "status": p.status, "box": p.box} for p in n.digits
    ]
    return _line(form, fields, {"digits": digits}, [], n)


def _line(form: str, fields: dict[str, Any], json_only: dict[str, Any], csv_only: list[Any], words: object) -> str:
    if form == "text":
        return f"{printable(fields['file'])}: {fields['model']}{': ' if fields['model'] else ''}{words}\n"
    if form == "csv":
        return _csv_row([*fields.values(), *csv_only])
    import json

    return json.dumps({**fields, **json_only}) + "\n"


def _csv_row(cells: list[Any]) -> str:
    import csv

    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow(cells)
    return row.getvalue()


def _number(value: float) -> float | None:
    """A float32 with all its digits; None for NaN and inf, which is JSON's null and CSV's empty cell."""
    import numpy as np

    return float(str(np.float32(value))) if np.isfinite(value) else None


def _models(args: argparse.Namespace) -> int:
    from digitpad.models import shipped_models

    models = [_listed(name, entry) for name, entry in shipped_models().items()]
    problems: dict[str, str] = {}
    if args.verify:
        from digitpad.doctor import verify_models

        problems = verify_models()
        for model in models:
            problem = problems.get(model["name"])
            model |= {"ok": True} if problem is None else {"ok": False, "problem": problem}
    if args.format == "json":
        import json

        for model in models:
            _say(json.dumps(model) + "\n")
    else:
        _say(_table(models, args.verify))
    for problem in problems.values():
        _complain(problem)
    return 1 if problems else 0


def _listed(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a model, as far as its manifest entry holds it in a usable form."""
    counts = {key: entry[key] if isinstance(entry.get(key), int) else None for key in ("bytes", "parameters")}
    stated = entry.get("accuracy")
    numbers = stated.items() if isinstance(stated, dict) else ()
    shares = {key: round(n, 4) for key, n in numbers if isinstance(n, int | float) and 0 <= n <= 1}
    return {"name": name, "file": entry["file"], **counts, "accuracy": shares}


def _table(models: list[dict[str, Any]], verified: bool) -> str:
    sets = list(dict.fromkeys(name for model in models for name in model["accuracy"]))
    rows = [["name", "file", "bytes", "parameters", *sets] + (["verified"] if verified else [])]
    for model in models:
        counts = ["-" if model[key] is None else f"{model[key]:,}" for key in ("bytes", "parameters")]
        shares = [f"{100 * model['accuracy'][name]:.2f} %" if name in model["accuracy"] else "-" for name in sets]
        verdict = ["ok" if model["ok"] else "FAILED"] if verified else []
        rows.append([model["name"], model["file"], *counts, *shares, *verdict])
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) if place < 2 else cell.rjust(width) for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return "".join(f"{printable(line.rstrip())}\n" for line in lines)


def _say(text: str) -> None:
    """Write to standard output now, so that results and complaints keep their order."""
    if sys.stdout is not None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _complain(text: str, prog: str = "digitpad") -> None:
    """Write one line to standard error, if it is open."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{prog}: {printable(text)}\n")
            sys.stderr.flush()


def _discard_output() -> None:
    """Discard what is still buffered, or Python tries to write it again at exit and complains."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no such stream, or not one with a file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
