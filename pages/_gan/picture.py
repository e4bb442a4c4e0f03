"""THE picture: what A and B draw from the same 64 z, which digits these are, and the curves of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import charts, course, limits
from core.gan import Config
from core.gan.measures import MEASURES
from core.gan.sheets import COLUMNS
from core.runs import Run
from pages._gan import library
from pages._gan.library import Found
from pages._gan.settings import CERTAINTY, FRECHET, ONES, VARIETY, Settings, short
from pages._shared import stage, training, words
from pages._shared.components import shelf
from pages._shared.components.packing import Encoded
from pages._shared.components.scrubber import ready, scrubber
from pages._shared.components.sheets import Sheets, panel

KEY = "gan_picture"
HEIGHT = 392  # pixels
REST = 328  # pixels of a window that the page needs around the picture
PLAY_MS = 100  # a hundred sheets in ten seconds
HINT = "Click: large, with the nearest training images"
ALT = "What both generators draw from the same 64 z, which digits these are, and how that changes, with a slider"
COLORS = {"A": charts.A, "B": charts.B}
DIGITS = [str(digit) for digit in range(10)]
TOP = 0.6  # of the axis of the digits, at least

CURVES: dict[str, dict[str, Any]] = {  # curve → field of the records, and how it is drawn
    VARIETY: {"field": "digit_entropy", "y_title": "1 = all ten equally often", "y_domain": [0, 1], "digits": 2},
    ONES: {"field": "ones", "y_title": "share of 1s (%)", "y_domain": [0, 100], "digits": 1},
    CERTAINTY: {"field": "certainty", "y_title": "of the judge", "y_domain": [0, 1], "digits": 2},
    FRECHET: {"field": "frechet", "y_title": "0: like test images", "y_domain": None, "digits": 0},
}


def draw(settings: Settings, found: Found) -> int:
    """Draw what is recorded; returns the iteration that the viewer chose."""
    labels = frames(settings, found)
    if not labels:
        stage.empty(training.nothing("**Train live** shows it."), HEIGHT)
        return 0
    last = len(labels) - 1
    wanted = st.query_params.get("gan_at", "")
    at = max((i for i, label in enumerate(labels) if _is_number(wanted) and label <= int(wanted)), default=last)
    frame = scrubber(
        key=KEY, axis="Iteration", frames=[words.count(label) for label in labels],
        panels=_panels(settings, found, labels), at=at, height=HEIGHT, play_ms=PLAY_MS, rest=REST, alt=ALT,
    )  # fmt: skip
    for side, run in found.items():  # last: what replaces the picture in its place leaves only these behind
        shelf.put(f"shelf_gan_{side}", _sheets_of(_name(side, run, settings.iterations), run, settings.iterations))
    _to_link(labels[frame], labels[last])
    return labels[frame]


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 8  # Python refuses to read thousands of digits


def frames(settings: Settings, found: Found) -> list[int]:
    """The iterations that the slider goes through."""
    return sorted({step for run in found.values() for step in library.steps(run, settings.iterations)})


def _to_link(iteration: int, default: int) -> None:
    """Keep the iteration in the address; the default stays out of it, as for every other control."""
    if iteration == default:
        st.query_params.pop("gan_at", None)
    elif st.query_params.get("gan_at") != str(iteration):
        st.query_params["gan_at"] = str(iteration)


def _panels(settings: Settings, found: Found, labels: Sequence[int]) -> Encoded:
    """The panels of what is recorded, put together once for all viewers."""
    others = [run.name for config in settings.sides.values() for run in library.seeds(config)]  # for the bands
    shelved = [_name(side, run, settings.iterations) for side, run in found.items()]
    key = str([*((run.name, run.status, run.samples) if run else None for run in found.values()), *shelved, *others])
    return _recorded(f"{key} {settings}", settings, found, labels)


@st.cache_resource(max_entries=12, show_spinner=False)
def _recorded(key: str, _settings: Settings, _found: Found, _labels: Sequence[int]) -> Encoded:
    return ready([*map(str, _labels)], panels(_settings, _found, _labels))


def _name(side: str, run: Run | None, most: int) -> str:
    """By which the sheets of a side are found on the shelf."""
    steps = library.steps(run, most)
    return f"{side} {run.name} {len(steps)} {library.checksum(run, f'samples/{steps[-1]}.png')}" if steps else side


@st.cache_resource(max_entries=24, show_spinner=False)
def _sheets_of(name: str, _run: Run | None, _most: int) -> bytes:
    return shelf.packed(name, [library.uri(_run, step) for step in library.steps(_run, _most)])


def panels(settings: Settings, found: Found, labels: Sequence[int], sent: dict[str, int] | None = None) -> list[dict]:
    """The sheets, and beside them the digits over the curves.

    ``sent``: how many sheets of each side the browser has already, and only later ones are sent; None: the shelf keeps
    them all.
    """
    sides = [_sheets(settings, side, run, labels, sent and sent[side]) for side, run in found.items()]
    sheets = panel(sides, stream=_stream(settings, found), title="64 samples", cols=COLUMNS, linked=settings.linked,
                   hint=HINT, pick=True)  # fmt: skip
    right = {"type": "stack", "panels": [digits(settings, found, labels), curve(settings, found, labels)]}
    return [{**sheets, "weight": 2.3}, right]


def _stream(settings: Settings, found: Found) -> str:
    return str(
        [run.name if run else config for run, config in zip(found.values(), settings.sides.values(), strict=True)]
    )


def _sheets(settings: Settings, side: str, run: Run | None, labels: Sequence[int], sent: int | None) -> Sheets:
    steps = library.steps(run, settings.iterations)
    at = [sum(step <= label for step in steps) - 1 for label in labels]
    late = settings.iterations > steps[-1] if steps else False
    about = [f"after {words.count(steps[i])}" if late and 0 <= i == len(steps) - 1 else "" for i in at]
    missing = "Not recorded." if limits.read_only() else "Not trained yet. Train live shows it."
    missing = "The first sheet comes in a moment." if run and run.active else missing
    title = short(settings.sides[side])
    if sent is None and steps:
        return Sheets(side, title, [], at, about, missing, shelved=_name(side, run, settings.iterations))
    pngs = [library.uri(run, step) for step in steps[sent or 0 :]]
    return Sheets(side, title, pngs, at, about, missing, sent or 0)


def digits(settings: Settings, found: Found, labels: Sequence[int]) -> dict:
    """Which digits the judge sees in 2,000 samples."""
    series = [{"name": side, "color": COLORS[side], "values": _held(run, labels, settings.iterations)}
              for side, run in found.items()]  # fmt: skip
    highest = max((max(shares) for one in series for shares in one["values"] if shares), default=0)
    return {"type": "bars", "title": "Digits drawn", "about": "%; dashes: real ones", "names": DIGITS,
            "top": max(TOP, highest), "ref": 0.1, "series": series}  # fmt: skip


def _held(run: Run | None, labels: Sequence[int], most: int) -> list[list[float] | None]:
    """The histogram of the last sheet up to each frame."""
    records, held, values = iter(library.measured(run, most)), None, []
    following = next(records, None)
    for label in labels:
        while following is not None and following["step"] <= label:
            held, following = following["digit_histogram"], next(records, None)
        values.append(held)
    return values


def curve(settings: Settings, found: Found, labels: Sequence[int]) -> dict:
    """The chosen curve of both sides, with bands over the recorded seeds."""
    look = CURVES[settings.curve]
    series = [_line(side, settings.sides[side], run, look["field"], settings) for side, run in found.items()]
    refs = []
    if settings.curve == ONES and any(course.share_of_ones(config) is not None for config in settings.sides.values()):
        refs = [{"y": 100.0, "label": "course: only 1s"}]
    return {"type": "curves", "title": settings.curve, "x_title": "iteration", "y_title": look["y_title"],
            "x": [*labels], "x_domain": [0, settings.iterations], "y_domain": look["y_domain"], "refs": refs,
            "digits": look["digits"],
            "series": [line for line in series if line]}  # fmt: skip


def _line(side: str, config: Config, run: Run | None, field: str, settings: Settings) -> dict | None:
    records = library.measured(run, settings.iterations)
    if not records:
        return None
    steps = [record["step"] for record in records]
    spread = band(config, steps, field) if settings.bands else None
    return {"name": side, "color": COLORS[side], "x": steps, "y": [value(record, field) for record in records],
            "band": spread}  # fmt: skip


def band(config: Config, steps: Sequence[int], field: str) -> list[list[float] | None] | None:
    """The lowest and the highest value over the recorded seeds at each step; None where there is but one seed."""
    known = [{r["step"]: value(r, field) for r in library.measured(run, config.iterations)}
             for run in library.seeds(config)]  # fmt: skip
    if len(known) < 2:
        return None
    at = [[values[step] for values in known if step in values] for step in steps]
    return [[min(values), max(values)] if len(values) == len(known) else None for values in at]


def value(record: dict[str, Any], field: str) -> float:
    """What a record says; "ones" is the share of 1s in %, rounded down as in the bars: 99.55 is 99.5."""
    return math.floor(1000 * record["digit_histogram"][1]) / 10 if field == "ones" else record[field]


def reading(curve: str) -> str:
    """How to read a curve, and what it misses, for its tooltip."""
    name = {VARIETY: "digit_entropy", ONES: "digit_histogram", CERTAINTY: "certainty", FRECHET: "frechet"}[curve]
    return f"{MEASURES[name].reading} {MEASURES[name].misses}"
