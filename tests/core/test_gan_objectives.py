"""core/gan/objectives: every loss and its derivative against the formula in the literature, by autograd."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.gan import objectives
from core.gan.objectives import LOG_OF_ZERO, OBJECTIVES, TERMS, named, pull, slope, smoothed

D = torch.sigmoid
FORMULAS = {  # the losses of a real image, of a generated one in D's step, and in G's, as functions of the score s
    "bce": (lambda s: -D(s).log(), lambda s: -(1 - D(s)).log(), lambda s: -D(s).log()),
    "raw-log": (lambda s: -D(s).log(), lambda s: -(1 - D(s)).log(), lambda s: -D(s).log()),
    "minimax": (lambda s: -D(s).log(), lambda s: -(1 - D(s)).log(), lambda s: (1 - D(s)).log()),
    "course": (lambda s: -D(s).log(), lambda s: -(1 - D(s)).log(), lambda s: -D(s).log() - (1 - D(s)).log()),
    "leak": (lambda s: -D(s).log(), lambda s: -(1 - D(s)).log(), lambda s: -D(s).log() - (1 - D(s)).log()),
    "least-squares": (lambda s: 0.5 * (s - 1) ** 2, lambda s: 0.5 * s**2, lambda s: 0.5 * (s - 1) ** 2),
    "hinge": (lambda s: (1 - s).clamp(min=0), lambda s: (1 + s).clamp(min=0), lambda s: -s),
    "wgan-gp": (lambda s: -s, lambda s: s, lambda s: -s),
}
SCORES = [-12.0, -3.1, -1.01, -0.99, -0.3, 0.0, 0.2, 0.99, 1.01, 2.5, 12.0]


def with_gradient(function, score: float, dtype: torch.dtype = torch.float64) -> tuple[float, float]:
    """Value and derivative of a function of a scalar, by autograd."""
    s = torch.tensor(score, dtype=dtype, requires_grad=True)
    value = function(s)
    (gradient,) = torch.autograd.grad(value, s)
    return value.item(), gradient.item()


def test_every_objective_has_a_formula_here():
    assert list(FORMULAS) == list(OBJECTIVES)


@pytest.mark.parametrize("term", range(3), ids=TERMS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_value_and_slope_are_those_of_the_formula(name, term):
    ours = getattr(OBJECTIVES[name], TERMS[term])
    for score in SCORES:
        value, gradient = with_gradient(FORMULAS[name][term], score)
        s = torch.tensor(score, dtype=torch.float64)
        assert ours.value(s).item() == pytest.approx(value, rel=1e-6, abs=1e-9)
        assert ours.slope(s).item() == pytest.approx(gradient, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_terms_keep_the_shape_and_leave_the_scores_alone(name):
    scores = torch.tensor(SCORES).view(-1, 1)
    copy = scores.clone()
    for term in TERMS:
        for function in (getattr(OBJECTIVES[name], term).value, getattr(OBJECTIVES[name], term).slope):
            result = function(scores)
            assert (result.shape, result.dtype) == (scores.shape, torch.float32)
            result.add_(1)
            assert torch.equal(scores, copy)


# The course's two ingredients


@pytest.mark.parametrize("name", ["leak", "course"])
def test_what_leaks_is_the_gradient_of_the_discriminators_own_loss(name):
    scores = np.array(SCORES)
    added = slope(name, "generated", scores) - slope(name, "fake", scores)
    np.testing.assert_allclose(added, slope("bce", "generated", scores), atol=1e-6)
    assert OBJECTIVES[name].shared_z
    assert not OBJECTIVES["bce"].shared_z


@pytest.mark.parametrize("name", ["raw-log", "course"])
@pytest.mark.parametrize("term", range(3), ids=TERMS)
def test_a_naive_log_in_float32_is_what_autograd_makes_of_it(name, term):
    ours = getattr(OBJECTIVES[name], TERMS[term])
    for score in np.linspace(-30, 16, 93).tolist():
        value, gradient = with_gradient(FORMULAS[name][term], score, torch.float32)
        s = torch.tensor(score)
        assert ours.value(s).item() == pytest.approx(value, rel=1e-6)
        assert ours.slope(s).item() == pytest.approx(gradient, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    "name, term, score",
    [("raw-log", 0, -120.0), ("raw-log", 1, 17.0), ("raw-log", 1, 40.0), ("course", 2, 17.0), ("course", 2, -120.0)],
)
def test_at_log_0_the_courses_gradient_is_no_number_and_ours_is_none(name, term, score):
    value, gradient = with_gradient(FORMULAS[name][term], score, torch.float32)
    assert value == math.inf
    assert math.isnan(gradient)
    ours = getattr(OBJECTIVES[name], TERMS[term])
    assert ours.value(torch.tensor(score)).item() == math.inf
    assert abs(ours.slope(torch.tensor(score)).item()) in (0.0, 1.0)  # of the other of two logs, or of none


def test_float32_takes_away_what_the_naive_log_lets_d_learn_from_sure_mistakes():
    sure = np.array([10.0, 14.0, 16.0, 17.0, 30.0])  # scores of fakes that D takes for real
    exact, naive = (slope(name, "fake", sure) for name in ("bce", "raw-log"))
    np.testing.assert_allclose(exact, 1, atol=1e-4)
    np.testing.assert_allclose(naive, [1, 1, 1, 0, 0], atol=1e-4)
    assert slope("raw-log", "real", np.array([17.0])) == 0 > slope("bce", "real", np.array([15.0]))


# Label smoothing


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_smoothed_labels_are_those_of_torchs_loss(share):
    scores = torch.tensor(SCORES, requires_grad=True)
    reference = F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, 1 - share), reduction="none")
    (gradient,) = torch.autograd.grad(reference.sum(), scores)
    for name, tolerance in (("bce", 1e-6), ("raw-log", 1e-3)):
        term = smoothed(OBJECTIVES[name], share)
        torch.testing.assert_close(term.value(scores), reference, atol=tolerance, rtol=tolerance)
        torch.testing.assert_close(term.slope(scores.detach()), gradient, atol=1e-4, rtol=1e-4)


def test_smoothed_least_squares_aim_at_the_smoothed_label():
    term, s = smoothed(OBJECTIVES["least-squares"], 0.2), torch.tensor(SCORES)
    torch.testing.assert_close(term.slope(s), s - 0.8)
    assert term.slope(torch.tensor(0.8)).item() == pytest.approx(0, abs=1e-7)


# What a page draws

PULLS = {
    "bce": lambda d: 1 - d, "raw-log": lambda d: 1 - d, "minimax": lambda d: d, "course": lambda d: 1 - 2 * d,
    "leak": lambda d: 1 - 2 * d, "least-squares": lambda d: 1 - d, "hinge": np.ones_like, "wgan-gp": np.ones_like,
}  # fmt: skip


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_pull_on_a_fake_over_d(name):
    d = np.linspace(0, 1, 101)
    found = pull(name, d)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, PULLS[name](d), atol=1e-8)


def test_the_leak_pulls_towards_a_half():
    before, at, after = pull("leak", np.array([0.4, 0.5, 0.6]))
    assert before > 0 > after
    assert at == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("call", [lambda: pull("BCE", np.zeros(1)), lambda: named("BCE"),
                                  lambda: slope("BCE", "fake", np.zeros(1))])  # fmt: skip
def test_an_unknown_objective_is_answered_with_the_known_ones(call):
    with pytest.raises(ValueError, match=r"'BCE' is unknown: choose one of bce, raw-log, minimax, course, leak, "):
        call()


def test_other_mistakes_are_a_sentence():
    with pytest.raises(ValueError, match=r"'value' is unknown: choose one of real, fake, generated\."):
        slope("bce", "value", np.zeros(1))
    for outside in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="lies between 0 and 1"):
            pull("bce", np.array([outside]))
    assert pull("hinge", np.array([3.0])) == 1


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_says_what_it_is(name):
    objective = OBJECTIVES[name]
    assert all((objective.title, objective.d_formula, objective.g_formula, objective.source))
    assert (r"\log" in objective.d_formula) == objective.probability
    assert ("z'" in objective.g_formula) == (not objective.shared_z)
    assert objective.naive == (name in ("raw-log", "course"))
    answers = objective.output(torch.tensor([-3.0, 3.0]))
    assert answers.tolist() == pytest.approx([0.0474, 0.9526], abs=1e-4) if objective.probability else [-3.0, 3.0]


def test_log_of_zero_is_that_of_torchs_loss():
    worst = F.binary_cross_entropy(torch.zeros(1), torch.ones(1))
    assert worst.item() == LOG_OF_ZERO == objectives.LOG_OF_ZERO
