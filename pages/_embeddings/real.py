"""Is this real? The same images with other seeds and perplexities, and noise, which forms small clumps as well."""

from __future__ import annotations

import streamlit as st

from core.embeddings import EVERY, Config
from core.runs import Run
from pages._embeddings import library, picture, readings
from pages._embeddings.picture import Found
from pages._embeddings.settings import Settings
from pages._shared.maps import Column, Map
from pages._shared.scrubber import scrubber

PERPLEXITIES = (5, 30, 50, 100)
SEEDS = (42, 43, 44)  # recorded
FEATURES, PIXELS = "Trained features", "Raw pixels"
HEIGHT = 960  # pixels of three rows
HINT = "Drag over a clump: are its images together in the other maps as well?"


def draw(settings: Settings, found: Found, frame: int) -> None:
    """Three rows of t-SNE maps: from the PCA map, from a random start, and of noise; each at four perplexities."""
    text, what, seed = st.columns([6, 4, 2], vertical_alignment="bottom")
    text.markdown(
        "Every map is t-SNE of **the same 2\u202f000 images**, or of **nothing but noise**. What stays from map to map "
        "may be real. What changes with the start or the perplexity, such as the place, the size and the distance of "
        "a clump, is not. At perplexity 5 even noise falls into tiny clumps."
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
        ("noise", _noise()),
    ]
    if any(run is None for _, row in rows for run in row):
        st.info("The recorded layouts are not all there: `python -m core record embeddings` makes them.")
        return
    scrubber(key="emb_real_maps", axis="", frames=[""], panels=[_panel(str(rows), shown, rows)], at=0, height=HEIGHT,
             alt="Small multiples of t-SNE: two starts and noise, four perplexities each")  # fmt: skip


def _layouts(shown: str, **more) -> list[Run | None]:
    what = {"layer": "pixels"} if shown == PIXELS else {} if more else {"epoch": EVERY}
    return [library.find(Config(layout="tsne", perplexity=float(p), **what, **more)) for p in PERPLEXITIES]


def _noise() -> list[Run | None]:
    return [library.find(Config(layout="tsne", perplexity=float(p), layer="noise")) for p in PERPLEXITIES]


@st.cache_resource(max_entries=8, show_spinner=False)
def _panel(key: str, shown: str, _rows: list[tuple[str, list[Run]]]) -> dict:
    columns = [_column(name, row) for name, row in _rows]
    points = library.points_of(_rows[0][1][0], _rows[0][1][0].steps[0])
    made = picture.together(columns, points, stream=f"real {shown}", sprite=library.sprite("mnist", len(points.labels)))
    return {**made, "hint": HINT, "grid": len(PERPLEXITIES)}


def _column(name: str, row: list[Run]) -> Column:
    """A row of maps as they ended."""
    maps, said = [], []
    for run, perplexity in zip(row, PERPLEXITIES, strict=True):
        step = run.steps[-1]
        points = library.points_of(run, step)
        figures = readings.short(library.quality(run)[step])
        lines = ["no classes in here: pure chance"] if name == "noise" else [figures]
        maps.append(Map(f"perplexity {perplexity}", [points.places], [lines]))
        said = [points]
    judged = said if name != "noise" else []
    return Column("", [name], maps, [p.called for p in judged], [p.certainty for p in judged])
