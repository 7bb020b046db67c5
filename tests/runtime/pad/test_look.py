"""How the pad looks: words are legible on what is behind them, and whole, in every state, size and theme."""

from dataclasses import replace

import pytest

pytest.importorskip("pygame")
import numpy as np
import pygame

from digitpad.answers import Number, Prediction
from digitpad.pad import paint
from digitpad.pad.layout import lay_out
from digitpad.pad.window import open_window
from tests.runtime.pad.pad_states import SIZES, STATES, show_state

CONTRAST = 4.5  # WCAG 2.1, level AA


def luminance(colour):
    """WCAG 2.1, relative luminance."""
    channels = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture
def written(monkeypatch):
    """What is written in the window: each text with its size, colour, place, and the colours behind it."""
    texts = []
    write = paint.write

    def spy(surface, text, size, colour, x, y):
        place = pygame.Rect((x, y), paint.font(size).size(text))
        inside = place.clip(surface.get_rect())
        # In a corner or at an edge, where no letter is.
        grounds = {tuple(surface.get_at(at))[:3] for at in (inside.topleft, inside.midtop, inside.midbottom)}
        texts.append((text, size, colour, place, grounds, surface.get_rect()))
        write(surface, text, size, colour, x, y)

    monkeypatch.setattr(paint, "write", spy)
    yield texts
    pygame.quit()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("dark", [False, True])
def test_every_word_can_be_read_and_lies_within_the_window(state, dark, written):
    for size in SIZES:
        pad = show_state(state, size)
        if dark:
            pad.toggle("dark")
        written.clear()
        pad.view.forget()
        pad.view.draw(pygame.display.get_surface())
        assert written
        for text, _, colour, place, grounds, window in written:
            if not text.strip():
                continue
            for ground in grounds:
                assert contrast(colour, ground) >= CONTRAST, (size, text, colour, ground)
            assert window.contains(place.inflate(0, -place.h // 2)), (size, text)


@pytest.mark.parametrize("size", SIZES)
def test_every_state_looks_different(size):
    looks = set()
    for state in STATES:
        show_state(state, size)
        looks.add(pygame.image.tobytes(pygame.display.get_surface(), "RGB"))
    assert len(looks) == len(STATES) and pygame.display.get_window_size() == size


@pytest.mark.parametrize("size", [*SIZES, (320, 480), (480, 800), (3840, 2160)])
def test_the_words_of_buttons_and_answers_are_not_cut_off(size, written):
    show_state("both", size)
    words = {text for text, *_ in written}
    for label in ("CNN", "MLP", "Both", "Live", "Eraser", "Undo", "Redo", "Clear", "Save", "Help"):
        assert label in words, (size, label)
    assert {"Predict the Digit"} <= words or {"Predict the", "Digit"} <= words
    assert any(text.startswith("99.1") for text in words), (size, words)
    assert not any("…" in text for text in words), (size, words)


@pytest.mark.parametrize("size", [*SIZES, (320, 480), (3840, 2160)])
def test_an_answer_that_is_painted_over_another_looks_as_if_it_were_painted_afresh(size):
    open_window((320, 240))
    rng = np.random.default_rng(1)
    for cards in (1, 2):
        layout = lay_out(*size, card_count=cards)
        over, fresh = pygame.Surface(size), pygame.Surface(size)
        painted = {}
        for number in range(12):
            status = ("digit", "digit", "unsure", "not_a_digit", "blank")[rng.integers(5)]
            parts = rng.dirichlet([0.2] * 10).astype(np.float32)
            digit = None if status in ("not_a_digit", "blank") else int(parts.argmax())
            image = rng.integers(0, 256, (28, 28), np.uint8)
            answer = Prediction(status, digit, float(parts.max()), parts, 0.0, image)
            shown = paint.Shown("CNN", answer, f"{rng.uniform(0, 20):.1f} ms")
            if number in (3, 7):
                shown = paint.Shown("CNN", message="Press Predict the Digit")
            if number in (5, 9):
                shown = paint.Shown("CNN", trouble="the model is damaged" * number)
            card = layout.cards[-1]
            if number in (2, 6, 8):
                count = int(rng.integers(2, 5))
                digits = tuple(replace(answer, digit=int(parts.argmax())) for _ in range(count))
                answer = Number(str(parts.argmax()) * count, "number", 0.9, digits)
                shown = paint.Shown("CNN", answer, pointed=int(rng.integers(count)), focused=number == 6)
                card = layout.number_cards[-1]
            before = pygame.surfarray.array3d(over)
            changed = paint.paint_card(over, card, shown, paint.DARK, layout.body, layout.small, painted)
            paint.paint_card(fresh, card, shown, paint.DARK, layout.body, layout.small, {})
            after = pygame.surfarray.array3d(over)
            assert (after == pygame.surfarray.array3d(fresh)).all(), (size, number)
            for x, y, w, h in changed:
                before[x : x + w, y : y + h] = after[x : x + w, y : y + h]
            assert (before == after).all(), (size, number)


def test_type_has_few_sizes(written):
    """Two, and the large digit, where there is room."""
    for size in [(800, 480), (1280, 800), (3840, 2160)]:
        pad = show_state("digit", size)
        written.clear()  # the window's icon has a digit, too
        pad.view.forget()
        pad.view.draw(pygame.display.get_surface())
        layout = lay_out(*size)
        large = {s for text, s, *_ in written if text == "7" and s > 2 * layout.body}
        assert len(large) == 1 and {s for _, s, *_ in written} - large == {layout.small, layout.body}


@pytest.mark.parametrize("theme", [paint.LIGHT, paint.DARK])
def test_what_is_chosen_and_what_does_nothing_now_look_different_to_the_colour_blind(theme):
    """By light and dark alone: the accent against a button's face, a bar against its track, ink against paper."""
    assert contrast(theme.accent, theme.card) >= 3
    assert contrast(theme.accent, theme.track) >= 3
    assert contrast(theme.bar, theme.accent) >= 1.3
    assert contrast(theme.ink, theme.paper) >= 7
    assert contrast(theme.text, theme.card) > 1.3 * contrast(theme.quiet, theme.back), "buttons and their words"
