"""Success from every class to every other; a click on a cell shows examples, and one more click opens them above."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import charts
from core.adversarial.attacks import named
from core.adversarial.traces import trace
from pages._adversarial import library, recorded
from pages._adversarial.library import Known
from pages._adversarial.settings import COURSE, Settings
from pages._adversarial.start import IMAGE
from pages._adversarial.walks import Walk
from pages._shared import gallery, words
from pages._shared.charts import draw as draw_chart
from pages._shared.charts import ink
from pages._shared.components.perturbation import Place

HEIGHT = 400
COLOURS = {"A": charts.A, "B": charts.B}
EXAMPLES = 4  # shown of a cell


def draw(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    """The matrix of A, and of B where it is another network; examples below, or beside the only one."""
    attack = named("course")
    st.markdown(
        f"How often the course's attack ({attack.steps} steps, ε {attack.epsilon:g}) turns a class into another, in % "
        "of the test images that are named right. Click a cell to see examples."
    )
    sides, columns = recorded.sides(chosen), st.columns(2, gap="medium")
    for (side, known), column in zip(sides.items(), columns, strict=False):
        with column:
            cell = _matrix(side, known, chosen.classes)
        if cell:
            with columns[1] if len(sides) == 1 else column:
                _examples(side, known, chosen.classes, *cell)


def _matrix(side: str, known: Known, classes: tuple[str, ...]) -> tuple[int, int] | None:
    """Draw it; returns the cell whose examples to show: the one clicked last, or the hardest."""
    metrics = recorded.metrics(side, known)
    if metrics is None:
        return None
    values = np.array([[np.nan if cell is None else cell for cell in row] for row in metrics["matrix"]])
    st.markdown(f"**{side}** {known.title}: {_summary(values, classes)}")
    rows = [{"true": true, "called": called, "count": round(100 * values[i, j]), "share": float(values[i, j]),
             "zero": True}
            for i, true in enumerate(classes)
            for j, called in enumerate(classes) if not np.isnan(values[i, j])]  # fmt: skip
    hardest = divmod(int(np.nanargmin(values)), len(classes)) if rows else None
    first = hardest and tuple(classes[k] for k in hardest)
    spec = charts.confusion(classes, COLOURS[side], ink(), HEIGHT, "target", "it is", first)
    picked = draw_chart(spec, rows, f"Success of attacks on {side} from class to class, in %",
                        key=f"adv_cell_{side.lower()}", on_select="rerun")  # fmt: skip
    cell = (picked.selection.get("pick") or [{}])[0]
    if {cell.get("true"), cell.get("called")} <= set(classes):
        return classes.index(cell["true"]), classes.index(cell["called"])
    return hardest


def _summary(values: np.ndarray, classes: tuple[str, ...]) -> str:
    """The mean, and the easiest target and the hardest."""
    if np.isnan(values).all():
        return "no image of these is named right"
    by_target = np.nanmean(values, 0) if not np.isnan(values).all(0).any() else np.nan_to_num(values).mean(0)
    best, worst = int(by_target.argmax()), int(by_target.argmin())
    return (f"{words.percent(float(np.nanmean(values)), 0)} on average; easiest target *{classes[best]}* "
            f"({words.percent(by_target[best], 0)}), hardest *{classes[worst]}* "
            f"({words.percent(by_target[worst], 0)})")  # fmt: skip


def _examples(side: str, known: Known, classes: tuple[str, ...], source: int, target: int) -> None:
    """Images of the cell before and after, and a button that opens the first of them above."""
    if source == target:
        st.caption(f"{classes[source]} is {classes[source]} already: there is nothing to turn.")
        return
    test, _ = library.examples(known.dataset)
    numbers, pictures, certainties = _attacked(known.identity, known, source, target)
    if not len(numbers):
        st.caption(f"Among the first of them, {side} names no {classes[source]} right.")
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(f"{classes[source]} towards {classes[target]}: what {side} says after the attack")
    if row.button("Show above", icon=":material/arrow_upward:", key=f"adv_show_{side.lower()}", on_click=_show,
                  args=(known, classes, source, target, int(numbers[0]))):  # fmt: skip
        st.rerun()
    said = [f"{classes[k]}, {words.percent(float(p), 0)}" for k, p in certainties]
    places = np.flatnonzero(test.labels == source)[numbers]
    gallery.draw(pictures, [f"image {i}" for i in places], said)


@st.cache_resource(max_entries=64, show_spinner=False)
def _attacked(
    identity: str, _known: Known, source: int, target: int
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, float]]]:
    """Which of the images of a class (their numbers), what becomes of them, and what the network says then."""
    test, _ = library.examples(_known.dataset)
    numbers = np.arange((test.labels == source).sum())[: 2 * EXAMPLES]
    if not len(numbers):
        return numbers, np.zeros((0, 1, 1, 1), np.uint8), []
    pixels = library.pixels(_known, test.images[np.flatnonzero(test.labels == source)[numbers]])
    found = trace(library.network(_known).model, pixels, [target] * len(numbers), named("course"))
    right = np.flatnonzero(found.called[:, 0] == source)[:EXAMPLES]
    last = found.probabilities[right, -1]
    return (numbers[right], np.rint(255 * found.images[right, -1]).astype(np.uint8),
            [(int(row.argmax()), float(row.max())) for row in last])  # fmt: skip


def _show(known: Known, classes: tuple[str, ...], source: int, target: int, number: int) -> None:
    """Open this image, with the attack of the matrix, in the picture above."""
    st.session_state.update({"adv_a": known.title, "adv_start": IMAGE, f"adv_class_{known.dataset}": classes[source],
                             "adv_number": number, **COURSE})  # fmt: skip
    st.query_params["adv_target"] = classes[target]
    st.query_params.pop("adv_step", None)
