"""What no data set holds: every way to write a digit, every way to take its picture or spoil it, and non-digits.

All of it is made by our own code, with a seed that training does not use.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from digitpad import Recognizer
from digitpad.image.normalise import image_readings
from digitpad.mnist_form import render_strokes
from digitpad.stroke_files import Sample
from evaluate import metrics
from evaluate.answers import Answers, answers_of, brief, read, read_set, summarise, together
from evaluate.conditions import CONDITIONS, photograph, read_on_paper, read_photographs
from evaluate.pictures import Cell, plot_sheet
from evaluate.tables import picture_name
from evaluate.unseen_corruptions import UNSEEN
from evaluate.unseen_corruptions import corrupt as corrupt_unseen
from train.corruption import FAMILIES, corrupt
from train.data import Digits, Images, at_hand
from train.synthetic.generate import VARIANTS, write_digit
from train.synthetic.outliers import KINDS, TRAINED_ON, generate_outliers

ByModel = dict[str, dict[str, Any]]  # by model and case: what was measured

SEED = 31_415_926
# Frames by status: around digits that are read right, and around non-digits.
OF_A_DIGIT = {"digit": "white", "unsure": "orange", "not_a_digit": "orange"}
OF_A_NON_DIGIT = {"digit": "red", "unsure": "orange", "not_a_digit": "limegreen"}


def measure_variants(recognizers: dict[str, Recognizer], pictures: Path, each: int = 200) -> ByModel:
    """The brief figures for generated digits by way of writing, such as "7 barred"; and their contact sheet."""
    rng = np.random.default_rng(SEED)
    cases: dict[str, Digits] = {}
    for label, variants in VARIANTS.items():
        for name, way in variants.items():
            images = np.stack([render_strokes(write_digit(way, rng)) for _ in range(each)])
            cases[f"{label} {name}"] = Digits(images, np.full(each, int(label)))
    result = _read_cases(recognizers, cases)
    sheet = {_title(name, result): [Cell(image) for image in cases[name].images[:5]] for name in cases}
    plot_sheet(sheet, pictures / picture_name("variants"), blocks=2)
    return result


def measure_conditions(recognizers: dict[str, Recognizer], samples: Sequence[Sample], pictures: Path) -> ByModel:
    """The brief figures for labelled strokes photographed under each condition; and a sheet with some of each."""
    read_all = partial(read_photographs, samples=samples, recognizers=recognizers, seed=SEED)
    predictions = dict(zip(CONDITIONS, _side_by_side("conditions", read_all, list(CONDITIONS)), strict=True))
    labels = np.array([int(sample.label or "") for sample in samples])
    result: ByModel = {
        model: {name: brief(summarise(answers_of(of_name[model]), labels)) for name, of_name in predictions.items()}
        for model in recognizers
    }
    sheet = {}
    for name, of_name in predictions.items():
        answers = next(iter(of_name.values()))[:4]
        sheet[_title(name, result)] = [
            Cell(_beside(taken, p.image), OF_A_DIGIT.get(p.status, "red") if p.digit in (label, None) else "red")
            for taken, p, label in zip(photograph(samples[:4], name, SEED), answers, labels, strict=False)
        ]
    plot_sheet(sheet, pictures / picture_name("conditions"), blocks=2)
    return result


def measure_outliers(
    recognizers: dict[str, Recognizer], sets: dict[str, Digits], pictures: Path, each: int = 2_000
) -> ByModel:
    """How well each kind of non-digit is told from the digits of each set; and a sheet with some of each.

    Some of each kind are also photographed on paper, and found and fitted as `predict` does with a file.
    """
    made = Digits(*generate_outliers(each * len(KINDS), SEED, held_out=True))
    kinds = {kind: made.pick(made.labels == place) for place, kind in enumerate(KINDS) if place in made.labels}
    read_all = partial(read_on_paper, recognizers=recognizers, seed=SEED)
    to_photograph = [of_kind.images[:40] for of_kind in kinds.values()]
    on_paper = dict(zip(kinds, _side_by_side("outliers on paper", read_all, to_photograph), strict=True))
    result: ByModel = {}
    answers = {m: {kind: read_set(r, of_kind) for kind, of_kind in kinds.items()} for m, r in recognizers.items()}
    for model, recognizer in recognizers.items():
        result[model] = rejection(answers[model], {name: read_set(recognizer, digits) for name, digits in sets.items()})
        for kind in kinds:
            result[model][kind]["trained_on"] = kind in TRAINED_ON
            result[model][kind]["on_paper"] = float(np.mean([p.status == "digit" for p in on_paper[kind][model]]))
        result[model]["all"]["on_paper"] = float(np.mean([result[model][kind]["on_paper"] for kind in kinds]))
    sheet = {}
    for kind, shown in next(iter(answers.values())).items():
        images = kinds[kind].images[:12]
        shares = ", ".join(f"{of_kinds[kind]['digit']:.0%}" for of_kinds in result.values())
        sheet[f"{kind}  {shares}"] = [
            Cell(image.repeat(2, 0).repeat(2, 1), OF_A_NON_DIGIT[s], "" if s == "not_a_digit" else f"{d}  {c:.0%}")
            for image, d, c, s in zip(images, shown.digit, shown.confidence, shown.status, strict=False)
        ]
    plot_sheet(sheet, pictures / picture_name("outliers"))
    return result


def measure_corruptions(
    recognizers: dict[str, Recognizer], digits: Digits, data: Path | None = None, each: int = 200
) -> ByModel:
    """Errors on digits as they are and by family of corruption: as a model is given them, and some through `predict`.

    Returns:
        By model, and by family as well as for "all trained on" and "all never trained on": count, "trained_on" (None
        where nothing is corrupted), the shares "direct" and "predict" of wrong answers (a blank is one), and "peer",
        that of the ONNX Model Zoo's MNIST network, if peers/mnist-8.onnx is at hand among the data.
    """
    peer = at_hand("peers/mnist-8.onnx", data)
    made = {"as they are": digits.images}
    for family in FAMILIES:
        made[family] = corrupt(digits.images, family, np.random.default_rng([SEED, *family.encode()]))
    made |= {family: corrupt_unseen(digits.images, family) for family in UNSEEN}
    few = [images[:each] for images in made.values()]
    answers = _side_by_side("corruptions", partial(_most_probable, recognizers=recognizers), few)
    of_peer = {
        family: {"peer": _peer_errors(peer, Digits(images, digits.labels))} if peer else {}
        for family, images in made.items()
    }
    result: ByModel = {}
    for model, recognizer in recognizers.items():
        result[model] = of_family = {}
        for (family, images), answered in zip(made.items(), answers, strict=True):
            right = [digit == label for digit, label in zip(answered[model], digits.labels, strict=False)]
            of_family[family] = {
                "count": len(digits),
                "trained_on": {**dict.fromkeys(FAMILIES, True), **dict.fromkeys(UNSEEN, False)}.get(family),
                "direct": 1 - summarise(read(recognizer, images), digits.labels).accuracy,
                "predict": 1 - float(np.mean(right)),
                **of_peer[family],
            }
        for words, families in (("all trained on", FAMILIES), ("all never trained on", UNSEEN)):
            of_family[words] = {
                "count": len(digits) * len(families),
                "trained_on": families is FAMILIES,
                **{
                    key: float(np.mean([of_family[family][key] for family in families]))
                    for key in ("direct", "predict", *(["peer"] if peer else []))
                },
            }
    return result


def _most_probable(images: Images, recognizers: dict[str, Recognizer]) -> dict[str, list[int]]:
    """By model, the most probable digit in each picture; -1 = blank."""
    readings = [image_readings(image) for image in images]
    answers = {model: map(recognizer.predict_readings, readings) for model, recognizer in recognizers.items()}
    return {m: [-1 if p.status == "blank" else int(p.probabilities.argmax()) for p in of] for m, of in answers.items()}


def _peer_errors(peer: Path, digits: Digits) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(peer, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, (len(digits), 1, 1, 28, 28)
    images = digits.images.reshape(shape).astype(np.float32)
    answers = [session.run(None, {name: image})[0].argmax() for image in images]
    return float((np.array(answers) != digits.labels).mean())


def rejection(kinds: dict[str, Answers], sets: dict[str, Answers]) -> dict[str, Any]:
    """How well non-digits are told from digits.

    Args:
        kinds: answers to non-digits, by kind; equally many of each, so that "all" is fair to each.
        sets: answers to digits, by set.

    Returns:
        For each kind, and for "all" together: count, the share that gets each status, and by set "auroc", and "fpr95":
        the share that passes where 95 % of the digits pass.
    """
    return {
        kind: {
            "count": len(answers.status),
            **{status: float((answers.status == status).mean()) for status in ("digit", "unsure", "not_a_digit")},
            "auroc": {name: metrics.auroc(digits.ood_score, answers.ood_score) for name, digits in sets.items()},
            "fpr95": {
                name: metrics.false_positives(digits.ood_score, answers.ood_score) for name, digits in sets.items()
            },
        }
        for kind, answers in (kinds | {"all": together(kinds.values())}).items()
    }


def _side_by_side(title: str, make: Callable[[Any], Any], work: list[Any]) -> list[Any]:
    """What is made of each piece of work, on all cores: one would take minutes."""
    # Spawned, as a forked process could wait for ever for a thread it does not have.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        made = processes.map(make, work)
        return list(tqdm(made, title, len(work), leave=False, disable=None))


def _read_cases(recognizers: dict[str, Recognizer], cases: dict[str, Digits]) -> ByModel:
    return {
        model: {name: brief(summarise(read(r, digits.images), digits.labels)) for name, digits in cases.items()}
        for model, r in recognizers.items()
    }


def _title(name: str, result: ByModel) -> str:
    """A row's title on a sheet: the case, and each model's accuracy."""
    return f"{name}  " + ", ".join(f"{of_cases[name]['accuracy']:.1%}" for of_cases in result.values())


def _beside(taken: Images, seen: Images, side: int = 44) -> Images:
    """A thumbnail of a picture, and to its right what the model sees of it; uint8 (side, side + 28, 3)."""
    image = Image.fromarray(taken).convert("RGBA")
    image.thumbnail((side, side))
    both = Image.new("RGBA", (side + 28, side), "white")
    both.alpha_composite(image)
    both.paste(Image.fromarray(255 - seen), (side, (side - 28) // 2))
    return np.asarray(both.convert("RGB"))
