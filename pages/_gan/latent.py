"""Latent space: walks between two samples, and the directions of z that change the pictures most."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core import images
from core.gan import Config, latent
from core.gan.sheets import SHOWN
from core.runs import Run
from pages._gan import library
from pages._gan.library import Found
from pages._gan.settings import Settings
from pages._shared import words
from pages._shared.components.scrubber import scrubber
from pages._shared.components.sheets import Sheets, panel

WALK, DIRECTIONS = "Walk", "Directions"
STEPS = 61  # pictures of a walk
FIRST, LAST = 16, 4  # samples that it leads between: with BCE a 3 and a 9
HEIGHT = 250  # pixels of the walk
COUNT = 6  # directions
FAR = 4.0  # how far a direction can be followed, in units of z
AMOUNTS = np.linspace(-FAR, FAR, 9)
CELL = 56  # pixels of a picture in the table of directions
LARGE = 200
ANCHORS = 64  # z that the directions are averaged over
KINDS = {"slerp": "along the sphere (slerp)", "lerp": "straight (lerp)"}


def draw(settings: Settings, found: Found, iteration: int) -> None:
    """Walks or directions of one side's generator."""
    runs = {side: run for side, run in found.items() if run and run.steps}
    if not runs:
        st.info("No generator is recorded with these settings yet. Train one, and its latent space can be walked.")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    what = row.segmented_control("What", [WALK, DIRECTIONS], default=WALK, required=True, key="gan_latent",
                                 bind="query-params", label_visibility="collapsed")  # fmt: skip
    side = row.segmented_control("Whose generator", list(runs), default=next(iter(runs)), required=True,
                                 key="gan_walk_of", bind="query-params")  # fmt: skip
    run = runs.get(side) or next(iter(runs.values()))
    step = _step(row, run, iteration)
    (_walk if what == WALK else _directions)(row, settings, side, run, step)


def _step(row: st.delta_generator.DeltaGenerator, run: Run, iteration: int) -> int:
    """The iteration whose weights are used: those that the picture shows, or the last ones kept before."""
    usual = max((i for i, step in enumerate(run.steps) if step <= iteration), default=0)
    return row.selectbox("After iteration", run.steps, usual, format_func=words.count, key="gan_walk_step", width=140,
                         help="Iterations of which the weights of G are kept.")  # fmt: skip


# Walks


def _walk(row: Any, settings: Settings, side: str, run: Run, step: int) -> None:
    start = row.number_input("From sample", 0, SHOWN - 1, FIRST, key="gan_from", bind="query-params", width=125,
                             help="0 is the first sample on the sheet, 63 the last. A click on a sample above offers "
                             "it, too.")  # fmt: skip
    end = row.number_input("To sample", 0, SHOWN - 1, LAST, key="gan_to", bind="query-params", width=125)
    made = _walks(run.name, step, library.checksum(run, f"snapshots/{step}.safetensors"), int(start), int(end))
    sides = [
        Sheets("", f"{side} · {KINDS[kind]}", one["pngs"], range(STEPS), one["about"]) for kind, one in made.items()
    ]
    stream = f"{run.name} {step} {start} {end}"
    given = panel(sides, stream=stream, title="A walk between two samples", cols=1, linked=False)
    strip = [_strip(one["strip"], KINDS[kind]) for kind, one in made.items()]
    large, rows = st.columns([5, 6], gap="medium")
    with large:
        scrubber(key="gan_walk", axis="Step", frames=[str(i) for i in range(STEPS)], panels=[given], at=0,
                 height=HEIGHT, play_ms=40, alt="A walk through latent space, step by step")  # fmt: skip
    with rows:
        st.html("".join(strip))
        st.caption(_lengths(made, library.config_of(run)))


@st.cache_resource(max_entries=64, show_spinner=False)
def _walks(name: str, step: int, checksum: str, start: int, end: int) -> dict[str, dict[str, Any]]:
    """Of each kind of walk: its pictures, how long z is along it, and a strip of some pictures."""
    run = library.find_by_name(name)
    model, ends = library.generator(run, step), latent.fixed(library.config_of(run), SHOWN)[[start, end]]
    made = {}
    for kind in KINDS:
        way = latent.walk(kind, *ends, STEPS)
        drawn, lengths = latent.images(model, way), [float(z.norm()) for z in way]
        made[kind] = {"pngs": [images.png_uri(picture) for picture in drawn], "lengths": lengths,
                      "about": [f"|z| {length:.1f}" for length in lengths],
                      "strip": images.sheet(drawn[:: (STEPS - 1) // 10], 11, pad=1)}  # fmt: skip
    return made


def _strip(strip: np.ndarray, title: str) -> str:
    return (f'<figure style="margin:0 0 10px"><figcaption style="font-size:15px">{title}</figcaption>'
            f'<img src="{images.png_uri(strip)}" alt="The walk {title}, in eleven pictures" style="width:100%;'
            'image-rendering:pixelated;border-radius:4px"></figure>')  # fmt: skip


def _lengths(made: dict[str, dict[str, Any]], config: Config) -> str:
    shortest, usual = min(made["lerp"]["lengths"]), float(latent.fixed(config, SHOWN).norm(dim=1).mean())
    return (
        f"Halfway, the straight way comes as near to the origin as |z| = {shortest:.1f}. Training drew none "
        f"there: z lies at about {usual:.1f}, and the way along the sphere stays near that. Do the pictures in the "
        "middle suffer?"
    )


# Directions


def _directions(row: Any, settings: Settings, side: str, run: Run, step: int) -> None:
    start = row.number_input("Sample", 0, SHOWN - 1, FIRST, key="gan_from", bind="query-params", width=125)
    checksum = library.checksum(run, f"snapshots/{step}.safetensors")
    found, strengths = _found(run.name, step, checksum)
    model = library.generator(run, step)
    z = latent.fixed(library.config_of(run), SHOWN)[int(start)]
    sliders, large, table = st.columns([3, 2, 5], gap="medium")
    with sliders:
        amounts = [st.slider(f"Direction {k + 1} · strength {strength:.2f}", -FAR, FAR, 0.0, 0.25,
                             key=f"gan_direction_{k}", bind="query-params")
                   for k, strength in enumerate(strengths)]  # fmt: skip
    moved = latent.moved(z, found, amounts)
    drawn = latent.images(model, moved[None])[0]
    with large:
        called, certainty = library.verdict(drawn.tobytes())
        st.html(f'<img src="{images.png_uri(drawn)}" alt="The sample, moved" style="width:{LARGE}px;height:{LARGE}px;'
                'image-rendering:pixelated;border-radius:6px">')  # fmt: skip
        st.markdown(f"The judge says **{called}**, {words.percent(certainty, 0)} certain.")
        st.button("Back to the sample", key="gan_direction_reset", on_click=_reset, disabled=not any(amounts))
    with table:
        ways = np.concatenate([latent.images(model, z + amount * direction[None])
                               for direction in found for amount in AMOUNTS.tolist()])  # fmt: skip
        sheet = images.sheet(ways, len(AMOUNTS), pad=1)
        st.html(f'<img src="{images.png_uri(sheet)}" alt="Each direction on its own" style="width:'
                f'{CELL * len(AMOUNTS)}px;max-width:100%;image-rendering:pixelated;border-radius:4px">')  # fmt: skip
        st.caption(
            f"A row a direction, from −{FAR:g} to +{FAR:g}, with the sample in the middle. Strength: how much the "
            "picture changes for a small step, on average over 64 z. The directions are the eigenvectors of JᵀJ (J: "
            "the derivative of the picture by z)."
        )


@st.cache_resource(max_entries=32, show_spinner=False)
def _found(name: str, step: int, checksum: str) -> tuple[Any, list[float]]:
    run = library.find_by_name(name)
    config = library.config_of(run)
    count = min(COUNT, config.z_dim)
    found, strengths = latent.directions(library.generator(run, step), latent.fixed(config, ANCHORS), count)
    return found, strengths.tolist()


def _reset() -> None:
    for k in range(COUNT):
        st.session_state[f"gan_direction_{k}"] = 0.0
