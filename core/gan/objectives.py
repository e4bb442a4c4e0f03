"""What a GAN's two networks minimise: each objective as three small functions of the discriminator's scores.

A score s is the last number of the discriminator before any sigmoid, so D = σ(s) where the objective speaks of a
probability. A ``Term`` is the loss of one image as a function of its score, with its derivative written out: training
needs the derivative alone, and takes the values later, many at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

Function = Callable[[torch.Tensor], torch.Tensor]
TERMS = ("real", "fake", "generated")  # the functions of an objective
LOG_OF_ZERO = 100.0  # what −log 0 counts as, as in torch's own binary cross-entropy


@dataclass(frozen=True)
class Term:
    """The loss of an image as a function of its score s, of any shape."""

    value: Function
    slope: Function  # the derivative of the value by s


@dataclass(frozen=True)
class Objective:
    """What D and G minimise, each the mean over a batch."""

    title: str
    d_formula: str  # D's loss, in LaTeX
    g_formula: str  # G's loss, in LaTeX
    source: str  # authors and year
    real: Term  # D's loss of a real image
    fake: Term  # D's loss of a generated one
    generated: Term  # G's loss of a generated image
    shared_z: bool = False  # whether G learns from the z that D has just seen, or from fresh ones
    naive: bool = False  # whether it takes logs of a sigmoid in float32, which can be 0
    probability: bool = True  # whether D(x) is σ(s), in [0, 1], or the score itself
    penalty: float = 0.0  # weight of the gradient penalty in D's loss

    def output(self, scores: torch.Tensor) -> torch.Tensor:
        """D(x) as the objective speaks of it: a probability in [0, 1], or the score itself."""
        return torch.sigmoid(scores) if self.probability else scores


def _plus(*terms: Term) -> Term:
    return Term(lambda s: sum(t.value(s) for t in terms), lambda s: sum(t.slope(s) for t in terms))


# −log D and −log(1 − D), from the score itself: exact however large it is
ONE = Term(lambda s: F.softplus(-s), lambda s: torch.sigmoid(s).sub_(1))
ZERO = Term(F.softplus, torch.sigmoid)

# The same, written naively. In float32 1 − σ(s) is rounded to a multiple of 6e-8, and is 0 from s = 16.7 on: the value
# of −log(1 − D) is then infinite and its derivative, ∞ · 0, NaN. Here such an image has no gradient instead.
NAIVE_ONE = Term(lambda s: -torch.log(torch.sigmoid(s)), lambda s: _naive_slope(torch.sigmoid(s), 1))
NAIVE_ZERO = Term(lambda s: -torch.log(1 - torch.sigmoid(s)), lambda s: _naive_slope(torch.sigmoid(s), 0))


def _naive_slope(d: torch.Tensor, label: int) -> torch.Tensor:
    """D − label, which is what autograd makes of the log and the sigmoid; 0 where it would be NaN."""
    return torch.where((d if label else 1 - d) > 0, d - label, 0.0)


MINIMAX = Term(lambda s: -F.softplus(s), lambda s: -torch.sigmoid(s))  # log(1 − D)
SQUARE_ONE = Term(lambda s: (s - 1).square() / 2, lambda s: s - 1)
SQUARE_ZERO = Term(lambda s: s.square() / 2, torch.clone)
HINGE_ONE = Term(lambda s: F.relu(1 - s), lambda s: -(s < 1).to(s.dtype))
HINGE_ZERO = Term(lambda s: F.relu(1 + s), lambda s: (s > -1).to(s.dtype))
HIGH = Term(torch.neg, lambda s: torch.full_like(s, -1.0))  # −s: wants a high score
LOW = Term(torch.clone, torch.ones_like)

LOGS = r"-\log D(x) - \log(1 - D(G(z)))"
GOODFELLOW = "Goodfellow et al. 2014"
COURSE = "the course's notebook"

OBJECTIVES = {
    "bce": Objective("BCE with logits", LOGS, r"-\log D(G(z'))", f"{GOODFELLOW}, non-saturating", ONE, ZERO, ONE),
    "raw-log": Objective(
        "raw log", LOGS, r"-\log D(G(z'))", f"{GOODFELLOW}, written as the log of a sigmoid",
        NAIVE_ONE, NAIVE_ZERO, NAIVE_ONE, naive=True,
    ),
    "minimax": Objective("minimax", LOGS, r"\log(1 - D(G(z')))", f"{GOODFELLOW}, saturating", ONE, ZERO, MINIMAX),
    "course": Objective(
        "course notebook", LOGS, r"-\log D(G(z)) - \log(1 - D(G(z)))", f"{COURSE}: naive log, D's z again, leak",
        NAIVE_ONE, NAIVE_ZERO, _plus(NAIVE_ONE, NAIVE_ZERO), shared_z=True, naive=True,
    ),
    "leak": Objective(
        "leak alone", LOGS, r"-\log D(G(z)) - \log(1 - D(G(z)))", f"{COURSE} with the log from logits",
        ONE, ZERO, _plus(ONE, ZERO), shared_z=True,
    ),
    "least-squares": Objective(
        "least squares", r"\tfrac12(D(x) - 1)^2 + \tfrac12 D(G(z))^2", r"\tfrac12(D(G(z')) - 1)^2", "Mao et al. 2017",
        SQUARE_ONE, SQUARE_ZERO, SQUARE_ONE, probability=False,
    ),
    "hinge": Objective(
        "hinge", r"\max(0, 1 - D(x)) + \max(0, 1 + D(G(z)))", r"-D(G(z'))", "Lim & Ye 2017",
        HINGE_ONE, HINGE_ZERO, HIGH, probability=False,
    ),
    "wgan-gp": Objective(
        "Wasserstein, gradient penalty", r"D(G(z)) - D(x) + 10\,(\lVert\nabla D(\hat x)\rVert - 1)^2", r"-D(G(z'))",
        "Gulrajani et al. 2017", HIGH, LOW, HIGH, probability=False, penalty=10.0,
    ),
}  # fmt: skip


def smoothed(objective: Objective, share: float) -> Term:
    """D's loss of a real image whose label is 1 − ``share`` instead of 1 (one-sided; Salimans et al. 2016).

    The loss is linear in the label for every objective here, but for a constant with least squares.
    """
    if share == 0:
        return objective.real
    one, zero = objective.real, objective.fake
    return Term(lambda s: (1 - share) * one.value(s) + share * zero.value(s),
                lambda s: (1 - share) * one.slope(s) + share * zero.slope(s))  # fmt: skip


def pull(name: str, d: np.ndarray) -> np.ndarray:
    """How hard G pulls the score of a generated image up, at D(G(z)) = ``d``: −∂(G's loss)/∂s, float64, as d's shape.

    Positive is towards "real". For objectives whose D is a probability the score is log(d / (1 − d)), for the others it
    is d itself. At d = 0 and d = 1, where that is infinite, stand the limits.

    Raises:
        ValueError: the objective is unknown, or d is outside [0, 1] where D is a probability.
    """
    objective, d = named(name), np.asarray(d, dtype=np.float64)
    if objective.probability and not ((d >= 0) & (d <= 1)).all():
        raise ValueError("D(G(z)) is a probability here: it lies between 0 and 1.")
    scores = torch.logit(torch.from_numpy(d), eps=1e-9) if objective.probability else torch.from_numpy(d)
    return -objective.generated.slope(scores).numpy()


def slope(name: str, term: str, scores: np.ndarray) -> np.ndarray:
    """The derivative of a loss by the score in float32, as training takes it; where a naive log is 0, it is 0 too.

    Args:
        term: "real" or "fake" (D's losses), or "generated" (G's).
        scores: of any shape.

    Raises:
        ValueError: the objective or the term is unknown.
    """
    return _term(name, term).slope(torch.tensor(scores, dtype=torch.float32)).numpy()


def value(name: str, term: str, scores: np.ndarray) -> np.ndarray:
    """The loss itself in float32; infinite where a naive log is that of 0. Otherwise as ``slope``."""
    return _term(name, term).value(torch.tensor(scores, dtype=torch.float32)).numpy()


def _term(name: str, term: str) -> Term:
    if term not in TERMS:
        raise ValueError(f"term {term!r} is unknown: choose one of {', '.join(TERMS)}.")
    return getattr(named(name), term)


def named(name: str) -> Objective:
    """The objective of that name; raises ValueError listing the known ones."""
    if name not in OBJECTIVES:
        raise ValueError(f"objective {name!r} is unknown: choose one of {', '.join(OBJECTIVES)}.")
    return OBJECTIVES[name]
