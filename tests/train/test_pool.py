"""The pool: what an epoch shows."""

from dataclasses import replace
from pathlib import Path

import pytest

from train.data import NOT_A_DIGIT
from train.pool import fill_pool, make_round, pool_lesson, read_round
from train.recipes import Mixture
from train.synthetic.generate import generate_digits, generate_samples

PICTURES = generate_digits(256, seed=1)
PEN = list(generate_samples(20, seed=2))
MIXTURE = Mixture(rounds=2, pen_repeats=2, generated=30, undistorted=24, outliers=40)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    fill_pool(folder, MIXTURE, PICTURES, PEN)
    return folder


def test_a_round_shows_every_digit_anew_and_then_non_digits(pool: Path) -> None:
    first, second = (read_round(pool, number) for number in range(2))
    assert len(first) == 256 + 24 + 2 * 20 + 30 + 40
    assert first.labels[:256].tolist() == PICTURES.labels.tolist()
    as_they_are = {image.tobytes() for image in PICTURES.images}
    assert all(image.tobytes() in as_they_are for image in first.images[256:280])
    assert first.labels[280:320].tolist() == [int(s.label or "") for s in PEN * 2]
    assert (first.labels[-40:] == NOT_A_DIGIT).all()
    same = (first.images == second.images).all(axis=(1, 2))
    assert same.mean() < 0.05
    assert not (first.images[:256] == PICTURES.images).all(axis=(1, 2)).any()
    assert not (first.images[280:300] == first.images[300:320]).all(axis=(1, 2)).any()


def test_a_round_is_the_same_each_time_it_is_made(pool: Path) -> None:
    again = make_round(MIXTURE, 1, PICTURES, PEN)
    assert (again.images == read_round(pool, 1).images).all()


def test_of_the_pictures_fewer_are_distorted_where_the_recipe_says_so_and_others_in_each_round() -> None:
    mixture = replace(MIXTURE, distorted=100)
    first, second = (make_round(mixture, number, PICTURES, PEN) for number in range(2))
    assert len(first) == len(second) == 100 + 24 + 2 * 20 + 30 + 40
    assert first.labels[:100].tolist() != second.labels[:100].tolist()


def test_what_is_there_is_not_made_again(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.pool.make_round", lambda *_: pytest.fail("made again"))
    fill_pool(pool, MIXTURE, PICTURES, PEN)


def test_an_epoch_shows_a_round_with_its_labels_as_targets_and_every_seed_begins_with_another(pool: Path) -> None:
    for seed, epoch, number in ((1, 0, 1), (1, 1, 0), (2, 0, 0)):
        images, targets = pool_lesson(pool, 2, seed, epoch)
        digits = read_round(pool, number)
        assert images.tobytes() == digits.images.tobytes()
        assert targets.shape == (390, 11) and (targets.sum(axis=1) == 1).all()
        assert (targets.argmax(axis=1) == digits.labels).all()


def test_processes_that_share_the_pool_out_make_all_of_it(pool: Path, tmp_path: Path) -> None:
    for share in (1, 0):
        fill_pool(tmp_path, MIXTURE, PICTURES, PEN, share, 2)
    for number in range(2):
        assert (read_round(tmp_path, number).images == read_round(pool, number).images).all()
