"""Sheets of small pictures, one a side, as a panel of the scrubber: every frame another sheet, drawn in the browser."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sheets:
    """The sheets of a side over the frames."""

    side: str  # "A", "B" or ""
    title: str
    pngs: Sequence[str]  # data URIs of square sheets without gaps, in the order of the frames that show them
    at: Sequence[int]  # a frame's place among all of them; −1: none yet
    about: Sequence[str] = ()  # a few words beside the title, one a frame
    note: str = ""  # what to do, where there is no sheet
    first: int = 0  # the place of the first of ``pngs``, where earlier ones have been sent before
    shelved: str = ""  # the name by which ``shelf.put`` keeps the list in place of ``pngs``


def panel(
    sides: Sequence[Sheets], *, stream: str, title: str, cols: int, linked: bool, hint: str = "", pick: bool = False
) -> dict:
    """The panel for ``scrubber``.

    Args:
        sides: from left to right.
        stream: names what is drawn: sheets add up for as long as it stays the same.
        title: what a sheet is, for people who don't see it.
        cols: pictures in a row of a sheet, and rows of it.
        linked: whether the pictures at the same place of all sides belong together.
        hint: a line below the picture under the pointer.
        pick: whether a picture can be clicked; see ``scrubber.picked``.
    """
    return {"type": "sheets", "stream": stream, "title": title, "cols": cols, "linked": linked, "hint": hint,
            "pick": pick, "sides": [_side(side) for side in sides]}  # fmt: skip


def _side(side: Sheets) -> dict:
    return {"side": side.side, "title": side.title, "from": side.first, "pngs": [*side.pngs], "at": [*side.at],
            "about": [*side.about], "note": side.note, "shelved": side.shelved}  # fmt: skip


def png_uri(png: bytes) -> str:
    """The data URI of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
