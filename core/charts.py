"""Charts: Vega-Lite specs made with Altair, once; the rows come with every drawing.

A spec without rows stays the same while a training goes on, so that the browser only swaps the numbers. Colours: A and
B are the two sides of a comparison on every page; grey dashes are what the course reported.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt

A, B, COURSE = "#3f90da", "#e76300", "#8a8a8a"
CLASSES = (  # of the ten classes on every page; readable for colour-blind people (Petroff 2021, arXiv:2107.02270)
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
SIDES = alt.Scale(domain=["A", "B"], range=[A, B])
ROWS = alt.NamedData("rows")
THOUSANDS = alt.Axis(tickCount=5, labelExpr="replace(datum.label, /,/g, '\u202f')")  # a thin space, as in all texts
Spec = dict[str, Any]


def _spec(chart: alt.TopLevelMixin) -> Spec:
    """The chart as a plain dict without the name of its rows, which the caller passes beside it."""
    spec = chart.configure_axis(labelFontSize=13, titleFontSize=13, titleFontWeight="normal").to_dict()
    spec.pop("data", None)
    spec["padding"] = {"left": 5, "top": 5, "right": 16, "bottom": 5}  # the last tick's label is wider than the axis
    return spec


@lru_cache(maxsize=64)
def curves(x_max: float, y_title: str, y_domain: tuple[float, float] | None, height: int) -> Spec:
    """Lines of both sides over the epochs. Rows: side ("A"/"B"), kind ("test"/"train"), epoch, value.

    Where no domain is given, values are shown from 0 on.
    Test values are thick with dots, one an epoch; training values thin, many an epoch, with a dot at the start.
    """
    y_scale = alt.Scale(domain=list(y_domain)) if y_domain else alt.Scale(zero=True)
    base = alt.Chart(ROWS).encode(
        x=alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[0, x_max]), axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("value:Q", title=y_title, scale=y_scale),
        color=alt.Color("side:N", scale=SIDES, legend=None),
        tooltip=["side:N", "kind:N", alt.Tooltip("epoch:Q", format=".2f"), alt.Tooltip("value:Q", format=".4~g")],
    )
    train = base.transform_filter("datum.kind == 'train'").mark_line(strokeWidth=1.25, opacity=0.65)
    first = base.transform_filter("datum.kind == 'train' && datum.epoch == 0").mark_point(size=40, filled=True)
    test = base.transform_filter("datum.kind == 'test'").mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=60))
    return _spec((train + first + test).properties(height=height))


@lru_cache(maxsize=32)
def fair_fight(hues: tuple[tuple[str, str], ...], rates: tuple[float, float], top: float, height: int) -> Spec:
    """Test accuracy against learning rate, a line an optimizer.

    Rows: optimizer, lr, accuracy (%), mark ("A", "B" or ""), best (bool). ``hues``: optimizer and colour, a pair a
    line; ``rates``: the lowest and the highest learning rate; ``top``: the end of the accuracy axis.
    """
    decades = alt.Axis(format="~g", values=[10.0**power for power in range(-6, 3)], grid=True)
    base = alt.Chart(ROWS).encode(
        x=alt.X("lr:Q", title="learning rate", axis=decades, scale=alt.Scale(type="log", domain=list(rates))),
        y=alt.Y("accuracy:Q", title="test accuracy (%)", scale=alt.Scale(domain=[0, top])),
    )
    names, colours = ([pair[i] for pair in hues] for i in (0, 1))
    hue = alt.Color("optimizer:N", legend=None, scale=alt.Scale(domain=names, range=colours))
    tooltip = ["optimizer:N", "lr:Q", alt.Tooltip("accuracy:Q", format=".1f", title="test accuracy (%)")]
    lines = base.mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=70)).encode(color=hue, tooltip=tooltip)
    best = base.transform_filter("datum.best").mark_text(dy=-18, fontSize=15, fontWeight=600)
    marked = base.transform_filter("datum.mark != ''").encode(color=alt.Color("mark:N", scale=SIDES, legend=None))
    rings = marked.mark_point(size=320, strokeWidth=3, filled=False)
    letters = marked.mark_text(dx=18, dy=14, fontSize=16, fontWeight=700).encode(text="mark:N")
    layers = alt.layer(lines, best.encode(text="optimizer:N", color=hue), rings, letters)
    return _spec(layers.resolve_scale(color="independent").properties(height=height))


@lru_cache(maxsize=32)
def confusion(
    classes: tuple[str, ...],
    hue: str,
    ink: str,
    height: int,
    x_title: str = "the network says",
    y_title: str = "it is",
    first: tuple[str, str] | None = None,
) -> Spec:
    """Confusion matrix with a clickable cell. Rows: true, called (class names), count, share (of the true class, 0–1),
    and zero (True), if a count of 0 is to be written.

    ``hue``: colour of a cell with the whole class; ``ink``: colour of text on the background of the page; ``first``:
    true and called of the cell that is picked until another is.
    """
    long = max(map(len, classes)) > 2
    order, slanted = list(classes), alt.Axis(orient="top", labelAngle=-40 if long else 0, labelOverlap=False)
    base = alt.Chart(ROWS).encode(
        x=alt.X("called:N", sort=order, title=x_title, axis=slanted),
        y=alt.Y("true:N", sort=order, title=y_title),
        tooltip=["true:N", "called:N", "count:Q", alt.Tooltip("share:Q", format=".0%")],
    )
    picked = [dict(zip(("true", "called"), first, strict=True))] if first else alt.Undefined
    pick = alt.selection_point("pick", fields=["true", "called"], on="click", empty=False, clear=False, value=picked)
    cells = base.mark_rect(stroke="#888", cursor="pointer").encode(
        color=alt.Color("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=["transparent", hue])),
        strokeWidth=alt.condition(pick, alt.value(3), alt.value(0)),
    )
    counts = base.transform_filter("datum.count > 0 || datum.zero").encode(text="count:Q")
    pale = counts.transform_filter("datum.share <= 0.45").mark_text(fontSize=12, cursor="pointer", color=ink)
    strong = counts.transform_filter("datum.share > 0.45").mark_text(fontSize=12, cursor="pointer", color="black")
    return _spec((cells.add_params(pick) + pale + strong).properties(height=height))


@lru_cache(maxsize=16)
def bars(title: str, ink: str, height: int) -> Spec:
    """Paired bars of A and B. Rows: side, name (one a pair, in the given order), percent (0–100)."""
    base = alt.Chart(ROWS).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelFontSize=14, labelLimit=140)),
        yOffset="side:N",
        x=alt.X("percent:Q", title=title, scale=alt.Scale(domain=[0, 112]), axis=alt.Axis(values=[0, 25, 50, 75, 100])),
        tooltip=["side:N", "name:N", alt.Tooltip("percent:Q", format=".3~g")],
    )
    rects = base.mark_bar().encode(color=alt.Color("side:N", scale=SIDES, legend=None))
    texts = base.mark_text(align="left", dx=4, fontSize=12, color=ink).encode(text=alt.Text("percent:Q", format=".0f"))
    return _spec((rects + texts).properties(height=height))


@lru_cache(maxsize=16)
def quality(x_title: str, hues: tuple[tuple[str, str], ...], height: int) -> Spec:
    """Lines of kNN accuracy over epochs. Rows: name, x, percent (0–100). ``hues``: name and colour, a pair a line."""
    names, colours = ([pair[i] for pair in hues] for i in (0, 1))
    base = alt.Chart(ROWS).encode(
        x=alt.X("x:Q", title=x_title, axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("percent:Q", title="kNN accuracy (%)", scale=alt.Scale(zero=False)),
        color=alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=None),
        tooltip=["name:N", "x:Q", alt.Tooltip("percent:Q", format=".1f")],
    )
    lines = base.mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=60))
    middle = base.transform_joinaggregate(m="median(x)").transform_filter("datum.x == ceil(datum.m)")
    words = {dy: middle.mark_text(dy=dy, fontSize=14, fontWeight=600).encode(text="name:N") for dy in (-14, 18)}
    first = words[-14].transform_filter({"field": "name", "equal": names[0]})  # the two upper lines lie close together
    others = words[18].transform_filter({"not": {"field": "name", "equal": names[0]}})
    return _spec((lines + first + others).properties(height=height))


@lru_cache(maxsize=32)
def losses(x_max: float, y_title: str, height: int, y_domain: tuple[float, float] | None = None) -> Spec:
    """Losses over iterations: batches thin, held-out text thick with dots, the course's as grey dashes, bands pale.

    Rows: side ("A"/"B"/"course"), kind ("batch"/"held out"/"course"/"band"), step, value; of a band, value is the lower
    end and high the upper one. Where no domain is given, values are shown from 0 on.
    """
    hues = alt.Scale(domain=["A", "B", "course"], range=[A, B, COURSE])
    y_scale = alt.Scale(domain=list(y_domain)) if y_domain else alt.Scale(zero=True)
    base = alt.Chart(ROWS).encode(
        x=alt.X("step:Q", title="iteration", scale=alt.Scale(domain=[0, x_max]), axis=THOUSANDS),
        y=alt.Y("value:Q", title=y_title, scale=y_scale),
        color=alt.Color("side:N", scale=hues, legend=None),
        tooltip=["side:N", "kind:N", "step:Q", alt.Tooltip("value:Q", format=".4~g")],
    )
    batch = base.transform_filter("datum.kind == 'batch'").mark_line(strokeWidth=1.25, opacity=0.65, clip=True)
    held = base.transform_filter("datum.kind == 'held out'").mark_line(
        strokeWidth=2.5, clip=True, point=alt.OverlayMarkDef(size=45, clip=True)
    )
    reported = base.transform_filter("datum.kind == 'course'")
    dashes = reported.mark_line(strokeWidth=2, strokeDash=[6, 5], clip=True)
    middle = reported.transform_filter("datum.step == 1000")  # below the dashes: ours lie above them
    name = middle.mark_text(text="course", dy=16, fontSize=14, fontWeight=600, clip=True)
    band = base.transform_filter("datum.kind == 'band'").mark_area(opacity=0.25, clip=True).encode(y2="high:Q")
    return _spec((band + batch + dashes + held + name).properties(height=height))


@lru_cache(maxsize=64)
def lines(
    hues: tuple[tuple[str, str], ...],
    x_title: str,
    y_title: str,
    x_domain: tuple[float, float],
    y_domain: tuple[float, float] | None,
    height: int,
    log: bool = False,
    dashed: str = "",
) -> Spec:
    """Lines with their names on them. Rows: name, x, y, label ("" for a point of the line, text to stand there).

    ``hues``: name and colour, a pair a line; ``log``: whether the y axis is logarithmic; ``dashed``: the name of a line
    that lies in dashes over another one, which is then drawn thick and pale.
    """
    names, colours = ([pair[i] for pair in hues] for i in (0, 1))
    y_scale = {"type": "log"} if log else {"zero": False}
    ticks = {"values": [10.0**power for power in range(-8, 9, 2)]} if log and y_domain else {"tickCount": 5}
    y_axis = alt.Axis(**({"format": "~g"} if log else {}), **ticks)
    base = alt.Chart(ROWS).encode(
        x=alt.X("x:Q", title=x_title, scale=alt.Scale(domain=list(x_domain), nice=False), axis=THOUSANDS),
        y=alt.Y("y:Q", title=y_title, axis=y_axis,
                scale=alt.Scale(**y_scale, **({"domain": list(y_domain)} if y_domain else {}))),
        color=alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=None),
        tooltip=["name:N", alt.Tooltip("x:Q", format=",.4~g"), alt.Tooltip("y:Q", format=".4~g")],
    )  # fmt: skip
    points, over = base.transform_filter("datum.label == ''"), {"field": "name", "equal": dashed}
    under = points.transform_filter({"not": over}).mark_line(
        strokeWidth=6 if dashed else 2, opacity=0.45 if dashed else 1, clip=True
    )
    top = points.transform_filter(over).mark_line(strokeWidth=2, strokeDash=[6, 5], clip=True)
    words = base.transform_filter("datum.label != ''").mark_text(fontSize=15, fontWeight=600)
    return _spec((under + top + words.encode(text="label:N")).properties(height=height))


@lru_cache(maxsize=32)
def robustness(hues: tuple[tuple[str, str], ...], epsilons: tuple[float, ...], chance: float, height: int) -> Spec:
    """Accuracy against the size of attacks, with names at the right and dashes at chance level (%).

    Rows: name, epsilon, percent (0–100), and at the last epsilon ``beside``: the percentage at which its name stands.
    ``hues``: name and colour, a pair a line; ``epsilons``: where the axis has ticks, the last one where lines end.
    """
    names, colours = ([pair[i] for pair in hues] for i in (0, 1))
    room = [0, 1.5 * epsilons[-1]]  # for the names
    base = alt.Chart(ROWS).encode(
        x=alt.X("epsilon:Q", title="ε (L∞)", scale=alt.Scale(domain=room, nice=False),
                axis=alt.Axis(values=list(epsilons), format="~g")),
        color=alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=None),
        tooltip=["name:N", alt.Tooltip("epsilon:Q", format="~g"), alt.Tooltip("percent:Q", format=".1f")],
    )  # fmt: skip
    percent = alt.Y("percent:Q", title="named right (%)", scale=alt.Scale(domain=[0, 102], nice=False))
    lines = base.encode(y=percent).mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=40))
    words = base.transform_filter("isValid(datum.beside)").encode(y="beside:Q", text="name:N")
    level = (
        alt.Chart(ROWS)
        .transform_filter("datum.epsilon == 0")
        .transform_calculate(level=str(chance), start="0", end=str(epsilons[-1]))
    )
    dashes = level.mark_rule(strokeWidth=2, strokeDash=[6, 5], color=COURSE).encode(
        x="start:Q", x2="end:Q", y="level:Q"
    )
    said = level.mark_text(text=f"chance {chance:g} %", align="right", dx=-4, dy=-9, fontSize=13, color=COURSE)
    layers = dashes + said.encode(x="end:Q", y="level:Q") + lines
    return _spec((layers + words.mark_text(align="left", dx=8, fontSize=14, fontWeight=600)).properties(height=height))


@lru_cache(maxsize=16)
def shares(names: tuple[str, ...], x_max: float, x_title: str, height: int) -> Spec:
    """Shares that add up to 1 over time, one above the other. Rows: name, x, share (0–1), middle (where its name may
    stand on the y axis), label (the name at one x, "" elsewhere). ``names``: from the bottom up, in the colours of the
    classes."""
    base = alt.Chart(ROWS).encode(
        x=alt.X("x:Q", title=x_title, scale=alt.Scale(domain=[0, x_max], nice=False), axis=THOUSANDS),
        color=alt.Color("name:N", legend=None, scale=alt.Scale(domain=list(names), range=list(CLASSES[: len(names)]))),
        order=alt.Order("name:N"),
        tooltip=["name:N", alt.Tooltip("x:Q", format=",.6~g"), alt.Tooltip("share:Q", format=".1%")],
    )
    percent = alt.Axis(format=".0%", values=[0, 0.5, 1], grid=False)
    areas = base.mark_area(interpolate="step", opacity=0.9).encode(
        y=alt.Y("share:Q", stack="zero", title=None, axis=percent, scale=alt.Scale(domain=[0, 1]))
    )
    said = alt.Chart(ROWS).transform_filter("datum.label != ''").mark_text(
        align="right", dx=-5, fontSize=16, fontWeight=700, color="#111", stroke="#fffc", strokeWidth=0.4
    ).encode(x="x:Q", y="middle:Q", text="label:N")  # fmt: skip
    return _spec((areas + said).properties(height=height))
