"""Measures of answers: what the report's figures mean, checked on cases whose value is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluate import metrics

scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30).map(np.array)
answers = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40)


def test_wilsons_interval_agrees_with_the_textbook() -> None:
    low, high = metrics.wilson(9_950, 10_000)
    assert low == pytest.approx(0.99343, abs=1e-4)
    assert high == pytest.approx(0.99621, abs=1e-4)


@given(st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share_and_stays_within_0_and_1(case: tuple[int, int]) -> None:
    low, high = metrics.wilson(*case)
    assert 0 <= low <= case[0] / case[1] + 1e-12
    assert case[0] / case[1] - 1e-12 <= high <= 1


def test_two_models_differ_as_a_fair_coin_says() -> None:
    assert metrics.mcnemar(0, 0) == 1
    assert metrics.mcnemar(1, 0) == 1  # one toss says nothing
    assert metrics.mcnemar(0, 6) == pytest.approx(2 / 2**6)
    assert metrics.mcnemar(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert metrics.mcnemar(8, 2) == metrics.mcnemar(2, 8)
    assert metrics.mcnemar(5, 5) == 1
    assert metrics.mcnemar(480, 520) == pytest.approx(0.2174, abs=2e-3)  # as the normal approximation has it


def test_log_loss_is_the_mean_surprise_at_the_truth() -> None:
    probabilities = np.full((2, 10), 0.05)
    probabilities[0, 3], probabilities[1, 3] = 0.55, 0.55
    assert metrics.log_loss(probabilities, np.array([3, 4])) == pytest.approx(-(np.log(0.55) + np.log(0.05)) / 2)
    assert metrics.log_loss(np.eye(10), np.roll(np.arange(10), 1)) == pytest.approx(-np.log(1e-12))


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    confidence = np.array([0.9] * 10 + [0.5] * 10)
    right = np.array([True] * 9 + [False] + [True] * 5 + [False] * 5)
    assert metrics.calibration_error(confidence, right) == pytest.approx(0)
    assert metrics.calibration_error(confidence, np.ones(20, bool)) == pytest.approx((0.1 + 0.5) / 2)
    assert metrics.calibration_error(np.ones(4), np.array([True, True, True, False])) == pytest.approx(0.25)


def test_a_reliability_diagram_counts_every_answer_once_and_leaves_empty_bins_out() -> None:
    counts, confidence, accuracy = metrics.reliability(np.array([1.0, 0.99, 0.3]), np.array([True, False, True]))
    assert counts.sum() == 3
    assert counts[14] == 2
    assert accuracy[14] == 0.5
    assert confidence[14] == pytest.approx(0.995)
    assert np.isnan(accuracy[0]) and np.isnan(confidence[0])


def test_risk_rises_where_the_less_sure_answers_are_wrong() -> None:
    coverage, risk = metrics.risk_coverage(np.array([0.6, 0.9, 0.8, 0.7]), np.array([False, True, True, True]))
    assert coverage == pytest.approx([0.25, 0.5, 0.75, 1])
    assert risk == pytest.approx([0, 0, 0, 0.25])


def test_answers_of_equal_confidence_share_their_errors() -> None:
    _, risk = metrics.risk_coverage(np.array([1.0, 1.0, 1.0, 0.5]), np.array([True, False, True, True]))
    assert risk == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1 / 4])


@given(answers)
def test_risk_does_not_depend_on_the_order_of_the_answers(pairs: list[tuple[float, bool]]) -> None:
    confidence, right = (np.array(column) for column in zip(*pairs, strict=True))
    _, risk = metrics.risk_coverage(confidence, right)
    _, backwards = metrics.risk_coverage(confidence[::-1], right[::-1])
    assert risk == pytest.approx(backwards)
    assert risk[-1] == pytest.approx((~right).mean())


@given(scores, scores)
def test_auroc_is_how_often_the_other_thing_scores_higher(digits: np.ndarray, others: np.ndarray) -> None:
    above = others[:, None] > digits
    equal = others[:, None] == digits
    assert metrics.auroc(digits, others) == pytest.approx((above + equal / 2).mean())


def test_false_positives_are_what_passes_where_95_percent_of_the_digits_pass() -> None:
    digits = np.arange(100.0)  # 95 of them are at most 94
    assert metrics.false_positives(digits, np.array([93.0, 94.0, 95.0, 200.0])) == 0.5
    assert metrics.false_positives(digits, np.array([1e9])) == 0
    assert metrics.false_positives(digits, np.array([-1e9])) == 1


@given(scores, scores)
def test_at_least_95_percent_of_the_digits_pass_themselves(digits: np.ndarray, others: np.ndarray) -> None:
    assert metrics.false_positives(digits, digits) >= 0.95
    assert 0 <= metrics.false_positives(digits, others) <= 1


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("", "", 0), ("", "12", 2), ("1984", "1984", 0), ("194", "1984", 1), ("12", "21", 2), ("7123", "123", 1)],
)
def test_edits_between_two_texts(one: str, other: str, count: int) -> None:
    assert metrics.edits(one, other) == metrics.edits(other, one) == count
