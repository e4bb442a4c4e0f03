"""Linked maps of the same points, as a panel of the scrubber: what is brushed in one map shows in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pages._shared.components.packing import packed

NEIGHBOURS = 8  # shown of a point
Line = Sequence[str]


@dataclass(frozen=True)
class Map:
    """A layout, or one for every frame."""

    title: str
    frames: Sequence[np.ndarray]  # (n, 2) each; one alone holds for every frame
    notes: Sequence[Line]  # a frame's lines below the map: the first in the colour of figures, the others of text
    together: bool = True  # all frames on one scale; or each fills the map
    mark: tuple[float, float] | None = None  # where the viewer's own image lies


@dataclass(frozen=True)
class Column:
    """A network and its maps."""

    side: str  # "A", "B" or ""
    titles: Sequence[str]  # one a frame; one alone holds for every frame
    maps: Sequence[Map]
    called: Sequence[np.ndarray] = ()  # (n,) a frame: the class that the network names; one alone holds for every frame
    certainty: Sequence[np.ndarray] = ()  # (n,) a frame, in [0, 1]: of that class
    near: Sequence[np.ndarray] = ()  # (n, NEIGHBOURS) a frame: the nearest points in the original space


def panel(
    columns: Sequence[Column],
    *,
    stream: str,
    labels: np.ndarray,
    classes: Sequence[str],
    colors: Sequence[str],
    sprite: str | None,
    across: int,
    hint: str,
    first: int = 0,
    grid: int | None = None,
) -> dict:
    """The panel for ``scrubber``.

    Args:
        columns: of maps, from left to right.
        stream: names the points: a selection lasts, and frames add up, for as long as it stays the same.
        labels: (n,) the class of each point, which colours it.
        classes, colors: a name and a colour (CSS) for each class.
        sprite: a data URI of the n images, ``across`` in a row; "" where there are none, None for those sent before.
        across: images in a row of the sprite.
        hint: what to do, shown while nothing is selected.
        first: the frame with which the lists begin, where earlier frames have been sent before.
        grid: maps in a row; None for as many as make them largest.
    """
    return {
        "type": "maps",
        "stream": stream,
        "from": first,
        "count": len(labels),
        "k": NEIGHBOURS,
        "labels": packed(labels, np.uint8),
        "classes": [*classes],
        "colors": [*colors],
        "sprite": sprite,
        "cols": across,
        "hint": hint,
        "grid": grid,
        "columns": [_column(column) for column in columns],
    }


def _column(column: Column) -> dict:
    said = [np.concatenate([c, 255 * p]) for c, p in zip(column.called, column.certainty, strict=True)]
    return {
        "side": column.side,
        "titles": [*column.titles],
        "said": [packed(np.rint(both), np.uint8) for both in said] or None,
        "near": [packed(near[:, :NEIGHBOURS], np.uint16) for near in column.near] or None,
        "maps": [_map(view) for view in column.maps],
    }


def _map(view: Map) -> dict:
    own = [[*frame, view.mark] if view.mark else frame for frame in view.frames]
    common = _box(np.concatenate(own)) if view.together and own else None
    boxes = [common or _box(np.asarray(frame)) for frame in own]
    frames = [_scaled(np.asarray(frame), box) for frame, box in zip(view.frames, boxes, strict=True)]
    mark = [_scaled(np.array([view.mark]), boxes[-1])[0].tolist()] if view.mark else []
    return {
        "title": view.title,
        "frames": [packed(np.rint(65535 * frame), np.uint16) for frame in frames],
        "notes": [[*lines] for lines in view.notes],
        "marks": mark,
    }


def together(frames: Sequence[np.ndarray]) -> list[str]:
    """Layouts, (n, 2) each, on one scale for the browser: 0 to 65535 from the left and from the top of a square."""
    box = _box(np.concatenate(frames))
    return [packed(np.rint(65535 * _scaled(frame, box)), np.uint16) for frame in frames]


def _box(places: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle and half a side of the smallest square around the places."""
    low, high = places.min(axis=0), places.max(axis=0)
    return (low + high) / 2, max(float((high - low).max()) / 2, 1e-12)


def _scaled(places: np.ndarray, box: tuple[np.ndarray, float]) -> np.ndarray:
    """Places in [0, 1] from the left and from the top of the square."""
    middle, half = box
    unit = (places - middle) / (2 * half) + 0.5
    return np.stack([unit[:, 0], 1 - unit[:, 1]], axis=1).clip(0, 1)
