"""Half precision only where it is faster: on processors with bfloat16 instructions."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from digitpad.files import write_whole

Precision = Literal["float32", "bfloat16"]
TIMED_STEPS = 5
MOST_SECONDS = 0.5  # for the timed steps of one precision
WORTH_IT = 0.9  # of float32's time: half precision that gains less is not worth its rounding


def precision_of_run(name: str, run: Path, step_of: Callable[[Precision], Callable[[], object]]) -> Precision:
    """The precision a run began with or, for a new run, the one in which a real training step is faster here.

    Args:
        name: the network's, for the line that says what was measured.
        run: folder of the run, which keeps the choice.
        step_of: gives, for a precision, a function that does one step of training.
    """
    kept = run / "precision"
    for precision in ("float32", "bfloat16"):
        if kept.exists() and kept.read_text() == precision:
            return precision
    float32 = seconds_of(step_of("float32"))
    try:
        bfloat16 = seconds_of(step_of("bfloat16"))
        times = f"a step takes {1_000 * float32:.0f} ms in float32, {1_000 * bfloat16:.0f} ms in bfloat16"
    except Exception:  # each framework has its own for what the processor cannot do
        bfloat16, times = float("inf"), "bfloat16 does not work here"
    chosen: Precision = "bfloat16" if bfloat16 < WORTH_IT * float32 else "float32"
    print(f"{name}: trains in {chosen}: {times}", flush=True)
    write_whole(kept, chosen.encode())
    return chosen


def seconds_of(step: Callable[[], object]) -> float:
    """The quickest of some runs of a step, in seconds, after one that does not count."""
    step()
    begin = time.perf_counter()
    quickest = float("inf")
    for _ in range(TIMED_STEPS):
        start = time.perf_counter()
        step()
        quickest = min(quickest, time.perf_counter() - start)
        if time.perf_counter() - begin > MOST_SECONDS:
            break
    return quickest
