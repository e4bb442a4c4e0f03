"""The sentences around the picture: what differs, what to notice, and where every figure comes from."""

from __future__ import annotations

import statistics

from core import data
from core.runs import Run
from pages._classifier import recordings
from pages._classifier.settings import Settings, differences
from pages._shared import words


def differs(settings: Settings) -> str:
    """The line that says what differs between A and B, and what is the same."""
    differ, same = differences(settings)
    first = f"**differs:** {words.listed(differ)}" if differ else "**differs:** nothing, so the curves are the same"
    return f"{first} · **same:** {words.listed(same)}"


def notice(settings: Settings) -> str:
    """What to notice, in at most two lines, for the comparison that is on the screen."""
    differ, _ = differences(settings)
    a, b = settings.a, settings.b
    courses = (a.dataset, a.lr, a.epochs, {a.optimizer, b.optimizer}) == ("cifar10", 0.001, 5, {"sgd", "adam"})
    if differ == ["optimizer"] and courses:
        return (
            "At learning rate 0.001, SGD has hardly begun to learn after five epochs. Is SGD worse, or only slower? "
            "Choose *Fair fight* below: each with its own best rate, the gap nearly closes."
        )
    if differ == ["optimizer"]:
        return (
            "The optimizers turn the same gradients into different steps. At the same learning rate that is no fair "
            "fight: what is large for one of them is small for the other."
        )
    if differ == ["activation"]:
        return (
            "Both start from the same weights and see the same batches; only the function after each convolution "
            "differs. Look at *Look inside*: how many units still give a signal?"
        )
    if differ == ["learning rate"]:
        return (
            "One number sets these two apart. Too small a rate learns slowly; too large a one jumps over the "
            "valley, and may diverge."
        )
    if not differ:
        return "The same settings and the same seed give the same numbers, bit for bit. Change one thing in B."
    return (
        f"{len(differ)} things differ at once ({words.listed(differ)}), so the picture cannot say which of them "
        "made the difference. Change one at a time for a fair comparison."
    )


def caption(settings: Settings, pair: dict[str, Run | None]) -> str:
    """Seeds, sizes and names of the runs behind the figures."""
    parts = [f"seed {settings.a.seed}", _images(settings, pair)]
    for side, config in settings.sides.items():
        finals = [run.metrics["test_accuracy"] for run in recordings.siblings(config)]
        if len(finals) > 1:
            mean, low, high = statistics.mean(finals), min(finals), max(finals)
            parts.append(
                f"{side} over {len(finals)} seeds: {words.percent(mean)} "
                f"({words.percent(low)} to {words.percent(high)})"
            )
    names = [f"{side} `{run.name}`" for side, run in pair.items() if run]
    return " · ".join([*parts, *names])


def _images(settings: Settings, pair: dict[str, Run | None]) -> str:
    """How many training images of what."""
    recorded = [run for run in pair.values() if run and run.data]
    note = f" ({recorded[0].data['note']})" if recorded and recorded[0].data.get("note") else ""
    number = words.count(settings.a.images) if settings.a.images else "all"
    return f"{number} training images of {data.title(settings.a.dataset)}{note}"
