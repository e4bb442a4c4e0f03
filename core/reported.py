"""What the course reported, figure by figure, beside what our recorded runs say, and why the two differ.

The course's figures come from core/course.py. Ours are read from the run.json and history.jsonl of the runs that come
with the project, all seeds of a setting; no network is loaded, and no number of ours is written down here.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import adversarial, char_rnn, classifier, course, gan, runs
from core.adversarial.attackable import NETWORKS
from core.adversarial.measures import FOURS, NOISES
from core.runs import Run, RunError

Runs = Sequence[Run]  # of one setting, in the order of their seeds
LATE = 100  # iterations at the end of a training, over which the losses of single batches are compared
ASKED = 500  # test images on which the course measured the network that it attacked
SHARE, NATS, CHOICES, ENTROPY = "share", "nats", "characters", "entropy"  # units; entropy is 1 for ten equal shares


@dataclass(frozen=True)
class Figure:
    """A figure of the course, or what it said in words, and how ours is read."""

    name: str
    exercise: str  # of the course, and the run where they are numbered
    topic: str
    setting: str  # what was trained, or attacked
    what: str  # was measured
    unit: str  # one of the four above
    reported: float | None  # None where the course gave no number
    digits: int  # decimals that it gave, of a share in %; of ours where it gave none
    wanted: Any = field(repr=False)  # the settings of our runs, whatever their seed
    read: Callable[[Run], float | None] = field(repr=False)  # None where the run does not say
    why: Callable[[Figure, Runs], str] = field(repr=False)  # they differ, or do not: a sentence or two
    said: str = ""  # by the course in words


@dataclass(frozen=True)
class Ours:
    """What our runs say of a figure: at least one seed."""

    values: dict[int, float]  # seed → value
    why: str

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values.values())

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest of the seeds."""
        return min(self.values.values()), max(self.values.values())

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range of our seeds."""
        low, high = self.range
        return low <= value <= high


def ours(figure: Figure) -> Ours | None:
    """What the recorded runs say of a figure; None where none is there."""
    found = [(run, value) for run in recorded(figure.topic, figure.wanted) if (value := figure.read(run)) is not None]
    if not found:
        return None
    return Ours({run.config["seed"]: value for run, value in found}, figure.why(figure, [run for run, _ in found]))


def recorded(topic: str, wanted: Any) -> list[Run]:
    """The finished runs of these settings that come with the project, in the order of their seeds."""
    settings = {**dataclasses.asdict(wanted), "seed": None}
    found = [run for run in runs.listing(topic, runs.shipped_dir()) if isinstance(run, Run) and run.status == "done"]
    return sorted(
        (run for run in found if {**run.config, "seed": None} == settings), key=lambda run: run.config["seed"]
    )


# How ours are read


def _metric(name: str) -> Callable[[Run], float | None]:
    return lambda run: run.metrics.get(name)


def _record(run: Run, step: int) -> dict[str, Any]:
    """What a run recorded last of a step; {} if nothing can be read."""
    try:
        return next((record for record in reversed(run.history()) if record["step"] == step), {})
    except (RunError, KeyError):
        return {}


def _last_loss(run: Run) -> float | None:
    return _record(run, len(course.LOSSES) * course.LOSSES_EVERY).get("loss")


def _last_perplexity(run: Run) -> float | None:
    loss = _last_loss(run)
    return None if loss is None else math.exp(loss)


def _entropy(step: int) -> Callable[[Run], float | None]:
    return lambda run: _record(run, step).get("digit_entropy")


def _digit_share(found: Runs, step: int, digits: Sequence[int]) -> list[float]:
    """The share of some digits among what each run draws after a step, in [0, 1]."""
    rows = [_record(run, step).get("digit_histogram") for run in found]
    return [sum(row[digit] for digit in digits) for row in rows if row]


# Why they differ


def _accuracy_why(figure: Figure, found: Runs) -> str:
    values = [value for run in found if (value := figure.read(run)) is not None]
    if min(values) <= figure.reported <= max(values):
        return "Inside the range of our seeds. Another seed alone moves it that far."
    lower = " That may be why the course's ends lower." if figure.reported < min(values) else ""
    return f"The course's framework keeps a fifth of the training images for validation; ours sees them all.{lower}"


def _loss_why(figure: Figure, found: Runs) -> str:
    losses = [record["loss"] for run in found for record in run.history()
              if "loss" in record and record["step"] > run.config["iterations"] - LATE]  # fmt: skip
    return (
        f"The loss of one batch (ours: of two) scatters: in our last {LATE} iterations, from {min(losses):.3f} to "
        f"{max(losses):.3f}."
    )


def _perplexity_why(figure: Figure, found: Runs) -> str:
    heldout = [run.metrics["heldout_perplexity"] for run in found if "heldout_perplexity" in run.metrics]
    told = f" On held-out text ours is {statistics.fmean(heldout):.2f}." if heldout else ""
    return f"The exponential of the loss above, on text that it was trained on.{told}"


def _attacked_why(figure: Figure, found: Runs) -> str:
    error = math.sqrt(figure.reported * (1 - figure.reported) / ASKED)  # of a share, binomial
    return f"Theirs on {ASKED} test images, so ± {100 * error:.1f} points; ours on all 10\u202f000."


def _four_why(figure: Figure, found: Runs) -> str:
    return f"The course showed one 4. Ours is the mean over {FOURS} of them."


def _noise_why(figure: Figure, found: Runs) -> str:
    usual = recorded("adversarial", NETWORKS["default"][1])
    certainty = [run.metrics["certainty_noise"] for run in usual if "certainty_noise" in run.metrics]
    told = f" PyTorch's usual ones give {_percent(certainty)} after as many batches." if certainty else ""
    return f"One noise image there, a mean over {NOISES} here. It takes the course's large initial weights.{told}"


def _zeros_why(figure: Figure, found: Runs) -> str:
    return "One blank image each, so one number a network: another seed of its weights gives another."


def _early_why(figure: Figure, found: Runs) -> str:
    shares = _digit_share(found, course.GAN_ITERATIONS[0], (1, 9))
    return f"It agrees: 1s and 9s are {_percent(shares)} of what ours draw."


def _late_why(figure: Figure, found: Runs) -> str:
    """With the ingredients apart: the leaked gradient without the naive logarithm, and the other way round."""
    step = figure.wanted.iterations
    told = f"1s are {_percent(_digit_share(found, step, [1]))} of what ours draw."
    leak, log = (
        _digit_share(recorded("gan", dataclasses.replace(figure.wanted, objective=objective)), step, [1])
        for objective in ("leak", "raw-log")
    )
    if not leak or not log:
        return told
    return f"{told} The leaked gradient alone gives {_percent(leak)}, the naive log alone {_percent(log)} (one seed)."


def _logits_why(step: int) -> Callable[[Figure, Runs], str]:
    return lambda figure, found: f"1s are {_percent(_digit_share(found, step, [1]))} of what ours draw."


def _percent(shares: Sequence[float]) -> str:
    """[0.82, 1] → "82 to 100 %"; never "100" for less than all."""
    low, high = (f"{math.floor(1000 * share) / 10:.1f}" if 0.99 <= share < 1 else f"{100 * share:.0f}"
                 for share in (min(shares), max(shares)))  # fmt: skip
    return f"{low}\u202f%" if low == high else f"{low} to {high}\u202f%"


# The figures, in the order of the course


def _accuracy(name: str, run: str, setting: str, optimizer: str, activation: str) -> Figure:
    wanted = classifier.Config(optimizer=optimizer, activation=activation)
    return Figure(name, run, "classifier", setting, "test accuracy", SHARE, course.TEST_ACCURACY[optimizer, activation],
                  2, wanted, _metric("test_accuracy"), _accuracy_why)  # fmt: skip


def _certainty(start: str, setting: str, why: Callable[[Figure, Runs], str]) -> Figure:
    number, reported = course.ATTACK_RUNS[start], course.ATTACK_CERTAINTIES[start]
    return Figure(start, number, "adversarial", setting, "certainty of “9”", SHARE, reported, 0, adversarial.Config(),
                  _metric(f"certainty_{start}"), why)  # fmt: skip


def _variety(objective: str, step: int, said: str, why: Callable[[Figure, Runs], str]) -> Figure:
    wanted = gan.Config(objective=objective, iterations=course.GAN_ITERATIONS[-1])
    title = f"“{course.GAN_NAMES[objective]}”, {step // 1000}\u202f000 iterations"
    return Figure(f"{objective}-{step}", "5.1", "gan", title, "variety of digits", ENTROPY, None, 2, wanted,
                  _entropy(step), why, said)  # fmt: skip


_EARLY, _LATE = course.GAN_ITERATIONS
_RNN = char_rnn.Config(iterations=len(course.LOSSES) * course.LOSSES_EVERY)

FIGURES = (
    _accuracy("sgd", "1.2", "SGD, LeakyReLU", "sgd", "leaky_relu"),
    _accuracy("adam", "1.3", "Adam, LeakyReLU", "adam", "leaky_relu"),
    _accuracy("tanh", "1.4", "Adam, Tanh", "adam", "tanh"),
    Figure("loss", "4", "char_rnn", "GRU on Shakespeare", "final loss", NATS, course.LOSSES[-1], 4, _RNN,
           _last_loss, _loss_why),
    Figure("perplexity", "4", "char_rnn", "GRU on Shakespeare", "final perplexity", CHOICES,
           math.exp(course.LOSSES[-1]), 2, _RNN, _last_perplexity, _perplexity_why),
    _variety("bce", _EARLY, "", _logits_why(_EARLY)),
    _variety("bce", _LATE, "", _logits_why(_LATE)),
    _variety("course", _EARLY, "an affinity for 1s and 9s", _early_why),
    _variety("course", _LATE, "only 1s", _late_why),
    Figure("attacked", "5.2", "adversarial", "the network itself", "test accuracy", SHARE,
           course.ATTACKED_ACCURACY, 1, adversarial.Config(), _metric("test_accuracy"), _attacked_why),
    _certainty("four", "from a 4", _four_why),
    _certainty("noise", "from noise", _noise_why),
    _certainty("zeros", "from a blank image", _zeros_why),
)  # fmt: skip
