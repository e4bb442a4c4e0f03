"""Is this real? Noise, which forms clumps as well, and the same images with other seeds and perplexities."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import charts
from core.embeddings import EVERY, Config
from core.runs import Run
from pages._embeddings import library, picture, readings
from pages._embeddings.picture import Found
from pages._embeddings.settings import Settings
from pages._shared.components.maps import Column, Map
from pages._shared.components.scrubber import scrubber

PERPLEXITIES = (5, 30, 50, 100)
SEEDS = (42, 43, 44)  # recorded
FEATURES, PIXELS = "Trained features", "Raw pixels"
NOTHING, NOISE = "noise", (2, 5, 30, 100)  # the row without classes, and its perplexities
HEIGHT, AROUND = 310, 130  # pixels of a row, and of what stands around them
HINT = "Drag over a clump: are its images together in the other maps as well?"
NOISE_HINT = "Drag over a clump of noise: at another perplexity its points lie apart."
Row = tuple[str, list[Run | None]]  # what is laid out, and its layouts


def draw(settings: Settings, found: Found, frame: int) -> None:
    """Rows of t-SNE maps, each at four perplexities: of noise, of the images from two starts."""
    noise = [library.find(Config(layout="tsne", perplexity=float(p), layer="noise", points=500)) for p in NOISE]
    st.markdown(
        "**Nothing but noise**, 500 points of it. There are no groups in here, and yet at low perplexity t-SNE makes "
        "clumps of twos, threes and fours: every point needs neighbours."
    )
    _maps("emb_noise_maps", "500", [(NOTHING, noise)], NOISE, NOISE_HINT, "Small multiples of t-SNE of noise")
    text, what, seed = st.columns([6, 4, 2], vertical_alignment="bottom")
    text.markdown(
        "**The same 2\u202f000 images** in every map. What stays from map to map may be real. What changes with the "
        "start or the perplexity, such as the place, the size and the distance of a clump, is not."
    )
    shown = what.segmented_control("What is laid out", [FEATURES, PIXELS], default=FEATURES, required=True,
                                   key="emb_real", bind="query-params")  # fmt: skip
    seeds = SEEDS[1:] if shown == PIXELS else SEEDS
    other = seed.selectbox("Another start", seeds, format_func=lambda n: f"seed {n}", key="emb_real_seed",
                           bind="query-params")  # fmt: skip
    start = {"seed": other} if shown == PIXELS else {"seed": other, "init": "random"}
    rows = [
        ("PCA start", _layouts(shown)),
        (f"seed {other}" if shown == PIXELS else f"random, seed {other}", _layouts(shown, **start)),
    ]
    _maps("emb_real_maps", shown, rows, PERPLEXITIES, HINT, "Small multiples of t-SNE: two starts, four perplexities")


def _maps(key: str, shown: str, rows: list[Row], perplexities: Sequence[int], hint: str, alt: str) -> None:
    """Rows of maps, or what to do where one is not recorded."""
    if any(run is None for _, row in rows for run in row):
        st.info("The recorded layouts are not all there: `python -m core record embeddings` makes them.")
        return
    panel = {**_panel(str(rows), shown, rows, perplexities), "hint": hint, "grid": len(perplexities)}
    scrubber(key=key, axis="", frames=[""], panels=[panel], at=0, height=AROUND + HEIGHT * len(rows), alt=alt)


def _layouts(shown: str, **more) -> list[Run | None]:
    what = {"layer": "pixels"} if shown == PIXELS else {} if more else {"epoch": EVERY}
    return [library.find(Config(layout="tsne", perplexity=float(p), **what, **more)) for p in PERPLEXITIES]


@st.cache_resource(max_entries=8, show_spinner=False)
def _panel(key: str, shown: str, _rows: list[Row], perplexities: Sequence[int]) -> dict:
    columns = [_column(name, row, perplexities) for name, row in _rows]
    points = library.points_of(_rows[0][1][0], _rows[0][1][0].steps[0])
    if _rows[0][0] == NOTHING:  # nor are its points images of anything
        points = dataclasses.replace(points, labels=np.zeros_like(points.labels), classes=(NOTHING,))
        return picture.together(columns, points, stream=NOTHING, sprite="", hues=(charts.COURSE,))
    sprite = library.sprite("mnist", len(points.labels))
    return picture.together(columns, points, stream=f"real {shown}", sprite=sprite)


def _column(name: str, row: list[Run], perplexities: Sequence[int]) -> Column:
    """A row of maps as they ended."""
    maps, said = [], []
    for run, perplexity in zip(row, perplexities, strict=True):
        step = run.steps[-1]
        points = library.points_of(run, step)
        figures = readings.short(library.quality(run)[step])
        lines = ["pure chance"] if name == NOTHING else [figures]
        maps.append(Map(f"perplexity {perplexity}", [points.places], [lines]))
        said = [points]
    judged = said if name != NOTHING else []
    return Column("", [name], maps, [p.called for p in judged], [p.certainty for p in judged])
