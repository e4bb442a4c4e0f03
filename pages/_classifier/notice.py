"""The sentences around the picture: what differs, what to notice, and where every figure comes from."""

from __future__ import annotations

import statistics

from core import course, data
from core.runs import Run
from pages._classifier import recordings
from pages._classifier.settings import Settings, differences
from pages._shared import words


def differs(settings: Settings, pair: dict[str, Run | None]) -> str:
    """The line that says what differs between A and B, and what is the same."""
    differ, same = differences(settings)
    if len({run.data.get("identity") for run in pair.values() if run and run.data}) > 1:
        differ, same = [*differ, "copies of the images"], [name for name in same if name != "batch order"]
    first = f"**differs:** {words.listed(differ)}" if differ else "**differs:** nothing, so the curves are the same"
    return f"{first} · **same:** {words.listed(same)}"


def notice(settings: Settings) -> str:
    """What to notice, in at most two lines, for the comparison that is on the screen."""
    differ, _ = differences(settings)
    reported = [course.test_accuracy(config) for config in settings.sides.values()]
    if differ == ["optimizer"] and None not in reported and settings.a.seed == 42:
        return (
            "At learning rate 0.001, SGD has hardly begun to learn after five epochs. Is SGD worse, or only slower? "
            "Choose *Fair fight* below: each with its own best rate, the gap nearly closes."
        )
    if differ == ["optimizer"]:
        return (
            "The optimizers turn the same gradients into different steps. Before one of them wins, ask whether the "
            "learning rate suits both: a good rate for one is often a bad one for the other."
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
    if differ == ["optimizer", "learning rate"]:
        return (
            "Each optimizer has a learning rate of its own, so this compares the two as one would use them. "
            "*Fair fight* shows how close each is to its best rate."
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
    names = [f"{side} {words.run(run)}" for side, run in pair.items() if run]
    return " · ".join([*parts, *names])


def _images(settings: Settings, pair: dict[str, Run | None]) -> str:
    """How many training images of what."""
    recorded = [run for run in pair.values() if run and run.data]
    title = data.title(settings.a.dataset)
    said = recorded[0].data.get("note", "").removesuffix(f" of the {title} images") if recorded else ""
    note = f" ({said})" if said else ""
    number = words.count(settings.a.images) if settings.a.images else "all"
    return f"{number} training images of {title}{note}"
