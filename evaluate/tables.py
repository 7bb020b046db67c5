"""What was measured, as Markdown: the page that `make evaluate` saves, and the tables it shares with the model card.

Results are what evaluate measures, or report.json, which keeps the same. No number is typed by hand.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from string import Formatter
from typing import Any

from evaluate.metrics import wilson

# By model: "figures" by set (evaluate.answers.Figures); and, as far as measured, "writers", "against", "variants",
# "conditions", "corruptions", "outliers", "held_out_writers", "people_digits", "people_letters", "odds" and "numbers".
Results = dict[str, dict[str, Any]]
Columns = dict[str, str]  # titles, and the formats of their cells

_CHOSEN = "not trained on, but used to choose recipe, seed, temperature and thresholds"
_ALONE = "without the row reader's say on what is doubtful"
SETS = {
    "mnist_test": ("MNIST test", "its 10,000 test images, as `predict` reads them; used to choose nothing"),
    "mnist_validation": ("MNIST validation", f"the last 5,000 of its training images, read likewise; {_CHOSEN}"),
    "pen_validation": ("pen digits", f"1,498 digits by six writers, as `predict_strokes` reads them; {_CHOSEN}"),
    "uji_validation": ("UJI digits", f"400 digits by twenty writers, as `predict_strokes` reads them; {_CHOSEN}"),
}
# What people wrote and is measured on alone.
PEOPLE = {
    "mnist_test_alone": ("MNIST test, by the network alone", _ALONE),
    "pen_numbers": (
        "digits of pen numbers",
        "cut from real numbers by hundreds of people on pens, tablets and whiteboards, as `predict_strokes` reads them"
        " (from the formulas of CROHME, CC BY-NC-SA 3.0); nothing was fitted on them, though their mistakes showed"
        " which ways of writing our generator lacked; none of them is shown",
    ),
    "pen_numbers_alone": ("digits of pen numbers, by the network alone", _ALONE),
    "cheque_digits": (
        "digits of cheques",
        "cut out of photographs of cheques by their boxes, with a margin of 12 % of the box's longer side, as `predict`"
        " reads them (ORAND-CAR, for research); measured on alone, and not shown",
    ),
    "uji_letters": (
        "letters of UJI",
        "by three writers, of whose letters none was learned; left out are o O l I i j J s S z Z b B q g G D y Y U",
    ),
    "greek": (
        "Greek letters of Omniglot",
        "of an alphabet of which nothing was learned, by 20 people; left out are delta, zeta, omicron and sigma",
    ),
}

ACCURACY = {
    "digits": "{count:,}",
    "accuracy": "**{accuracy:.2%}**",
    "95 % interval": "{interval[0]:.2%} to {interval[1]:.2%}",
    "errors": "{errors}",
    "95 % interval of the errors": "{fewest:.0f} to {most:.0f}",
}
CLASSES = {str(digit): f"{{per_class[{digit}]:.2%}}" for digit in range(10)}
CONFIDENCE = {
    "NLL": "{nll:.4f}",
    "ECE": "{ece:.2%}",
    "AURC": "{aurc:.5f}",
    "mean confidence when wrong": "{wrong_confidence:.1%}",
    "`digit`": "{answered:.2%}",
    "right": "{answered_accuracy:.2%}",
    "`unsure`": "{unsure:.2%}",
    "`not_a_digit`": "{rejected:.2%}",
}
WRITERS = {
    "accuracy": "{accuracy:.2%}",
    "errors": "{errors}",
    "`digit`": "{answered:.1%}",
    "right": "{answered_accuracy:.2%}",
}
HELD_OUT = {
    "ECE": "{ece:.2%}",
    "NLL": "{nll:.4f}",
    "`digit`": "{answered:.2%}",
    "right": "{answered_accuracy:.2%}",
    "temperature": "{temperature:.2f}",
}
PEOPLES_DIGITS = {
    "right": "**{accuracy:.2%}**",
    "refused": "{rejected:.2%}",
    "right among the answered": "{answered_accuracy:.2%}",
    "ECE": "{ece:.2%}",
}
NUMBERS = {
    "count": "{count:,}",
    "exact": "**{exact:.1%}**",
    "95 % interval": "{interval[0]:.1%} to {interval[1]:.1%}",
    "errors per digit": "{digit_errors:.2%}",
    "wrong length": "{wrong_length:.1%}",
    "`number`": "{answered:.1%}",
    "`number`, and wrong": "{answered_wrong:.2%}",
    "refused": "{refused:.1%}",
    "ECE": "{ece:.1%}",
}
AS_ONE_DIGIT = {"refused as one digit": "{refused_as_digit:.1%}"}
NO_NUMBERS = {"`number`": "{number:.1%}", "`unsure`": "{unsure:.1%}"}
PEOPLES_LETTERS = {"`digit`": "{digit:.1%}", "`unsure`": "{unsure:.1%}"}
ODDS = {"no digit": "{no_digit:.0%}", "of": "{count}"}
CORRUPTIONS = {"fed directly": "{direct:.1%}", "through `predict`": "{predict:.1%}"}
# What matters most, in short: titles, and the formats of their cells.
IN_SHORT: Columns = {
    "digits of pen numbers: right / refused / right among the answered": (
        "{people_digits[pen_numbers][accuracy]:.1%} / {people_digits[pen_numbers][rejected]:.1%}"
        " / {people_digits[pen_numbers][answered_accuracy]:.1%}"
    ),
    "digits of cheques: right / refused / right among the answered": (
        "{people_digits[cheque_digits][accuracy]:.1%} / {people_digits[cheque_digits][rejected]:.1%}"
        " / {people_digits[cheque_digits][answered_accuracy]:.1%}"
    ),
    "pen numbers: exact / answered / answered and wrong": (
        "{numbers[real][pen numbers][exact]:.1%} / {numbers[real][pen numbers][answered]:.1%}"
        " / {numbers[real][pen numbers][answered_wrong]:.2%}"
    ),
    "amounts on cheques: exact / answered / answered and wrong": (
        "{numbers[real][amounts on cheques][exact]:.1%} / {numbers[real][amounts on cheques][answered]:.1%}"
        " / {numbers[real][amounts on cheques][answered_wrong]:.2%}"
    ),
    "UJI digits: right": "{figures[uji_validation][accuracy]:.2%}",
    "pen digits: right": "{figures[pen_validation][accuracy]:.2%}",
    "MNIST test: right": "{figures[mnist_test][accuracy]:.2%}",
    "MNIST test: status `digit` / right among those": (
        "{figures[mnist_test][answered]:.2%} / {figures[mnist_test][answered_accuracy]:.2%}"
    ),
    "by the network alone, right: digits of pen numbers / MNIST test": (
        "{people_digits[pen_numbers_alone][accuracy]:.1%} / {people_digits[mnist_test_alone][accuracy]:.2%}"
    ),
    "letters by people called a `digit`: UJI / Greek": (
        "{people_letters[uji_letters][digit]:.1%} / {people_letters[greek][digit]:.1%}"
    ),
    "non-digits that we generated called a `digit`: all / the worst kind": "{outliers[all][digit]:.1%} / {worst:.1%}",
    "corruptions never trained on, errors: fed directly / through `predict`": (
        "{corruptions[all never trained on][direct]:.1%} / {corruptions[all never trained on][predict]:.1%}"
    ),
    "ECE: MNIST test / digits of pen numbers": (
        "{figures[mnist_test][ece]:.2%} / {people_digits[pen_numbers][ece]:.2%}"
    ),
    "no digit, of what has p(no digit) from 0.4 to 0.6: as fitted / never seen": (
        "{odds[fitted on][no_digit]:.0%} / {odds[never seen][no_digit]:.0%}"
    ),
}
CASES = {
    "accuracy": "{accuracy:.1%}",
    "errors": "{errors}",
    "`digit`": "{answered:.1%}",
    "right": "{answered_accuracy:.1%}",
}

INT8_TEXT = """What takes long was not measured of int8 files. How much they differ from the float32 ones is in the
model card."""
CONFIDENCE_TEXT = """NLL: mean negative log-likelihood, in nats. ECE: expected calibration error, 15 bins. AURC: area
under the risk-coverage curve. `digit`, `unsure`, `not_a_digit`: the share of the digits with this status; "right":
accuracy of the `digit` answers. In the pictures, bars are 95 % intervals, and dots mark the model's own thresholds."""

HELD_OUT_TEXT = """Temperature and thresholds are fitted on MNIST validation and the other writers, not on the one
measured; those in the file are fitted on all of them. Recipe and seed were chosen on all of them in both cases."""

PEOPLE_TEXT = """Right: the most probable digit is the label, whatever the status. Refused: status `not_a_digit` or
`blank`. The answered have status `digit`."""

LETTERS_TEXT = """Letters written by people, look-alikes aside: the share that gets the status `digit` or `unsure`."""

NUMBERS_TEXT = """Exact: the text is the label, whatever the status. Errors per digit: digits that would have to be put
in, taken out or changed. Wrong length: some other number of digits. Refused: status `not_a_number` or
`blank`. ECE: of the confidence in the whole number, where it is not refused."""

REAL_NUMBERS_TEXT = """Real numbers, which people wrote: pen numbers (CROHME, CC BY-NC-SA 3.0) and amounts on cheques
(ORAND-CAR, for research), measured on alone, and not shown. Refused as one digit: by `predict_strokes` or `predict`."""

COMPOSED_NUMBERS_TEXT = """Composed numbers: two to six validation digits, by one writer where they are strokes, side by
side; gaps from ink to ink, in heights of a digit, or in pixels of a digit that is 20 pixels high."""

NO_NUMBERS_TEXT = """What is no number: letters by people of whose letters none was learned, look-alikes aside, and
generated non-digits in shapes not trained on; one alone, or two to six in a row. The share that gets each status:"""

ODDS_TEXT = """Is `ood_score` honest? With as many non-digits as validation digits, each set and each kind counting
equally: of what has p(no digit) = 1 / (1 + e^-ood_score) from 0.4 to 0.6, this share is no digit; half would be best.
"Fitted on": kinds of shapes that are trained on, and validation letters. "Never seen": shapes held out, and the letters
above."""

ERRORS_TEXT = """True digit, answer and confidence; those whose true digit got the lowest probability come first."""

WRONG_NUMBERS_TEXT = """Some of what was read wrong, the surest answers first: the label, the answer and its confidence.
Red: `number`, orange: `unsure`, no frame: refused."""

SHEETS = {
    "conditions": """Strokes by writers not trained on, which our own code draws, lights, photographs, scans or saves,
and `predict` reads as files; percentages are accuracies. To the right of each is what the model sees; red: wrong,
orange: right, but `unsure` or `not_a_digit`.""",
    "variants": """None of these was trained on, but others written in each of these ways were; percentages are
accuracies.""",
}


def page(results: Results) -> str:
    """Everything measured, with the pictures that lie beside the page."""
    calibration = [picture("calibration", name) for name in _sets(results)]
    errors = [picture("errors", model, name) for model, name, f in _figures(results) if f["errors"]]
    confidence = join(by_set(results, CONFIDENCE), CONFIDENCE_TEXT, *calibration)
    sections = [
        ("People's own digits and letters", people(results)),
        ("Whole numbers", whole_numbers(results)),
        ("Accuracy", join(by_set(results, ACCURACY), by_set(results, CLASSES)) if calibration else ""),
        ("One model against another", comparisons(results)),
        ("Confidence and status", confidence if calibration else ""),
        ("Writer by writer", writers(results)),
        ("Each writer left out", held_out_writers(results)),
        (
            "Non-digits that we generated",
            join(outliers(results), picture("outliers")) if measured(results, "outliers") else "",
        ),
        ("Corruptions", corruptions(results)),
        ("How the pictures were made", cases(results, "conditions", "condition")),
        ("Ways of writing", cases(results, "variants", "way of writing")),
        ("Remaining errors", join(ERRORS_TEXT, *errors) if errors else ""),
        ("Confusions", join(*confusions(results))),
    ]
    parts = [f"## {title}\n\n{text}" for title, text in sections if text]
    int8 = any(name.endswith("-int8") for name in results)
    return join("# Evaluation", about_sets(results), INT8_TEXT if int8 else "", *parts) + "\n"


def about_sets(results: Results) -> str:
    """What each measured set is, if it is a known one."""
    return "\n".join(f"- {SETS[name][0]}: {SETS[name][1]}." for name in _sets(results) if name in SETS)


def people(results: Results) -> str:
    """What people wrote and nothing was learned from: in short, with what it is to be weighed against; then in full."""
    digits, letters = measured(results, "people_digits"), measured(results, "people_letters")
    if not digits and not letters:
        return ""
    found = dict.fromkeys(name for sets in (*digits.values(), *letters.values()) for name in sets)
    about = "\n".join(f"- {PEOPLE[name][0]}: {PEOPLE[name][1]}." for name in found)
    with_known = {m: {**result["figures"], **digits.get(m, {})} for m, result in results.items()}
    odds = measured(results, "odds")
    return join(
        in_short(results),
        about,
        join("Digits written by people:", side_by_side(_titled(with_known), PEOPLES_DIGITS, "set"), PEOPLE_TEXT),
        join(LETTERS_TEXT, side_by_side(_titled(letters), PEOPLES_LETTERS, "set")) if letters else "",
        join(ODDS_TEXT, side_by_side(odds, ODDS, "non-digits")) if odds else "",
    )


def in_short(results: Results, figures: Columns = IN_SHORT) -> str:
    """A row for each figure that matters most, as far as it was measured, a column for each model."""
    entries = []
    for result in results.values():
        kinds = result.get("outliers") or {}
        worst = max((entry["digit"] for kind, entry in kinds.items() if kind != "all"), default=None)
        entries.append(_cells(result | {"worst": worst}, figures))
    rows = [
        [title, *cells] for title, *cells in zip(figures, *entries, strict=True) if set("".join(cells)) - set("*- /")
    ]
    return table(["", *results], rows)


def whole_numbers(results: Results) -> str:
    """Real numbers, composed ones and any of your own; and what is none."""
    if not (by_model := measured(results, "numbers")):
        return ""
    parts = [NUMBERS_TEXT]
    for kind, text in (("own", ""), ("real", REAL_NUMBERS_TEXT), ("composed", COMPOSED_NUMBERS_TEXT)):
        of_kind = {model: sets[kind] for model, sets in by_model.items() if sets.get(kind)}
        lengths = {length for sets in of_kind.values() for figures in sets.values() for length in figures["by_length"]}
        exact = {f"exact, {length}": f"{{by_length[{length}][exact]:.1%}}" for length in sorted(lengths)}
        columns = NUMBERS | exact | (AS_ONE_DIGIT if kind == "real" else {})
        parts += [text, _by_set_and_model(of_kind, columns)] if of_kind else []
    if none := {model: sets["none"] for model, sets in by_model.items() if sets.get("none")}:
        parts += [NO_NUMBERS_TEXT, side_by_side(none, NO_NUMBERS, "no number")]
    wrong = [model for model, sets in by_model.items() if sets.get("shown")]
    return join(*parts, *([WRONG_NUMBERS_TEXT] if wrong else []), *(picture("numbers", model) for model in wrong))


def _by_set_and_model(by_model: dict[str, dict[str, dict[str, Any]]], columns: Columns) -> str:
    names = dict.fromkeys(name for sets in by_model.values() for name in sets)
    rows = [
        [name, model, *_cells(sets[name], columns)]
        for name in names
        for model, sets in by_model.items()
        if name in sets
    ]
    return table(["numbers", "model", *columns], rows)


def corruptions(results: Results) -> str:
    """Errors by family of corruption, as a model is fed and as `predict` reads."""
    if not (by_model := measured(results, "corruptions")):
        return ""
    families = next(iter(by_model.values()))
    unseen = ", ".join(f for f, entry in families.items() if entry["trained_on"] is False and not f.startswith("all"))
    text = f"""Errors on MNIST's validation digits, changed by our own code as paper, pens and cameras change them; fed
to the models, and the first thousand also read by `predict`, for which a blank is an error. Never trained on, only
measured: {unseen}. Model Zoo: mnist-8.onnx of the ONNX Model Zoo, to compare with."""
    peer = {family: {"direct": entry["peer"]} for family, entry in families.items() if "peer" in entry}
    return join(text, side_by_side(by_model | ({"Model Zoo": peer} if peer else {}), CORRUPTIONS, "family"))


def _titled(by_model: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {m: {short_title(name): entry for name, entry in rows.items()} for m, rows in by_model.items()}


def comparisons(results: Results) -> str:
    """Every pair of models on every set they were both measured on: McNemar's exact test."""
    rows = [
        [f"{m}, {other}", short_title(s), str(c["only_this"]), str(c["only_other"]), chance(c["p"])]
        for m, against in measured(results, "against").items()
        for other, sets in against.items()
        if other in results
        for s, c in sets.items()
    ]
    note = "p: how often chance makes two equally good models differ this much (exact McNemar test, two-sided)."
    titles = ["models", "set", "only the first is right", "only the second is right", "p"]
    return join(table(titles, rows), note) if rows else ""


def writers(results: Results) -> str:
    """Every writer of the sets whose writers are known."""
    by_model = measured(results, "writers")
    names = dict.fromkeys(name for sets in by_model.values() for name in sets)
    tables = {name: side_by_side({m: sets[name] for m, sets in by_model.items()}, WRITERS) for name in names}
    return join(*(join(f"{short_title(name)}:", text) for name, text in tables.items()))


def held_out_writers(results: Results) -> str:
    """Each writer left out: calibration, and how reliable the `digit` answers are, by writer and for "all"."""
    by_model = measured(results, "held_out_writers")
    return join(HELD_OUT_TEXT, side_by_side(by_model, HELD_OUT)) if by_model else ""


def outliers(results: Results, only: str = "") -> str:
    """How well each kind of non-digit, or only one, is told from digits; and how to read the table and the picture."""
    by_model = measured(results, "outliers")
    kinds = next(iter(by_model.values()))
    unseen = ", ".join(kind for kind, entry in kinds.items() if not entry.get("trained_on", True))
    each = min(entry["count"] for kind, entry in kinds.items() if kind != "all")
    text = f"""Pictures from our own generator, {each:,} of each kind ({sure_to(0.02, each)}), in shapes not trained
on (for uniform grey only other levels, for several digits only other pairs). Kinds not trained on at all: {unseen}.
AUROC: how often such a picture has a higher `ood_score` than a digit. FPR95: the share of them that passes where 95 %
of the digits pass. "taken": the share that gets status `digit`, as `predict` answers; "on paper": the same
share when some of each kind are photographed on paper and read as `predict` reads a file. The picture shows the share
taken, and examples: red is `digit`, orange `unsure`, green `not_a_digit`."""
    columns: Columns = {}
    for name in kinds["all"]["auroc"]:
        columns[f"AUROC, {short_title(name)}"] = f"{{auroc[{name}]:.4f}}"
        columns[f"FPR95, {short_title(name)}"] = f"{{fpr95[{name}]:.1%}}"
    columns |= {"taken": "{digit:.1%}", "on paper": "{on_paper:.1%}"}
    return join(text, side_by_side(by_model, columns, "kind", only))


def cases(results: Results, key: str, what: str) -> str:
    """Accuracy on a sheet of SHEETS, case by case, and the sheet."""
    if not (by_model := measured(results, key)):
        return ""
    return join(sheet_text(results, key), side_by_side(by_model, CASES, what), picture(key))


def sheet_text(results: Results, key: str) -> str:
    """What is on a sheet of SHEETS, how many digits are behind each row of its table, and how far to trust a share."""
    each = min(entry["count"] for entry in next(iter(measured(results, key).values())).values())
    return f"{SHEETS[key]} {each:,} digits each: one is worth {100 / each:.2g} points ({sure_to(0.98, each)})."


def sure_to(share: float, count: int) -> str:
    """How far chance alone may move a share of this many."""
    low, high = wilson(round(share * count), count)
    return f"95 % interval of {share:.0%}: {low:.1%} to {high:.1%}"


def confusions(results: Results) -> list[str]:
    """A matrix for every model and set, as fixed-width text."""
    texts = []
    for model, name, f in _figures(results):
        rows = ["     " + "".join(f"{digit:6}" for digit in range(10))]
        for digit, row in enumerate(f["confusion"]):
            rows.append(f"{digit:4} " + "".join(f"{count or '·':>6}" for count in row))
        title = f"{model}, {short_title(name)}: rows are the true digit, columns the answer."
        texts.append(join(title, "```text\n" + "\n".join(rows) + "\n```"))
    return texts


def picture(subject: str, *which: str, folder: str = "") -> str:
    """A picture in Markdown; `folder` is where it lies, as seen from the page."""
    words = " ".join((subject, *which)).replace("_", " ")
    return f"![{words}]({folder}{picture_name(subject, *which)})"


def picture_name(subject: str, *which: str) -> str:
    """The file name of a picture, such as errors_cnn_mnist_test.png."""
    return re.sub(r"[^\w.-]+", "_", "_".join((subject, *which))).strip("_") + ".png"


def by_set(results: Results, columns: Columns) -> str:
    """A table with a row for each model and set."""
    rows = [[model, short_title(name), *_cells(f, columns)] for model, name, f in _figures(results)]
    return table(["model", "set", *columns], rows)


def side_by_side(
    by_model: dict[str, dict[str, dict[str, Any]]], columns: Columns, what: str = "writer", only: str = ""
) -> str:
    """A table with a row for each key, or only one, and all columns for each model."""
    names = [only] if only else list(dict.fromkeys(name for rows in by_model.values() for name in rows))
    titles = [what, "count", *(f"{model}: {title}" for model in by_model for title in columns)]
    lines = []
    for name in names:
        found = [rows.get(name, {}) for rows in by_model.values()]
        count = max(entry.get("count", 0) for entry in found)
        lines.append([name, str(count), *(cell for entry in found for cell in _cells(entry, columns))])
    return table(titles, lines)


def measured(results: Results, key: str) -> dict[str, dict[str, dict[str, Any]]]:
    """One part of the results by model, for the models that have it."""
    return {model: result[key] for model, result in results.items() if result.get(key)}


def table(titles: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def join(*paragraphs: str) -> str:
    """Paragraphs with a blank line between them; empty ones are left out."""
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def chance(p: float) -> str:
    """A p value with three places."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def short_title(name: str) -> str:
    """What a set is called in a table; SETS says more."""
    return (SETS | PEOPLE)[name][0] if name in SETS | PEOPLE else name


class _Cell(Formatter):
    """Puts a figure into a cell, or a dash where there is none."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        try:
            return super().get_field(field_name, args, kwargs)
        except (KeyError, TypeError):
            return None, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        return "-" if value is None else str(super().format_field(value, format_spec))


def _cells(entry: dict[str, Any], columns: Columns) -> list[str]:
    return [_Cell().vformat(text, (), entry) for text in columns.values()]


def _figures(results: Results) -> list[tuple[str, str, dict[str, Any]]]:
    """Models, sets and figures, with the interval of the accuracy also as numbers of errors."""
    found = []
    for model, result in results.items():
        for name, figures in result["figures"].items():
            most, fewest = ((1 - share) * figures["count"] for share in figures["interval"])
            found.append((model, name, figures | {"fewest": fewest, "most": most}))
    return found


def _sets(results: Results) -> list[str]:
    return list(dict.fromkeys(name for result in results.values() for name in result["figures"]))
