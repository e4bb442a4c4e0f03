"""What A and B train with: the settings of both, all of them in the link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import streamlit as st

from core.gan import Config
from core.gan.objectives import OBJECTIVES
from pages._shared import seeds, words

FIRST = {"A": "bce", "B": "course"}  # what the page opens with
TITLES = {name: objective.title[0].upper() + objective.title[1:] for name, objective in OBJECTIVES.items()}
LENGTHS = (300, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)  # iterations
LONGEST = LENGTHS[-1]
Z = {"normal": "normal", "uniform": "uniform in [−1, 1]", "sphere": "on a sphere"}
PIXELS = {"sigmoid": "[0, 1], sigmoid", "tanh": "[−1, 1], tanh"}
RATES = (0.00001, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1, 1.0, 1e6)
BATCHES = (16, 32, 64, 128, 256)
SMOOTHINGS = (0.0, 0.05, 0.1, 0.2, 0.3)
VARIETY, ONES, CERTAINTY, FRECHET = "Variety", "Share of 1s", "Certainty", "Fréchet distance"
CURVES = (VARIETY, ONES, CERTAINTY, FRECHET)
SAID = {  # fields of Config in words, as they stand in sentences
    "objective": "objective", "iterations": "iterations", "z": "z", "z_dim": "z dimension", "output": "pixels",
    "smoothing": "label smoothing", "d_steps": "D steps", "batch_size": "batch size", "lr_d": "learning rate of D",
    "lr_g": "learning rate of G", "seed": "seed",
}  # fmt: skip

HELP = {
    "objective": "What D and G minimise. *Same or different?* below has the formulas.",
    "iterations": "Steps of G. The course trained for 20 000 and for 100 000.",
    "seed": "Decides the initial weights, the batches and every z. A and B always share it.",
    "curve": "What is drawn over the iterations.",
    "z": "How the numbers that G starts from are drawn.",
    "z_dim": "How many numbers G starts from. The course: 100.",
    "output": "G's last function, and with it the range of the pixels that D sees.",
    "smoothing": "What is taken off the label 1 of real images.",
    "d_steps": "Steps of D to one of G.",
    "lr": "Learning rate of Adam. The course: 0.001 for both.",
}


@dataclass(frozen=True)
class Settings:
    """What the viewer has chosen."""

    a: Config
    b: Config
    curve: str  # one of CURVES
    bands: bool = True  # draw the spread over recorded seeds

    @property
    def sides(self) -> dict[str, Config]:
        return {"A": self.a, "B": self.b}

    @property
    def iterations(self) -> int:
        return self.a.iterations

    @property
    def linked(self) -> bool:
        """Whether the pictures at the same place come from the same z."""
        return (self.a.z, self.a.z_dim, self.a.seed) == (self.b.z, self.b.z_dim, self.b.seed)


def controls() -> tuple[Callable[[], Settings], st.delta_generator.DeltaGenerator]:
    """Draw the controls; returns what reads them, and the place below them for a line of text and for buttons.

    Reading them raises a ValueError where a value is out of range; the message says which.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    own: dict[str, dict[str, Any]] = {side: {"objective": _objective(row, side)} for side in "AB"}
    iterations = row.selectbox("Iterations", LENGTHS, len(LENGTHS) - 1, format_func=words.count, key="gan_iterations",
                               help=HELP["iterations"], bind="query-params", width=130)  # fmt: skip
    seed = row.number_input("Seed", 0, 999_999, 42, help=HELP["seed"], key="gan_seed", bind="query-params", width=120)
    curve = row.selectbox("Curve", CURVES, help=HELP["curve"], key="gan_curve", bind="query-params", width=170)
    with row.popover("More", icon=":material/tune:"):
        for side, place in zip("AB", st.columns(2, gap="medium"), strict=True):
            with place:
                own[side] |= _rare(side)
        bands = seeds.switch()
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    common = {"iterations": iterations, "seed": int(seed)}
    return lambda: Settings(*(_config(side, {**own[side], **common}) for side in "AB"), curve, bands), bar


def _objective(row: st.delta_generator.DeltaGenerator, side: str) -> str:
    key = f"gan_{side.lower()}"
    with row.container(key=f"{key}_card", width=225):
        return st.selectbox(f"{side} · objective", list(OBJECTIVES), list(OBJECTIVES).index(FIRST[side]), key=key,
                            format_func=TITLES.get, help=HELP["objective"], bind="query-params")  # fmt: skip


def _rare(side: str) -> dict[str, Any]:
    """What is seldom changed, for one side."""
    usual = Config()

    def choose(name: str, options: Any, label: str, said: Callable = str, told: str = "") -> Any:
        return st.selectbox(f"{side} · {label}", list(options), list(options).index(getattr(usual, name)),
                            format_func=said, help=HELP.get(told or name), key=f"gan_{side.lower()}_{name}",
                            bind="query-params")  # fmt: skip

    def number(name: str, label: str) -> int:  # out of range too: then Config says what is possible
        return int(st.number_input(f"{side} · {label}", 0, 1_000_000, getattr(usual, name), help=HELP[name],
                                   key=f"gan_{side.lower()}_{name}", bind="query-params"))  # fmt: skip

    return {
        "z": choose("z", Z, "z", Z.get), "z_dim": number("z_dim", "z dimension"),
        "output": choose("output", PIXELS, "pixels", PIXELS.get),
        "smoothing": choose("smoothing", SMOOTHINGS, "label smoothing"), "d_steps": number("d_steps", "D steps"),
        "batch_size": choose("batch_size", BATCHES, "batch size"),
        "lr_d": choose("lr_d", RATES, "learning rate of D", rate, "lr"),
        "lr_g": choose("lr_g", RATES, "learning rate of G", rate, "lr"),
    }  # fmt: skip


def _config(side: str, values: dict[str, Any]) -> Config:
    try:
        return Config(**values)
    except ValueError as error:  # the message begins with the name of the field
        name, _, rest = str(error).partition(" ")
        raise ValueError(f"{side}: the {SAID.get(name, name)} {rest}") from error


def set_side(side: str, **values: Any) -> None:
    """Give a side these settings, and the course's in all others; for callbacks, before the controls are drawn."""
    prefix, usual = f"gan_{side.lower()}", Config()
    for field in fields(Config):
        key = prefix if field.name == "objective" else f"{prefix}_{field.name}"
        if field.name not in ("iterations", "seed"):
            st.session_state[key] = values.get(field.name, getattr(usual, field.name))


def differences(settings: Settings) -> tuple[list[str], list[str]]:
    """What differs between A and B, and what is the same, in words."""
    names = [field.name for field in fields(Config)]
    differ = [SAID[name] for name in names if getattr(settings.a, name) != getattr(settings.b, name)]
    same = [f"seed {settings.a.seed}"]
    if settings.linked:
        same.append("z")
    if settings.a.z_dim == settings.b.z_dim:
        same.append("initial weights")
    if (settings.a.batch_size, settings.a.d_steps) == (settings.b.batch_size, settings.b.d_steps):
        same.append("batches")
    return differ, same


def rate(value: float) -> str:
    """A learning rate in words."""
    return f"{value:g}" if value < 1000 else words.count(int(value))


def short(config: Config) -> str:
    """A name for a side: its objective, and what else is not as in the course."""
    usual = Config()
    parts = [TITLES[config.objective]]
    if config.output != usual.output:
        parts.append("pixels in [−1, 1]")
    if config.z != usual.z:
        parts.append(f"z {Z[config.z]}")
    rare = {"z_dim": "z of {}", "smoothing": "smoothing {:g}", "d_steps": "{} D steps", "batch_size": "batch {}",
            "lr_d": "lr D {:g}", "lr_g": "lr G {:g}"}  # fmt: skip
    parts += [form.format(getattr(config, name)) for name, form in rare.items()
              if getattr(config, name) != getattr(usual, name)]  # fmt: skip
    return words.listed(parts)
