"""Self-check after installation: what is installed, which display there is, and whether the models load.

What may crash, and native libraries may, runs in a process of its own, so that the rest is still reported.
"""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

from digitpad import __version__
from digitpad.errors import GET_PAD, ModelError, first_line, printable
from digitpad.models import load_row_reader, shipped_models

REQUIRED = {"numpy": "numpy", "onnxruntime": "onnxruntime", "Pillow": "PIL"}  # package: the name it is imported by
TIMEOUT_S = 120  # a Raspberry Pi that starts from a slow card needs some of it

MODELS_CODE = """
import sys
from digitpad.doctor import verify_models
sys.exit("\\n".join(verify_models().values()) or 0)
"""

# Without an X or Wayland server SDL falls back to these, which show nothing.
NO_DISPLAY = ("dummy", "offscreen")
DISPLAY_CODE = """
import pygame
pygame.display.init()
sizes = ", ".join(f"{width}x{height}" for width, height in pygame.display.get_desktop_sizes())
print(pygame.display.get_driver(), sizes)
"""


def run_doctor() -> int:
    """Print the findings, one per line, and return 1 if something is broken, otherwise 0.

    What only the pad needs, pygame and a display, may be missing: that is noted, as the rest works without it.
    """
    broken = False

    def report(verdict: Literal["ok", "note", "BROKEN"], what: str, finding: str) -> None:
        nonlocal broken
        broken |= verdict == "BROKEN"
        print(printable(f"{verdict:<6}  {what:<11}  {finding}"), flush=True)

    report("ok", "digitpad", f"{__version__}, {Path(__file__).parent}")
    report("ok", "Python", f"{platform.python_version()}, {sys.executable}")
    report("ok", "platform", platform.platform())

    for package, module in REQUIRED.items():
        version, trouble = _child(f"import {module}; print({module}.__version__)")
        report(
            *(("BROKEN", package, f"{trouble[-1]}; install digitpad again") if trouble else ("ok", package, version))
        )
    if broken:
        report("note", "models", "not tried: they need the packages above")
    else:
        try:
            names, trouble = ", ".join(shipped_models()), _child(MODELS_CODE)[1]
        except ModelError as error:  # the manifest is missing or damaged
            trouble = [str(error)]
        for problem in trouble:
            report("BROKEN", "models", problem)
        if not trouble:
            report("ok", "models", f"{names}, rows: intact, they load and answer")

    version, trouble = _child("import platformdirs, pygame; print(pygame.version.ver, 'with SDL', pygame.version.SDL)")
    if not trouble:
        report("ok", "pygame", version)
        display, trouble = _child(DISPLAY_CODE)
        if trouble or (display.split()[0] in NO_DISPLAY and "SDL_VIDEODRIVER" not in os.environ):
            report("note", "display", "none: the pad cannot open here; `digitpad demo --out DIR` draws without one")
        else:
            report("ok", "display", display)
    elif missing := next(
        (name for name in ("pygame", "platformdirs") if f"No module named '{name}'" in trouble[-1]), ""
    ):
        report("note", missing, f"not installed: the pad cannot open; to get it: {GET_PAD}")
    else:
        report("BROKEN", "pygame", f"{trouble[-1]}; install pygame again")

    print("Something is broken: see above." if broken else "All is well.", flush=True)
    return 1 if broken else 0


def verify_models() -> dict[str, str]:
    """Load each shipped model and the row reader, checking checksum and contract, and have it answer: problems by name.

    Raises:
        ModelError: the manifest is missing or damaged.
    """
    import numpy as np

    from digitpad.recognizer import Recognizer

    problems = {}
    try:
        (answers,) = load_row_reader().run(None, {"rows": np.tile(np.arange(40, dtype=np.uint8) * 6, (1, 40, 1))})
        if not (abs(np.exp(answers).sum(axis=-1) - 1) < 1e-3).all():
            problems["rows"] = "rows: its answers are not probabilities; install digitpad again"
    except ModelError as error:
        problems["rows"] = str(error)
    for name in shipped_models():
        try:
            recognizer = Recognizer(name)
            probabilities, ood_score = recognizer.run(np.tile(np.arange(28, dtype=np.uint8) * 9, (3, 28, 1)))
        except ModelError as error:
            problems[name] = str(error)
            continue
        if recognizer.name != name:
            problems[name] = f"{name}: the file calls itself {recognizer.name!r:.40}; install digitpad again"
        elif not (abs(probabilities.sum(axis=1) - 1) < 1e-3).all() or not np.isfinite(ood_score).all():
            problems[name] = f"{name}: its answers are not probabilities; install digitpad again"
    return problems


def _child(code: str) -> tuple[str, list[str]]:
    """Run Python code in a process of its own: the last line it printed, and its complaint line by line, if any."""
    search_path = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": search_path, "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", [f"does not start, or does not end ({first_line(error)})"]
    if done.returncode == 0:
        return (done.stdout.splitlines() or [""])[-1], []
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return "", [f"dies with {name}: this build does not suit this machine"]
    return "", done.stderr.splitlines() or [f"ends with status {done.returncode}"]
