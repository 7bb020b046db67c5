"""`python -m evaluate.hand`: what it is worth to teach a recogniser one's hand, and what harm a hand can do.

Writers are simulated: each writes their digits in order, and corrects each wrong or refused answer once. Besides the
shipped networks it measures those that `python -m export.unseen` left in artifacts/unseen, for which all of these
writers are strangers. The figures go into docs/evaluation/hand.json, and the page beside it is written from them.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from digitpad import Hand, Recognizer
from digitpad.files import make_folder, write_whole
from digitpad.models import shipped_models
from digitpad.stroke_files import Sample, read_samples, write_samples
from evaluate.sets import PEN_NUMBERS_NAME, drawn, load_pen_numbers
from train.command import ROOT, finish
from train.data import Digits, at_hand, load_mnist, load_outliers, load_pen, load_uji, render
from train.synthetic.outliers import KINDS, generate_outliers

UNSEEN = ROOT / "artifacts" / "unseen"  # networks that never saw these writers' collections
FIGURES = ROOT / "docs" / "evaluation" / "hand.json"
LEAST = 30  # digits of a pen number's writer, to be simulated
NOBODY = "Unknown"  # how a name ends that many writers share
LESSONS = 50  # of a stranger, or of a writer who teaches wrongly
WRONG = 10  # of these
ENOUGH = 100  # digits of a writer who teaches wrongly
OLD = 200  # lessons, where time and memory are measured

Counts = dict[str, int]


def main(argv: list[str] | None = None) -> int:
    """Measure and write; returns the exit status."""
    parser = argparse.ArgumentParser("python -m evaluate.hand", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--out", type=Path, default=FIGURES.parent, help="where hand.json and hand.md go")
    parser.add_argument("--page", action="store_true", help="measure nothing, only rewrite the page")
    options = parser.parse_args(argv)

    def work() -> None:
        figures = options.out / FIGURES.name
        if options.page:
            results = json.loads(figures.read_bytes())
        else:
            unseen = {f"{path.stem}, never saw them": str(path) for path in sorted(UNSEEN.glob("*.onnx"))}
            results = measure({name: name for name in shipped_models()} | unseen, options.data)
            make_folder(options.out)
            write_whole(figures, as_json(results).encode())
        write_whole(figures.with_suffix(".md"), as_page(results).encode())
        print(figures.with_suffix(".md"))

    return finish("hand", work, "nothing was written")


def measure(models: dict[str, str], data: Path | None) -> dict[str, Any]:
    """Everything on the page, by model; what models are is their name or path, by the name to show."""
    sets, strange = load_writers(data), load_strange(data)
    results: dict[str, Any] = {}
    for name, model in models.items():
        results[name] = {
            "taught": {of: [simulate(model, digits) for digits in writers.values()] for of, writers in sets.items()},
            "wrong lessons": [
                counts
                for writers in sets.values()
                for digits in writers.values()
                if len(digits) >= ENOUGH
                for counts in [teach_wrongly(model, digits)]
            ],
            "harm": harm(model, sets, strange),
        }
        if model == name:
            results[name]["numbers"] = simulate_numbers(model, data)
            results[name]["cost"] = cost(model, load_pen(data).train)
        print(f"{name}: {json.dumps(results[name])[:200]} ...", flush=True)
    return results


def load_writers(data: Path | None) -> dict[str, dict[str, Digits]]:
    """Each writer's digits in order, by writer and set."""
    sets = {"pen": drawn(load_pen(data).validation), "UJI": drawn(load_uji(data).validation)}
    if (numbers := load_pen_numbers(data)) is not None:
        sets["pen numbers"] = drawn(numbers)
    found: dict[str, dict[str, Digits]] = {}
    for name, digits in sets.items():
        of = {writer: digits.pick(digits.writers == writer) for writer in dict.fromkeys(digits.writers.tolist())}
        if name == "pen numbers":
            of = {
                writer: theirs for writer, theirs in of.items() if len(theirs) >= LEAST and not writer.endswith(NOBODY)
            }
        found[name] = of
    return found


def load_strange(data: Path | None) -> dict[str, Digits]:
    """What a stranger's hand must not change: others' digits, letters that people wrote, non-digits that we draw."""
    letters = load_outliers(data).measure
    images, _ = generate_outliers(200 * len(KINDS), seed=0, held_out=True)
    return {
        "MNIST test": load_mnist(data).test,
        **{name: render(samples) for name, samples in letters.items()},
        "generated outliers": Digits(images, np.zeros(len(images), np.int64)),
    }


def simulate(model: str, digits: Digits) -> Counts:
    """One writer's digits in order, each wrong or refused answer corrected once.

    Returns:
        digits; wrong answers and refusals of the network alone ("alone") and with what it was taught ("taught"); the
        same on digits of which this writer had corrected one before ("alone again", "taught again").
    """
    hand = Hand()
    recognizer = Recognizer(model, hand=hand)
    counts = {"digits": len(digits), "alone": 0, "taught": 0, "alone again": 0, "taught again": 0}
    corrected = set()
    for image, label in zip(digits.images, digits.labels.tolist(), strict=True):
        answer = recognizer.predict_normalised(image)
        alone, taught = (answer.network or answer).digit != label, answer.digit != label
        counts["alone"] += alone
        counts["taught"] += taught
        if label in corrected:
            counts["alone again"] += alone
            counts["taught again"] += taught
        if taught:
            hand.change(lesson(image, label))
            corrected.add(label)
    return counts


def teach_wrongly(model: str, digits: Digits) -> Counts:
    """A writer's first LESSONS digits are taught, WRONG of them as something else, and the rest is read."""
    rng = np.random.default_rng(0)
    labels = digits.labels[:LESSONS].copy()
    wrong = rng.permutation(LESSONS)[:WRONG]
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, WRONG)) % 10
    hand = Hand()
    for image, label in zip(digits.images[:LESSONS], labels.tolist(), strict=True):
        hand.change(lesson(image, label))
    recognizer = Recognizer(model, hand=hand)
    answers = [recognizer.predict_normalised(image) for image in digits.images[LESSONS:]]
    pairs = list(zip(answers, digits.labels[LESSONS:].tolist(), strict=True))
    return {
        "digits": len(pairs),
        "alone": sum((answer.network or answer).digit != label for answer, label in pairs),
        "taught": sum(answer.digit != label for answer, label in pairs),
    }


def harm(model: str, sets: dict[str, dict[str, Digits]], strange: dict[str, Digits]) -> dict[str, Any]:
    """What hands of LESSONS lessons change for others, in points: by whose hand, and by what is read.

    Of MNIST's digits, how many more are wrong ("errors"), and how many more are wrong or refused ("MNIST test"); of
    what is no digit, how many more are taken for one.
    """
    alone = Recognizer(model)
    answered = {name: said(alone, digits) for name, digits in strange.items()}
    hands = {f"pen writer {writer}": first_lessons(alone, [of]) for writer, of in sets["pen"].items()}
    corrected = [*sets["pen"].values(), *sets["UJI"].values(), *sets.get("pen numbers", {}).values()]
    hands["corrections of many people"] = first_lessons(alone, corrected)
    changes: dict[str, Any] = {}
    for whose, lessons in hands.items():
        hand = Hand()
        for sample in lessons:
            hand.change(sample)
        taught = Recognizer(model, hand=hand)
        changes[whose] = of = {}
        for name, digits in strange.items():
            (before, is_before), (after, is_after) = answered[name], said(taught, digits)
            if name == "MNIST test":
                of["errors"] = points((after != digits.labels).mean() - (before != digits.labels).mean())
                right_before, right_after = (before == digits.labels) & is_before, (after == digits.labels) & is_after
                of[name] = points(right_before.mean() - right_after.mean())
            else:
                of[name] = points(is_after.mean() - is_before.mean())
    return changes


def said(recognizer: Recognizer, digits: Digits) -> tuple[Any, Any]:
    """The likeliest digit of each, and whether it is taken for a digit at all."""
    answers = [recognizer.predict_normalised(image) for image in digits.images]
    return np.array([a.probabilities.argmax() for a in answers]), np.array([a.digit is not None for a in answers])


def first_lessons(recognizer: Recognizer, writers: list[Digits]) -> list[Sample]:
    """The first LESSONS lessons of some writers: what is read wrong or refused first, by turns, then the rest."""
    wrong: list[Sample] = []
    right: list[Sample] = []
    for digits in writers:
        for image, label in zip(digits.images, digits.labels.tolist(), strict=True):
            answer = recognizer.predict_normalised(image).digit
            (right if answer == label else wrong).append(lesson(image, label))
    chosen = np.random.default_rng(0).permutation(len(wrong))[:LESSONS]
    return ([wrong[n] for n in chosen] + right)[:LESSONS]


def lesson(image: Any, label: int) -> Sample:
    """A picture in MNIST's form with what it is."""
    return Sample([], str(label), image=image)


def simulate_numbers(model: str, data: Path | None) -> Counts:
    """Whole pen numbers, by writer: where one of the right length is wrong, its wrong digits are taught."""
    counts = {"numbers": 0, "alone": 0, "taught": 0}
    path = at_hand(PEN_NUMBERS_NAME, data)
    by_writer: dict[str, list[Sample]] = {}
    for sample in read_samples(path) if path else []:
        by_writer.setdefault(sample.writer or NOBODY, []).append(sample)
    alone = Recognizer(model)
    for writer, samples in by_writer.items():
        if writer.endswith(NOBODY) or sum(len(sample.label or "") for sample in samples) < LEAST:
            continue
        hand = Hand()
        recognizer = Recognizer(model, hand=hand)
        for sample in samples:
            number = recognizer.read_strokes(sample.strokes)
            counts["numbers"] += 1
            counts["alone"] += alone.read_strokes(sample.strokes).text != sample.label
            counts["taught"] += number.text != sample.label
            if len(number.text) == len(sample.label or ""):
                for digit, label in zip(number.digits, sample.label or "", strict=True):
                    if digit.digit != int(label):
                        hand.change(lesson(digit.image, int(label)))
    return counts


def cost(model: str, samples: list[Sample]) -> dict[str, float]:
    """What a hand of OLD lessons costs: times, with against without, by turns; bytes; and seconds to load 1,000."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few.json", Path(folder) / "many.json"
        write_samples(few, samples[:OLD])
        write_samples(many, samples[:1_000])
        alone = Recognizer(model)
        alone.predict_strokes(samples[0].strokes)
        tracemalloc.start()
        taught = Recognizer(model, hand=Hand(few))
        taught.predict_strokes(samples[0].strokes)
        memory = tracemalloc.get_traced_memory()[0]  # of numpy's arrays as well
        tracemalloc.stop()
        started = time.perf_counter()
        Recognizer(model, hand=Hand(many)).predict_strokes(samples[0].strokes)
        loading = time.perf_counter() - started
        started = time.perf_counter()
        Recognizer(model).predict_strokes(samples[0].strokes)
        loading -= time.perf_counter() - started
    drawings = [sample.strokes for sample in samples[OLD : OLD + 300]]

    def ratio(read: Callable[[Recognizer, Any], object]) -> float:
        taken: dict[Recognizer, list[float]] = {alone: [], taught: []}
        for drawing in drawings:
            for recognizer in (alone, taught):
                started = time.perf_counter()
                read(recognizer, drawing)
                taken[recognizer].append(time.perf_counter() - started)
        return statistics.median(taken[taught]) / statistics.median(taken[alone])

    return {
        "predict_strokes": round(ratio(Recognizer.predict_strokes), 3),
        "read_strokes": round(ratio(Recognizer.read_strokes), 3),
        "MB": round(memory / 1e6, 2),
        "loading": round(loading, 2),
    }


def points(share: float) -> float:
    """A difference of shares in points."""
    return round(100 * float(share), 3)


def as_json(results: dict[str, Any]) -> str:
    """The figures as JSON, each writer's on a line."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    return re.sub(r"\{[^{}]*\}", lambda found: " ".join(found[0].split()), text) + "\n"


def as_page(results: dict[str, Any]) -> str:
    """The figures as a page."""
    lines = [
        "# Learning a hand",
        "",
        "What it is worth to correct the recogniser, and what harm that can do. Written by `python -m evaluate.hand`;"
        " the figures are in [hand.json](hand.json). How it works: [the owner's hand](../hand.md).",
        "",
        "Each writer is simulated alone: their digits in order, each wrong or refused answer corrected once. Writers:"
        " the six of the pen validation part, twenty of UJI, and of the pen numbers (CROHME, CC BY-NC-SA 3.0) those"
        f" with at least {LEAST} digits. The rule's few numbers were chosen with all three in view, so that these"
        " figures may flatter it. Networks that *never saw them* are trained for minutes by"
        " `python -m export.unseen cnn` and `mlp`, without pen digits and letters of these collections, and never"
        " shipped: the shipped ones have learned from other writers of the first two, and leave little to learn.",
        "",
        "## Errors and refusals, without and with what was taught",
        "",
        "*Again*: on a digit of which this writer had corrected one before. *Worse off*: the most errors that a writer"
        " has more.",
        "",
        *_table(
            ["network", "again", "over all, the corrected ones counted", *_sets(results), "worse off"],
            [[name, *_taught(of["taught"])] for name, of in results.items()],
        ),
        "## Harm",
        "",
        f"A stranger's hand of {LESSONS} lessons: those of each of the six pen writers, first what the network reads"
        f" wrong, then what it reads right; the mean over the six, and the worst. Then {LESSONS} corrections alone, by"
        " many people, as no one person makes so many. In points: MNIST test digits read wrong, more than without; the"
        " same, wrong or refused; letters of UJI and Greek ones, and generated outliers, taken for digits.",
        "",
        *_table(
            ["network", "hand", *next(iter(next(iter(results.values()))["harm"].values()))],
            [row for name, of in results.items() for row in _harm(name, of["harm"])],
        ),
        f"Wrong lessons: the first {LESSONS} digits of each writer with at least {ENOUGH} are taught, {WRONG} of them"
        " as another digit, and the rest is read.",
        "",
        *_table(
            ["network", "writers", "errors and refusals", "worse off"],
            [
                [
                    name,
                    str(len(of["wrong lessons"])),
                    _change(of["wrong lessons"], "alone", "taught"),
                    _worst(of["wrong lessons"]),
                ]
                for name, of in results.items()
            ],
        ),
        "## Whole numbers, and cost",
        "",
        "Pen numbers of the same writers, by `read_strokes`: those not read exactly; where one has the right length,"
        f" its wrong digits are corrected. Cost of {OLD} lessons: time with them, as a multiple of that without"
        " (medians, measured by turns); memory; and the seconds it takes to load 1,000 drawings.",
        "",
        *_table(
            ["network", "numbers not exact", "predict_strokes", "read_strokes", "memory", "loading 1,000"],
            [
                [
                    name,
                    _change([of["numbers"]], "alone", "taught") + f" of {of['numbers']['numbers']:,}",
                    f"{of['cost']['predict_strokes']:.2f} x",
                    f"{of['cost']['read_strokes']:.2f} x",
                    f"{of['cost']['MB']:.1f} MB",
                    f"{of['cost']['loading']:.2f} s",
                ]
                for name, of in results.items()
                if "cost" in of
            ],
        ),
    ]
    return "\n".join(lines)


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)] + [""]


def _sets(results: dict[str, Any]) -> list[str]:
    taught = next(iter(results.values()))["taught"]
    return [f"{name} ({len(writers)} writers)" for name, writers in taught.items()]


def _taught(sets: dict[str, list[Counts]]) -> list[str]:
    writers = [counts for of in sets.values() for counts in of]
    return [
        _change(writers, "alone again", "taught again"),
        _change(writers, "alone", "taught"),
        *(_change(of, "alone", "taught") for of in sets.values()),
        _worst(writers),
    ]


def _change(counts: list[Counts], before: str, after: str) -> str:
    was, now = (sum(of[key] for of in counts) for key in (before, after))
    return f"{was} → {now}" + (f" ({now / was:.0%})" if was else "")


def _worst(counts: list[Counts]) -> str:
    return str(max(max(of["taught"] - of["alone"] for of in counts), 0))


def _harm(name: str, hands: dict[str, dict[str, float]]) -> list[list[str]]:
    rows = []
    people = [of for whose, of in hands.items() if whose.startswith("pen writer")]
    for whose, some in (("one person's", people), ("many people's corrections", [hands["corrections of many people"]])):
        cells = [[of[key] for of in some] for key in some[0]]
        rows.append(
            [name, whose, *(f"{np.mean(x):+.2f}" + (f" (worst {max(x):+.2f})" if x[1:] else "") for x in cells)]
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
