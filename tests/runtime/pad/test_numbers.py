"""Whole numbers on the pad: read without a switch, shown large, each digit to be pointed at, doubt marked."""

import json

import numpy as np
import pygame
import pytest

from digitpad.pad.demo import click, drag, written
from digitpad.pad.layout import digit_places
from digitpad.pad.paint import LIGHT
from digitpad.recognizer import Recognizer
from tests.runtime.pad.pad_user import accent_in, draw_digit, focus, gathered, label, part, post, press_key, tap, window
from tests.runtime.pad.stand_in import StandIn


def write(pad, text):
    for stroke in written(pad, text):
        drag(pad, stroke)


def reads(number, status="digit"):
    return lambda model: StandIn(model, number, status)


def read(pad):
    draw_digit(pad)
    click(pad, "predict")
    return pad


def seen(pad, card=0):
    """What the card shows as what the model saw."""
    box = pad.view.layout.number_cards[card].picture
    times = box.w // 28
    return part(box)[times // 2 :: times, times // 2 :: times, 0].T


def point_at(pad, digit):
    rect = pad.view.controls()[digit]
    post(pad, (pygame.MOUSEMOTION, {"pos": (rect.x + rect.w // 2, rect.y + rect.h // 2), "buttons": (0, 0, 0)}))


def point_away(pad):
    post(pad, (pygame.MOUSEMOTION, {"pos": (1, 1), "buttons": (0, 0, 0)}))


@pytest.mark.parametrize("model", ["cnn", "mlp"])
def test_a_number_is_read_without_a_switch_and_a_digit_as_ever(make_pad, model):
    pad = make_pad(model, load=Recognizer)
    for text in ("42", "1984", "7"):
        write(pad, text)
        press_key(pad, pygame.K_RETURN)
        answer = pad.models.answers[model]
        assert (getattr(answer, "text", None) or str(answer.digit)) == text
        assert pad.history.entries[0].answer == text
        click(pad, "clear")
    click(pad, "history 2")
    assert pad.models.answers[model].text == "42", "and comes back from the history"


def test_a_letter_or_a_drawing_is_no_digit(make_pad):
    pad = make_pad(load=Recognizer)
    e = [[(0.35, 0.2), (0.35, 0.8)], *([(0.35, y), (0.7, y)] for y in (0.2, 0.5, 0.8))]
    heart = [[(0.5, 0.8), (0.15, 0.4), (0.3, 0.2), (0.5, 0.38), (0.7, 0.2), (0.85, 0.4), (0.5, 0.8)]]
    for drawing in (e, heart):
        for stroke in drawing:
            drag(pad, stroke)
        click(pad, "predict")
        assert pad.models.answers["cnn"].status == "not_a_digit" and pad.models.answers["cnn"].image.any()
        click(pad, "clear")


def test_what_the_model_saw_of_each_digit_is_shown_where_one_points_and_else_of_the_least_sure(make_pad):
    pad = make_pad(load=Recognizer)
    write(pad, "1984")
    click(pad, "predict")
    digits = pad.models.answers["cnn"].digits
    least_sure = min(digits, key=lambda digit: digit.confidence)
    assert np.array_equal(seen(pad), least_sure.image)
    for n, digit in enumerate(digits):
        point_at(pad, f"digit 0 {n}")
        assert np.array_equal(seen(pad), digit.image)
    point_away(pad)
    assert np.array_equal(seen(pad), least_sure.image)
    for n, digit in enumerate(digits):
        focus(pad, f"digit 0 {n}")
        assert np.array_equal(seen(pad), digit.image), "with the Tab key alone"
    before = window()
    press_key(pad, pygame.K_TAB)
    assert not np.array_equal(window(), before)
    tap(pad, pad.view.controls()["digit 0 2"])
    assert np.array_equal(seen(pad), digits[2].image), "a finger chooses"
    write(pad, "7")
    click(pad, "clear")
    write(pad, "1984")
    click(pad, "predict")
    assert np.array_equal(seen(pad), least_sure.image), "but not for the next drawing"


def test_both_models_show_the_same_digit_and_may_read_different_numbers(make_pad):
    pad = read(make_pad("both", load=lambda model: StandIn(model, {"cnn": "198", "mlp": "1?704"}[model])))
    for model, n, shown in [(1, 2, "8"), (0, 0, "1"), (1, 3, "4")]:
        before = part(pad.view.layout.number_cards[0].bars)
        point_at(pad, f"digit {model} {n}")
        assert np.array_equal(part(pad.view.layout.number_cards[0].bars), before) == (shown == "4"), "which one has not"
    post(pad, (pygame.WINDOWEXPOSED, {}))


def ground_of(pad, digit):
    return part(pad.view.controls()[digit])


def test_a_doubtful_digit_is_marked_and_a_doubtful_number_looks_like_none_that_is_sure(make_pad):
    looks = {}
    for number, status in [("1984", "digit"), ("19?84", "digit"), ("1984", "unsure")]:
        pad = read(make_pad(load=reads(number, status)))
        press_key(pad, pygame.K_c)
        read(pad)
        point_at(pad, "digit 0 3")
        looks[number, status] = [ground_of(pad, f"digit 0 {n}") for n in range(4)]
    sure, doubt, unsure = looks.values()
    assert [np.array_equal(a, b) for a, b in zip(sure, doubt, strict=True)] == [True, False, True, True]
    darkest = (doubt[1] == LIGHT.text).all(axis=2)
    assert darkest.any() and not (sure[1] == LIGHT.text).all(axis=2).any(), "marked by more than a colour"
    assert not any((look == LIGHT.accent).all(axis=2).any() for look in unsure)


@pytest.mark.parametrize("size", [(320, 240), (480, 320), (800, 480), (480, 800), (1280, 800)])
@pytest.mark.parametrize("number", ["42", "12\n345", "3" * 32, "\n".join(["12345678901234567890123456789012"] * 30)])
def test_any_number_fits_its_card_in_any_window(make_pad, size, number):
    pad = read(make_pad("both", load=reads(number), size=size))
    for n, card in enumerate(pad.view.layout.number_cards):
        places = digit_places(card.digit, number)
        assert 2 <= len(places) <= len(number)
        for x, y, w, h in places:
            assert w > 0 and h > 0 and card.digit.holds(x, y) and card.digit.holds(x + w - 1, y + h - 1)
        assert len({(x, y) for x, y, *_ in places}) == len(places)
        assert f"digit {n} 1" in pad.view.controls() and (len(number) > 6 or accent_in(card.digit))
        for x, y, *_ in places[::31]:
            post(
                pad, *((kind, {"pos": (x, y), "button": 1}) for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP))
            )


def test_a_doubtful_number_may_be_one_digit_that_was_misread_as_several(make_pad, tmp_path):
    pad = read(make_pad(load=reads("11", "unsure")))
    label(pad, 4)
    assert gathered(tmp_path)[0] == ["4"] and pad.drawing.label == "4"


def test_a_saved_number_says_what_was_read_and_where(make_pad, tmp_path):
    pad = make_pad(load=Recognizer)
    write(pad, "42")
    click(pad, "predict")
    click(pad, "save")
    content = json.loads((tmp_path / "files" / "drawing-0001.json").read_bytes())
    said = content["meta"]["answers"]["cnn"]
    assert (said["status"], said["text"], [digit["digit"] for digit in said["digits"]]) == ("number", "42", [4, 2])
    points = np.concatenate([np.array(stroke) for stroke in content["samples"][0]["strokes"]])
    assert [said["digits"][0]["box"][0], said["digits"][1]["box"][2]] == [points[:, 0].min(), points[:, 0].max()]
    assert Recognizer().read_strokes([np.array(s) for s in content["samples"][0]["strokes"]]).text == "42"


def test_live_a_number_grows_and_what_was_judged_is_not_judged_again(make_pad, monkeypatch):
    pad = make_pad(live=True, load=Recognizer)
    judged, run = [], Recognizer.run
    monkeypatch.setattr(Recognizer, "run", lambda self, images: judged.append(len(images)) or run(self, images))
    strokes = written(pad, "271828")
    for number, stroke in enumerate(strokes):
        drag(pad, stroke)
        pad.step(10_000 * (number + 1))
    assert pad.models.answers["cnn"].text == "271828" and len(pad.history.entries) == 1
    assert 0 < judged[-1] <= 3, "the last eight alone, and with what is beside it"
    pad.drawing.changes += 1  # nothing is new
    del judged[:]
    pad.step(200_000)
    assert pad.models.up_to_date and not judged
