"""The pool: what an epoch shows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitpad.stroke_files import Sample
from train.corruption import FAMILIES
from train.data import NOT_A_DIGIT
from train.pool import Known, Round, answers_path, fill_pool, make_round, pool_lesson, read_round
from train.recipes import Mixture
from train.synthetic.generate import generate_digits, generate_samples

PICTURES = generate_digits(256, seed=1)
PEN, OTHER_PEN = (list(generate_samples(20, seed=seed)) for seed in (2, 3))
LETTERS = [Sample(s.strokes, "abcdefghij"[int(s.label or "")]) for s in generate_samples(10, seed=4)]
KNOWN = Known(PICTURES, {"pen": PEN, "other pen": OTHER_PEN}, {"letters": LETTERS})
MIXTURE = Mixture(
    rounds=2, undistorted=24, pen=80, generated=30, outliers=40, letters=12, neighbours=8, leavings=6, corrupted=0.5
)
PARTS = {
    "mnist": 256,
    "undistorted": 24,
    "pen": 40,
    "other pen": 40,
    "generated": 30,
    "outliers": 40,
    "letters": 12,
    "neighbours": 8,
    "leavings": 6,
}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    fill_pool(folder, MIXTURE, KNOWN)
    return folder


def part(made: Round, name: str) -> slice:
    """Where a part of a round is."""
    names = list(made.parts)
    first = sum(made.parts[before] for before in names[: names.index(name)])
    return slice(first, first + made.parts[name])


def test_a_round_shows_every_digit_anew_and_non_digits_and_says_which_are_which(pool: Path) -> None:
    first, second = (read_round(pool, number) for number in range(2))
    assert first.parts == second.parts == PARTS
    assert len(first.digits) == len(first.families) == sum(PARTS.values())
    assert sorted(first.digits.labels[part(first, "mnist")]) == sorted(PICTURES.labels)
    for name in ("outliers", "letters", "neighbours", "leavings"):
        assert (first.digits.labels[part(first, name)] == NOT_A_DIGIT).all()
    assert (first.digits.labels[: part(first, "outliers").start] < NOT_A_DIGIT).all()
    shown = [{image.tobytes() for image in made.digits.images[part(made, "mnist")]} for made in (first, second)]
    assert len(shown[0] | shown[1]) == 2 * 256
    assert not (shown[0] | shown[1]) & {image.tobytes() for image in PICTURES.images}


def test_each_collection_of_pen_digits_is_shown_as_often_each_digit_in_another_form(pool: Path) -> None:
    made = read_round(pool, 0)
    for name, samples in KNOWN.pen.items():
        labels, images = made.digits.labels[part(made, name)], made.digits.images[part(made, name)]
        assert sorted(labels.tolist()) == sorted(2 * [int(s.label or "") for s in samples])
        assert len({image.tobytes() for image in images}) == 40


def test_undistorted_pictures_stay_as_they_are_and_about_the_asked_share_of_others_is_corrupted(pool: Path) -> None:
    made = read_round(pool, 0)
    as_they_are = {image.tobytes() for image in PICTURES.images}
    assert all(image.tobytes() in as_they_are for image in made.digits.images[part(made, "undistorted")])
    assert not made.families[part(made, "undistorted")].any()
    share = made.families[part(made, "mnist")].any(axis=1).mean()
    assert abs(share - (1 - (1 - 0.5) * (1 - 0.15))) < 0.12
    assert set(made.families.ravel().tolist()) == set(range(len(FAMILIES) + 1))
    clean = make_round(replace(MIXTURE, corrupted=0, corrupted_strokes=0), 0, KNOWN)
    assert not clean.families.any()


def test_a_round_is_the_same_each_time_it_is_made(pool: Path) -> None:
    again, before = make_round(MIXTURE, 1, KNOWN), read_round(pool, 1)
    assert (again.digits.images == before.digits.images).all()
    assert (again.families == before.families).all()


def test_of_the_pictures_fewer_are_distorted_where_the_recipe_says_so_and_others_in_each_round() -> None:
    mixture = replace(MIXTURE, distorted=100)
    first, second = (make_round(mixture, number, KNOWN) for number in range(2))
    assert first.parts == second.parts == PARTS | {"mnist": 100}
    assert first.digits.labels[:100].tolist() != second.digits.labels[:100].tolist()


def test_without_pictures_pens_or_letters_there_are_generated_digits_and_non_digits() -> None:
    made = make_round(MIXTURE, 0, Known(PICTURES.pick(slice(0)), {}, {}))
    assert {name: count for name, count in made.parts.items() if count} == {
        "generated": 30,
        "outliers": 40,
        "leavings": 6,
    }
    assert len(made.digits) == 76


def test_what_is_there_is_not_made_again(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.pool.make_round", lambda *_: pytest.fail("made again"))
    fill_pool(pool, MIXTURE, KNOWN)


def test_an_epoch_shows_a_round_with_its_labels_as_targets_and_every_seed_begins_with_another(pool: Path) -> None:
    for seed, epoch, number in ((1, 0, 1), (1, 1, 0), (2, 0, 0)):
        images, targets = pool_lesson(pool, 2, seed, epoch)
        digits = read_round(pool, number).digits
        assert images.tobytes() == digits.images.tobytes()
        assert targets.shape == (sum(PARTS.values()), 11) and (targets.sum(axis=1) == 1).all()
        assert (targets.argmax(axis=1) == digits.labels).all()


def test_processes_that_share_the_pool_out_make_all_of_it(pool: Path, tmp_path: Path) -> None:
    for share in (1, 0):
        fill_pool(tmp_path, MIXTURE, KNOWN, share, 2)
    for number in range(2):
        assert (read_round(tmp_path, number).digits.images == read_round(pool, number).digits.images).all()


def test_of_a_lesson_with_a_teacher_its_answers_are_a_share_of_the_targets(pool: Path, tmp_path: Path) -> None:
    images, labels = pool_lesson(pool, 2, seed=1, epoch=0)
    answers = np.full(labels.shape, 1 / 11, np.float16)
    np.save(answers_path(tmp_path, 1), answers)
    taught_images, targets = pool_lesson(pool, 2, seed=1, epoch=0, answers=tmp_path, taught=0.7)
    assert taught_images.tobytes() == images.tobytes()
    np.testing.assert_allclose(targets, 0.3 * labels + 0.7 * answers.astype(np.float32), atol=1e-6)
