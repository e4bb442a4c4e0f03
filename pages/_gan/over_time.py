"""Over time: which digits took over and when, D's answers, and the sizes of the gradients."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import streamlit as st

from core import charts
from core.gan import Config
from core.gan.objectives import OBJECTIVES
from core.runs import Run
from pages._gan import library, picture
from pages._gan.library import Found
from pages._gan.picture import COLORS, DIGITS
from pages._gan.settings import Settings, short
from pages._shared import training, words
from pages._shared.charts import draw as draw_chart
from pages._shared.components.scrubber import scrubber

HEIGHT = 210
WINDOWS = 200  # of a curve; each point is the median of one
REAL = "#94a4a2"
NAMED = 0.12  # share from which on a digit is named in its area


def draw(settings: Settings, found: Found, iteration: int) -> None:
    """One of the stories."""
    stories: dict[str, Callable] = {"Digits": _digits, "D's answers": _answers, "Gradients": _gradients,
                                    "Losses": _losses}  # fmt: skip
    chosen = st.segmented_control("What", list(stories), default="Digits", required=True, key="gan_story",
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    if not any(library.measured(run, settings.iterations) for run in found.values()):
        st.info(training.nothing("Train it, and its story appears here."))
        return
    stories[chosen](settings, found)


def _digits(settings: Settings, found: Found) -> None:
    """The shares of the ten digits over time, one chart a seed."""
    st.caption(
        "Shares of the digits among 2\u202f000 samples, 0 at the bottom and 9 at the top. Each chart is a run of its "
        "own: when did the 1s take over, and does every seed go the same way?"
    )
    for side, config in settings.sides.items():
        several = _seeds(config, found[side])
        if not several:
            continue
        st.markdown(f"**{side}** · {short(config)}")
        for place, (seed, run) in zip(st.columns(max(2, len(several))), several.items(), strict=False):
            with place:
                st.caption(f"seed {seed}")
                last = min(settings.iterations, run.config["iterations"])
                draw_chart(charts.shares(tuple(DIGITS), last, "iteration", HEIGHT), share_rows(run, last),
                           f"Shares of the ten digits over time, {side}, seed {seed}")  # fmt: skip


def _seeds(config: Config, run: Run | None) -> dict[int, Run]:
    """Seed → run: the one on the page first, then the other recorded seeds."""
    found = {run.config["seed"]: run} if run and library.measured(run, config.iterations) else {}
    for other in library.seeds(config):
        found.setdefault(other.config["seed"], other)
    return found


def share_rows(run: Run, most: int) -> list[dict]:
    """Rows for ``charts.shares``; a digit is named at the end where its band is high enough for the name."""
    records = library.measured(run, most)
    rows = []
    for record in records:
        below = 0.0
        for digit, share in zip(DIGITS, record["digit_histogram"], strict=True):
            named = record is records[-1] and share >= NAMED
            rows.append({"name": digit, "x": record["step"], "share": share, "middle": below + share / 2,
                         "label": digit if named else ""})  # fmt: skip
            below += share
    return rows


def _answers(settings: Settings, found: Found) -> None:
    """How D's answers to real and to generated images spread, at each sheet."""
    st.caption(
        "What D says to 2\u202f000 training images (grey) and to 2\u202f000 samples (coloured). Apart: D tells them "
        "from each other. On top of each other: it cannot any more, which is what G wants."
    )
    labels = picture.frames(settings, found)
    panels = [_spread(side, settings.sides[side], run, labels, settings.iterations) for side, run in found.items()
              if library.measured(run, settings.iterations)]  # fmt: skip
    scrubber(key="gan_answers", axis="Iteration", frames=[words.count(label) for label in labels], panels=panels,
             at=len(labels) - 1, height=HEIGHT + 60, play_ms=picture.PLAY_MS,
             alt="How D's answers to real and generated images spread")  # fmt: skip
    kinds = {OBJECTIVES[config.objective].probability for config in settings.sides.values()}
    if kinds == {True}:
        hues = tuple((f"{side}: {what}", colour) for side in found
                     for what, colour in (("D(x)", REAL), ("D(G(z))", COLORS[side])))  # fmt: skip
        rows = []
        for what, key in (("D(x)", "d_real"), ("D(G(z))", "d_fake")):
            medians = {f"{side}: {what}": median_rows(f"{side}: {what}", run, key, settings.iterations)
                       for side, run in found.items()}  # fmt: skip
            rows += [*(row for some in medians.values() for row in some), *name_rows(medians, 0.08)]
        st.caption("The means over time: D(x) in grey, D(G(z)) in colour. ½ is a coin toss.")
        draw_chart(charts.lines(hues, "iteration", "mean answer", (0, settings.iterations), (0, 1), HEIGHT), rows,
                   "Mean D(x) and D(G(z)) over time")  # fmt: skip


def _spread(side: str, config: Config, run: Run, labels: Sequence[int], most: int) -> dict:
    """The panel with D's answers of a side."""
    records, probability = library.measured(run, most), OBJECTIVES[config.objective].probability
    held = [next((r for r in reversed(records) if r["step"] <= label), None) for label in labels]
    bins = len(records[0]["d_real_histogram"])
    names = [_edges(record["d_range"], bins) if record else [""] * bins for record in held]
    series = [{"name": what, "color": colour, "values": [record and _parts(record[key]) for record in held]}
              for what, key, colour in (("D(x)", "d_real_histogram", REAL),
                                        ("D(G(z))", "d_fake_histogram", COLORS[side]))]  # fmt: skip
    return {"type": "bars", "title": f"{side} · {short(config)}", "about": "% of images", "names": [""] * bins,
            "frames": names, "top": 1, "ref": None, "series": series,
            "x_title": "D's answer: the probability of “real”" if probability else "D's answer: a score"}  # fmt: skip


def _edges(ends: list[float], bins: int) -> list[str]:
    """The lower end of each fourth bin; what does not fit stays empty."""
    low, high = ends
    ends_of = (f"{low + (high - low) * i / bins:.2g}".replace("-", "−") for i in range(bins))
    return [end if i % 4 == 0 else "" for i, end in enumerate(ends_of)]


def _parts(counts: list[int]) -> list[float]:
    return [count / max(1, sum(counts)) for count in counts]


def _gradients(settings: Settings, found: Found) -> None:
    st.caption(
        "How long the gradients are, on a logarithmic axis; each point is the median of a stretch. A gradient of G "
        "that fades means that D leaves it nothing to learn from."
    )
    _pair(settings, found, {"G": "g_grad", "D": "d_grad"}, "gradient norm of {}", log=True)


def _losses(settings: Settings, found: Found) -> None:
    st.caption(
        "What each network minimises; each point is the median of a stretch. Losses of different objectives cannot be "
        "compared, and a falling loss of G does not mean better pictures: its opponent changes as well."
    )
    _pair(settings, found, {"G": "g_loss", "D": "d_loss"}, "loss of {}", log=False)


def _pair(settings: Settings, found: Found, keys: dict[str, str], title: str, log: bool) -> None:
    """A chart for G and one for D, each with A and B."""
    hues = tuple(COLORS.items())
    for place, (who, key) in zip(st.columns(2, gap="medium"), keys.items(), strict=True):
        medians = {side: median_rows(side, run, key, settings.iterations) for side, run in found.items()}
        if log:
            medians = {side: [row for row in rows if row["y"] > 0] for side, rows in medians.items()}
        values = [row["y"] for rows in medians.values() for row in rows] or [1.0]
        apart = (max(values) / min(values)) ** 0.08 if log else 0.08 * (max(values) - min(values))
        rows = [*(row for some in medians.values() for row in some), *name_rows(medians, apart, log)]
        with place:
            spec = charts.lines(hues, "iteration", title.format(who), (0, settings.iterations), None, HEIGHT + 60, log)
            draw_chart(spec, rows, title.format(who))


def median_rows(name: str, run: Run | None, key: str, most: int) -> list[dict]:
    """Rows for ``charts.lines``: medians of stretches."""
    known = [r for r in run.history() if r["step"] <= most and key in r] if run else []
    size = max(1, len(known) // WINDOWS)
    parts = [known[start : start + size] for start in range(0, len(known), size)]
    return [{"name": name, "x": part[len(part) // 2]["step"], "y": statistics.median(r[key] for r in part), "label": ""}
            for part in parts]  # fmt: skip


def name_rows(medians: dict[str, list[dict]], apart: float, log: bool = False) -> list[dict]:
    """Where the names of lines stand: that of the higher one above both, that of the lower one below.

    ``apart``: how far from the line, added to its values, or where the axis is logarithmic multiplied with them.
    """
    named = []
    for name, rows in medians.items():
        if not rows:
            continue
        middle = len(rows) * 6 // 7
        start, end = rows[max(0, middle - 8)]["x"], rows[min(len(rows) - 1, middle + 8)]["x"]
        near = {other: [row["y"] for row in some if start <= row["x"] <= end] for other, some in medians.items()}
        mine, all_ = near[name], [y for ys in near.values() for y in ys]
        above = statistics.mean(mine) >= statistics.mean(all_)
        y, sign = (max(all_), 1) if above else (min(all_), -1)
        named.append({"name": name, "x": rows[middle]["x"], "label": name,
                      "y": y * apart**sign if log else y + sign * apart})  # fmt: skip
    return named
