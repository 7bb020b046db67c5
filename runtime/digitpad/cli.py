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
from digitpad.errors import DigitPadError, StrokeError, printable
from digitpad.log import Tell, log_step

# Numpy, onnxruntime, Pillow and pygame are imported where they are needed: --version must not wait for them. Nor does
# `predict` import pathlib, which takes half a megabyte and, up to Python 3.12, 3 ms.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitpad.recognizer import Prediction

MAX_STDIN = 256 * 2**20  # bytes: no image or stroke file that can be read is larger

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
    if rest and args.verb == "predict" and not any(text.startswith("-") and text != "-" for text in rest[:end]):
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
    pad.add_argument("--size", type=_size, metavar="WxH", help="of the window, in pixels (default: as last time)")

    predict = verb(
        "predict",
        _predict,
        "read digits from images and stroke files",
        epilog="A stroke file with several samples gives a result for each, named FILE#1, FILE#2 and so on."
        " json: one object per line; csv: a header, then one row per result.",
    )
    predict.add_argument(
        "files", nargs="+", metavar="FILE", help="an image, a stroke file (.json, .json.gz), or - for standard input"
    )
    predict.add_argument("--model", default="cnn", help=_MODEL_HELP)
    predict.add_argument("--format", choices=("text", "json", "csv"), default="text", help="default: text")
    predict.add_argument(
        "--explain", metavar="DIR", help="also write there, for each result, a picture of how it came about"
    )

    models = verb("models", _models, "list the shipped models", epilog="json: one object per line.")
    models.add_argument("--verify", action="store_true", help="check each file's checksum and load it")
    models.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    demo = verb("demo", _demo, "draw ten digits through the real pad, off-screen, and save the pictures")
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
    )


def _demo(args: argparse.Namespace) -> int:
    from pathlib import Path

    from digitpad.pad.demo import run_demo

    return run_demo(Path(args.out))


def _doctor(args: argparse.Namespace) -> int:
    from digitpad.doctor import run_doctor

    return run_doctor()


def _predict(args: argparse.Namespace) -> int:
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # Pillow's, about odd files: the user gets a digit or an error anyway
    from digitpad.recognizer import Recognizer

    _check_name(args.model, "digitpad predict")
    recognizers = [Recognizer(name) for name in (("cnn", "mlp") if args.model == "both" else (args.model,))]
    explainer = None
    if args.explain is not None:
        from digitpad.explain import Explainer

        explainer = Explainer(args.explain)
    if args.format == "csv":
        _say(_csv_row(["file", "model", "status", "digit", "confidence", "ood_score", *(f"p{n}" for n in range(10))]))
    named = len(recognizers) > 1 or args.format != "text"
    failed = False
    with contextlib.closing(_with_progress(args.files)) as files:
        for file in files:
            try:
                for name, image in _images(file, explainer.start() if explainer else log_step):
                    if isinstance(image, StrokeError):
                        _complain(str(image))
                        failed = True
                        continue
                    answers = []
                    for recognizer in recognizers:
                        answers.append((recognizer, recognizer.predict_normalised(image)))
                        _say(_result(args.format, name, recognizer.name if named else "", answers[-1][1]))
                    if explainer:
                        explainer.write(name, answers)
            except DigitPadError as error:
                name, text = "standard input" if file == "-" else file, str(error)
                _complain(text if text.startswith(printable(name)) else f"{name}: {text}")
                failed = True
    return 1 if failed else 0


def _with_progress(files: list[str]) -> Generator[str, None, None]:
    """Yield the files; if standard error is a terminal and the results go elsewhere, show the progress there."""
    hidden = sys.stderr is None or not sys.stderr.isatty() or (sys.stdout is not None and sys.stdout.isatty())
    if hidden or len(files) == 1:
        yield from files
        return
    told = -math.inf
    try:
        for number, file in enumerate(files):
            if (now := time.monotonic()) - told >= 0.2:
                told = now
                # The cursor is left at the start of the line: a complaint, which is longer, covers it.
                _note(f"{number:,} of {len(files):,} files read")
            yield file
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


def _images(file: str, tell: Tell) -> "Iterator[tuple[str, NDArray[np.uint8] | StrokeError]]":
    """One input as a model may see it: images, or readings of one, each with its name in the results.

    Or what is wrong with a sample of a stroke file.
    """
    from digitpad.stroke_files import GZIP_MAGIC, is_stroke_file, parse_entries, read_entries

    content = _standard_input() if file == "-" else b""
    if content.startswith(GZIP_MAGIC) or content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        samples = parse_entries(content, "standard input")
    elif is_stroke_file(file):
        samples = read_entries(file)
    else:
        from digitpad.image.normalise import image_readings

        yield file, image_readings(content or file, tell)
        return
    from digitpad.mnist_form import render_strokes

    if not samples:
        raise StrokeError("holds no samples; save a drawing in it first")
    for number, sample in enumerate(samples, start=1):
        name = file if len(samples) == 1 else f"{file}#{number}"
        if isinstance(sample, StrokeError):
            yield name, sample
        else:
            yield name, render_strokes(sample.strokes, tell=tell) if sample.image is None else sample.image


def _standard_input() -> bytes:
    try:
        data = sys.stdin.buffer.read(MAX_STDIN + 1) if sys.stdin is not None else b""
    except (OSError, ValueError) as error:
        raise DigitPadError(f"standard input: cannot be read ({error})") from None
    if not data:
        raise DigitPadError("standard input: empty; pipe an image or a stroke file in")
    if len(data) > MAX_STDIN:
        raise DigitPadError(f"standard input: larger than {MAX_STDIN >> 20} MiB; give a smaller image")
    return data


def _result(form: str, name: str, model: str, p: "Prediction") -> str:
    """One result, as a line of that form."""
    if form == "text":
        return f"{printable(name)}: {model}{': ' if model else ''}{p}\n"
    fields = {"file": name, "model": model, "status": p.status, "digit": p.digit, "confidence": _number(p.confidence)}
    probabilities, ood_score = [_number(value) for value in p.probabilities], _number(p.ood_score)
    if form == "csv":
        return _csv_row([*fields.values(), ood_score, *probabilities])
    import json

    return json.dumps({**fields, "probabilities": probabilities, "ood_score": ood_score}) + "\n"


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
