"""Accuracy against ε: one step, PGD and random changes, beside clean accuracy and chance; and whether to believe it."""

from __future__ import annotations

import streamlit as st

from core import charts
from pages._adversarial import recorded
from pages._adversarial.library import Known
from pages._adversarial.settings import Settings
from pages._adversarial.walks import Walk
from pages._shared import words
from pages._shared.charts import draw as draw_chart
from pages._shared.components.perturbation import Place

HEIGHT = 300
NAMES = {"random": "at random", "fgsm": "one step", "pgd": "PGD, 20 steps"}  # from above
HUES = {"A": {"random": "#9dbfe0", "fgsm": "#6aa8df", "pgd": "#1f70b8"},
        "B": {"random": "#eab58c", "fgsm": "#f08a3c", "pgd": "#c95600"}}  # fmt: skip
TICKS = (0.0, 0.1, 0.2, 0.3)  # of the axis and the table, beside the last ε
APART = 9  # % between two names, at least


def draw(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    """Curves of A, and of B where it is another network; a table, and two checks of each."""
    st.markdown(
        "Share of test images that are named right although an **untargeted** attack may move every pixel by up to ε. "
        "At ε = 0 it is the clean accuracy."
    )
    sides, columns = recorded.sides(chosen), st.columns(2, gap="medium")
    for (side, known), column in zip(sides.items(), columns, strict=False):
        with column:
            metrics = recorded.metrics(side, known)
            if metrics is None:
                continue
            _chart(side, known, metrics["curves"], len(chosen.classes))
        with columns[1] if len(sides) == 1 else column:
            st.dataframe(_table(metrics["curves"]), hide_index=True, width="stretch")
            st.caption("  \n".join(checks(metrics["curves"])))


def _chart(side: str, known: Known, curves: dict[str, list[float]], classes: int) -> None:
    st.markdown(f"**{side}** {known.title}, over {recorded.images(known)}")
    hues = tuple((NAMES[name], HUES[side][name]) for name in NAMES)
    spec = charts.robustness(hues, (*TICKS, curves["epsilon"][-1]), 100 / classes, HEIGHT)
    draw_chart(spec, rows(curves), f"Accuracy of {side} against epsilon under three attacks, and chance level")


def rows(curves: dict[str, list[float]]) -> list[dict]:
    """Rows for ``charts.robustness``; names that would touch stand apart."""
    beside, above = {}, 100.0 + APART
    for name in sorted(NAMES, key=lambda name: -curves[name][-1]):
        above = beside[name] = min(100 * curves[name][-1], above - APART)
    lowest = min(beside.values())
    last = curves["epsilon"][-1]
    return [{"name": said, "epsilon": epsilon, "percent": 100 * share,
             "beside": beside[name] - min(0.0, lowest) if epsilon == last else None}
            for name, said in NAMES.items()
            for epsilon, share in zip(curves["epsilon"], curves[name], strict=True)]  # fmt: skip


def _table(curves: dict[str, list[float]]) -> list[dict]:
    made = []
    for name, said in NAMES.items():
        shares = dict(zip(curves["epsilon"], curves[name], strict=True))
        made.append({"attack": said} | {f"ε {epsilon:g}" if epsilon else "clean": words.percent(shares[epsilon])
                                        for epsilon in TICKS if epsilon in shares})  # fmt: skip
    return made


def checks(curves: dict[str, list[float]]) -> list[str]:
    """Whether the curves can be believed: what must hold of every honest evaluation, and whether it does."""
    pgd = curves["pgd"]
    weaker = [e for e, one, many in zip(curves["epsilon"], curves["fgsm"], pgd, strict=True) if many > one]
    safer = [e for e, here, before in zip(curves["epsilon"][1:], pgd[1:], pgd, strict=False) if here > before]
    return [
        _check("PGD is nowhere weaker than one step", "PGD is weaker than one step", weaker),
        _check("No larger ε is safer under PGD", "A larger ε is safer under PGD", safer),
    ]


def _check(good: str, bad: str, where: list[float]) -> str:
    if not where:
        return f":green[:material/check:] {good}."
    return f":orange[:material/warning:] {bad} at ε {words.listed(f'{e:g}' for e in where)}: don't believe it yet."
