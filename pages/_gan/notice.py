"""The sentences around the picture: what differs, what to notice, and where every figure comes from."""

from __future__ import annotations

from core import limits
from core.gan import Config
from core.runs import Run
from pages._gan import library
from pages._gan.library import Found
from pages._gan.settings import Settings, differences
from pages._shared import training, words

REAL = 0.12  # share of 1s up to which they are no more than among real digits (MNIST: 11.2 %)
TRAINING = (
    "Digits grow out of noise within the first thousand iterations. Which of them does each side find first, and does "
    "any of them push the others out?"
)
PAIR = {"bce", "raw-log"}  # one formula, written in two ways


def differs(settings: Settings) -> str:
    """The line that says what differs between A and B, and what is the same."""
    differ, same = differences(settings)
    return (
        f"**differs:** {words.listed(differ) or 'nothing, so the sheets are the same'} · **same:** {words.listed(same)}"
    )


def notice(settings: Settings, found: Found) -> str:
    """What to notice, in at most two lines, for the comparison that is on the screen."""
    differ, _ = differences(settings)
    pair = {settings.a.objective, settings.b.objective}
    if not any(library.steps(run, settings.iterations) for run in found.values()):
        train = "Train it, and watch which digits come first."
        return "Choose settings that are recorded." if limits.read_only() else train
    if not differ:
        return "The same settings and the same seed give the same digits, bit for bit. Change one thing in B."
    if differ == ["objective"] and pair == PAIR:
        return (
            "One formula, written in two ways, from the same start. On paper the two cannot differ: do they? Bet "
            "first: *Same or different?* below."
        )
    if differ == ["objective"] and pair == {"bce", "course"} and _early(settings, found):
        return (
            "It is too early for the 1s that the course's notebook is known for: choose 100\u202f000 iterations to see "
            "them. Until then: which digits come first, and from which side?"
        )
    if differ == ["objective"] and pair == {"bce", "course"}:
        return (
            f"{_ones(settings, found)} As formulas, the course's two losses are the same. So what differs? Take bets, "
            "then open *Same or different?* below."
        )
    if differ == ["objective"]:
        return (
            "Both start from the same weights and see the same batches. Which sheet is more legible, and which shows "
            "more kinds of digits? These are two questions, and the curves answer the second."
        )
    if len(differ) == 1:
        return f"Only {_the(differ[0])} differs. Does it change which digits come, or how they look?"
    return (
        f"{len(differ)} things differ at once ({words.listed(differ)}), so the picture cannot say which of them made "
        "the difference."
    )


def _the(what: str) -> str:
    return (
        f"the {what}"
        if what not in ("z", "pixels")
        else {"z": "the way z is drawn", "pixels": "the pixels' range"}[what]
    )


def _early(settings: Settings, found: Found) -> bool:
    """Whether the course's notebook does not draw more 1s yet than there are."""
    side = next(side for side, config in settings.sides.items() if config.objective == "course")
    record = library.at(found[side], settings.iterations, settings.iterations)
    return record is not None and record["digit_histogram"][1] < REAL


def _ones(settings: Settings, found: Found) -> str:
    """How many 1s both draw at the end, in figures."""
    said = {}
    for side, run in found.items():
        record = library.at(run, settings.iterations, settings.iterations)
        if record is None:
            return ""
        said[settings.sides[side].objective] = record["digit_histogram"][1], record["step"]
    step = min(step for _, step in said.values())
    return (
        f"After {words.count(step)} iterations, {words.certainty(said['course'][0])} of what the course's notebook "
        f"draws are 1s, against {words.certainty(said['bce'][0])} with BCE."
    )


def caption(settings: Settings, found: Found) -> str:
    """Seeds, rates, sizes and names of the runs behind the pictures."""
    a, b = settings.a, settings.b
    rates = f"lr {a.lr_d:g}" if {a.lr_d, a.lr_g, b.lr_d, b.lr_g} == {a.lr_d} else ""
    parts = [f"seed {a.seed}", rates, f"{words.count(settings.iterations)} iterations", *_bands(settings)]
    names = [f"{side} {words.run(run)}{_part(run, settings.sides[side])}" for side, run in found.items() if run]
    return " · ".join([*filter(None, parts), *names])


def _bands(settings: Settings) -> list[str]:
    if not settings.bands:
        return []
    counts = {side: len(library.seeds(config)) for side, config in settings.sides.items()}
    several = [f"{side} {count}" for side, count in counts.items() if count > 1]
    return [f"bands: lowest to highest of recorded seeds ({words.listed(several)})"] if several else []


def _part(run: Run, config: Config) -> str:
    """Which part of its iterations a run shows, where it trained longer or shorter than was asked for."""
    trained = run.config.get("iterations")
    if trained == config.iterations:
        return "" if run.status in ("done", "running", "queued") else f" ({run.status})"
    if trained > config.iterations:
        return f" (its first {words.count(config.iterations)})"
    return f" (only {words.count(trained)})"


def ended(found: Found) -> list[str]:
    """What became of runs that ended before their time; what they had drawn until then is kept."""
    return [f"{training.state(side, run)} Its sheets up to iteration {words.count(run.samples[-1])} are kept."
            for side, run in found.items()
            if run and run.samples and not run.active and run.status != "done"]  # fmt: skip
