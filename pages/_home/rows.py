"""The rows of the overview's table, a figure of the course each: filled from the run records."""

from __future__ import annotations

from html import escape
from typing import Any

from core import course, reported
from core.reported import ENTROPY, NATS, SHARE, Figure, Ours
from pages._home.presets import SGD_ADAM, TANH
from pages._shared import words

UNITS = {NATS: "nats per character", ENTROPY: "0 to 1"}  # that the numbers don't name
PERCENT = f"{words.THIN}%"

_GAN = {"gan_a": "BCE with logits", "gan_b": "Course notebook", "gan_curve": "Variety"}
_ATTACK = {
    "adv_a": "Course's network", "adv_b": "The same attack", "adv_b_network": "Default initial weights",
    "adv_tab": "The course's runs",
}  # fmt: skip
LINKS = {  # name of a figure → the settings that show it
    "sgd": SGD_ADAM,
    "adam": SGD_ADAM,
    "tanh": TANH,
    "loss": {"rnn_tab": "Loss", "rnn_unit": "Nats"},
    "perplexity": {"rnn_tab": "Loss", "rnn_unit": "Perplexity"},
    **{f"{objective}-{step}": {**_GAN, "gan_iterations": words.count(step)}
       for objective in course.GAN_NAMES for step in course.GAN_ITERATIONS},
    "attacked": {"adv_a": "Course's network", "adv_tab": "Numbers"},
    "four": {**_ATTACK, "adv_start": "Test image"},
    "noise": {**_ATTACK, "adv_start": "Noise"},
    "zeros": {**_ATTACK, "adv_start": "Zeros"},
}  # fmt: skip


def made() -> list[dict[str, Any]]:
    """For each figure the HTML of its ``cells``, and the ``page`` and ``query`` of a link to its setting."""
    return [
        {"cells": cells(figure, reported.ours(figure)), "page": figure.topic, "query": LINKS[figure.name]}
        for figure in reported.FIGURES
    ]


def cells(figure: Figure, ours: Ours | None) -> str:
    """The cells of a row, as HTML: four times Streamlit's Markdown would take four times as long to draw."""
    said = row(figure, ours)
    title, about, theirs, mean, seeds, why = (escape(said[name], quote=False) for name in ROW)
    return (
        f'<div class="home-row"><div><b>{title}</b><small>{about}</small></div>'
        f"<div><i>Course</i><span>{theirs}</span></div>"
        f"<div><i>Ours</i><b>{mean}</b><small>{seeds}</small></div><div>{why}</div></div>"
    )


ROW = ("title", "about", "theirs", "mean", "seeds", "why")


def row(figure: Figure, ours: Ours | None) -> dict[str, str]:
    """What a row says, for each of ROW: which figure, what about it, the course's, ours, and why they differ."""
    unit = f", {UNITS[figure.unit]}" if figure.unit in UNITS else ""
    told = figure.said or "not described"
    said = {
        "title": figure.setting[0].upper() + figure.setting[1:],
        "about": f"{words.TITLES[figure.topic]}, exercise {figure.exercise} · {figure.what}{unit}",
        "theirs": told if figure.reported is None else number(figure.reported, figure.unit, figure.digits),
    }
    if ours is None:
        return {**said, "mean": "", "seeds": "not recorded", "why": ""}
    mean, low, high = (number(value, figure.unit, decimals(figure)) for value in (ours.mean, *ours.range))
    several = f"{len(ours.values)} seeds, {low.removesuffix(PERCENT)} to {high}"
    return {**said, "mean": mean, "seeds": several if len(ours.values) > 1 else "1 seed", "why": ours.why}


def decimals(figure: Figure) -> int:
    """Of our numbers: the course's, but no more than seeds agree on."""
    return min(figure.digits, {SHARE: 1, NATS: 3}.get(figure.unit, figure.digits))


def number(value: float, unit: str, digits: int) -> str:
    """A number as it stands in the table."""
    return words.percent(value, digits) if unit == SHARE else f"{value:.{digits}f}"
