"""THE picture: A and B, each by PCA and by t-SNE, one brush for all maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import charts
from core.embeddings.reading import Points
from core.runs import Run
from pages._embeddings import library, readings
from pages._embeddings.settings import Settings
from pages._shared import stage, training
from pages._shared.components.maps import Column, Map, panel
from pages._shared.components.packing import Encoded
from pages._shared.components.scrubber import ready, scrubber

HEIGHT = 384  # pixels
REST = 326  # pixels of a window that the page needs around the picture
NAMES = {"pca": "PCA", "tsne": "t-SNE"}
HINT = "Drag over points to see the same images in every map. Click one to see its neighbours. Hover to see the digit."
ALT = "Maps of the test images by PCA and t-SNE, for A and for B, with a slider through {}"
PLAY = "emb_play"  # in the session state, for one run: the picture plays by itself
Found = dict[tuple[str, str], Run | None]  # side and method → layout


def draw(settings: Settings, found: Found) -> int:
    """Draw what is recorded; returns the frame that the viewer chose."""
    labels = frames(settings, found)
    if not labels:
        stage.empty(training.nothing(f"**{settings.action}** shows it.", "laid out"), HEIGHT)
        return 0
    last = len(labels) - 1
    wanted = st.query_params.get("emb_frame", "")
    at = min(int(wanted), last) if wanted.isdecimal() and len(wanted) < 5 else last
    frame = scrubber(
        key="emb_picture",
        axis="Iteration" if settings.unfold else "Epoch",
        frames=[str(label) for label in labels],
        panels=recorded(settings, found, labels),
        at=at,
        height=HEIGHT,
        rest=REST,
        play_ms=90 if settings.unfold else 700,
        alt=ALT.format("the iterations of t-SNE" if settings.unfold else "the epochs of B's training"),
        play=st.session_state.pop(PLAY, False),
    )
    _to_link(frame, last)
    return frame


def frames(settings: Settings, found: Found) -> list[int]:
    """What the slider goes through: epochs of B, or iterations of t-SNE."""
    if settings.unfold:
        unfolding = [run.steps for (_, method), run in found.items() if method == "tsne" and run]
        return max(unfolding, key=len, default=[])
    runs = [found.get(("B", method)) for method in NAMES]
    return max((run.steps for run in runs if run), key=len, default=[])


def _to_link(frame: int, default: int) -> None:
    """Keep the frame in the address; the default stays out of it, as for every other control."""
    if frame == default:
        st.query_params.pop("emb_frame", None)
    elif st.query_params.get("emb_frame") != str(frame):
        st.query_params["emb_frame"] = str(frame)


def recorded(settings: Settings, found: Found, labels: Sequence[int]) -> Encoded:
    """The panel of finished layouts, put together once for all viewers."""
    key = str([(place, library.identity(run) if run else "") for place, run in found.items()])
    return _recorded(key + f"{settings.epoch} {settings.unfold}", settings, found, labels)


@st.cache_resource(max_entries=12, show_spinner=False)
def _recorded(key: str, _settings: Settings, _found: Found, _labels: Sequence[int]) -> Encoded:
    run = next(run for run in _found.values() if library.readable(run))
    first = library.points_of(run, run.steps[0])
    columns = [column(_settings, side, _found, _labels) for side in sides(_found)]
    sprite = library.sprite(_settings.networks["B"].dataset, len(first.labels))
    return ready([*map(str, _labels)], [together(columns, first, stream=_stream(_settings), sprite=sprite)])


def _stream(settings: Settings) -> str:
    """What the points are: a selection lasts while they stay the same."""
    return f"{settings.networks['B'].dataset} {settings.points} {settings.pixels}"


def together(columns: list[Column], points: Points, *, stream: str, sprite: str | None, first: int = 0,
             hues: Sequence[str] = charts.CLASSES) -> dict:  # fmt: skip
    """The columns as one panel; ``hues`` are the colours of the classes, in turn."""
    colors = [hues[k % len(hues)] for k in range(len(points.classes))]
    return panel(columns, stream=stream, labels=points.labels, classes=points.classes, colors=colors, sprite=sprite,
                 across=library.ACROSS, hint=HINT, first=first)  # fmt: skip


def sides(found: Found) -> list[str]:
    """The sides that have a layout or wait for one: raw pixels first, then A and B."""
    return sorted({side for side, _ in found})


def column(settings: Settings, side: str, found: Found, labels: Sequence[int]) -> Column:
    """One side with its maps over these frames."""
    maps, said, of = [], [], None
    for method in NAMES:
        run = found.get((side, method))
        steps = steps_of(settings, side, method, run, labels)
        points = [library.points_of(run, step) for step in steps]
        maps.append(_map(method, run, points, steps, growing=settings.unfold and method == "tsne"))
        if points and (not said or (method == "tsne" and not settings.unfold)):
            said, of = points, (run, steps[:1] if settings.unfold else steps)
    near = [library.near_of(of[0], step) for step in of[1]] if of else []
    called, certainty = [p.called for p in said], [p.certainty for p in said]
    return Column(side, titles(settings, side, labels), maps, called, certainty, near)


def steps_of(settings: Settings, side: str, method: str, run: Run | None, labels: Sequence[int]) -> list[int]:
    """The steps of a layout that the frames show: one for each of them, or one for all."""
    if not library.readable(run):
        return []
    if settings.unfold and method == "tsne":
        return [max(step for step in run.steps if step <= max(label, run.steps[0])) for label in labels]
    if side == "":
        return run.steps[-1:]
    if side == "A" or settings.unfold:
        step = library.epoch_of(run, settings.epoch) if side == "A" else run.steps[-1]
        return run.steps[:1] if step is None else [step]
    return [max(step for step in run.steps if step <= max(label, run.steps[0])) for label in labels]


def titles(settings: Settings, side: str, labels: Sequence[int]) -> list[str]:
    """What a side shows, in a word or two for each frame."""
    if side == "":
        return ["raw pixels"]
    if side == "A":
        return [_after(settings.epoch)]
    return [_after(settings.networks["B"].epochs)] if settings.unfold else [_after(label) for label in labels]


def _after(epoch: int) -> str:
    return f"after epoch {epoch}" if epoch else "untrained"


def _map(method: str, run: Run | None, points: list, steps: list[int], growing: bool) -> Map:
    if run is None or not points:
        return Map(NAMES[method], [], [["Not laid out yet"]])
    measured = library.quality(run)
    places = [np.asarray(p.places, np.float64) for p in points]
    notes = [readings.notes(measured.get(step)) for step in steps]
    return Map(NAMES[method], places, notes, together=method == "tsne" and not growing)
