"""THE picture of a page: panels over a row with a slider, scrubbed and played in the browser without asking Python.

The browser gets the data of all frames at once. Python hears of a new frame only when the viewer lets go: at the end of
a drag or of a play, on pause, and a moment after the last key. The panels are drawn by scrubber_*.js.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages._shared.components import packing
from pages._shared.components.packing import Encoded

_HERE = Path(__file__).parent
_HTML = """
<div class="scrubber" role="group" tabindex="-1">
  <div class="panels"></div>
  <div class="controls">
    <div class="steps">
    <button type="button" class="back" aria-label="One step back" title="One step back (←)">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M12 2v12L4 8z"/></svg>
    </button>
    <button type="button" class="play" aria-label="Play" title="Play (space)">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path class="go" d="M4 1.5v13L14.5 8z"/><path class="hold"
        d="M3 2h3.5v12H3zM9.5 2H13v12H9.5z"/></svg>
    </button>
    <button type="button" class="on" aria-label="One step on" title="One step on (→)">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2v12l8-6z"/></svg>
    </button>
    </div>
    <input type="range" min="0" step="1" aria-label="Frame">
    <div class="readout"><span class="now"></span><span class="widest" aria-hidden="true"></span></div>
  </div>
</div>
"""
PARTS = ("", "_elements", "_curves", "_tiles", "_maps", "_images", "_sheets", "_bars")  # of its script
_SCRUBBER = st.components.v2.component(
    "explorer_scrubber",
    html=_HTML,
    css=packing.joined(*(_HERE / f"scrubber{part}.css" for part in ("", "_maps", "_sheets"))),
    js=packing.joined(
        packing.SCRIPT,
        *(_HERE / f"scrubber{part}.js" for part in PARTS),
    ),
)


def scrubber(
    *,
    key: str,
    axis: str,
    frames: Sequence[str],
    panels: Sequence[dict] | Encoded,
    at: int,
    height: int = 290,
    play_ms: int = 700,
    alt: str,
    live: bool = False,
    again: bool = False,
    rest: int | None = None,
    play: bool = False,
) -> int:
    """Show panels that the viewer scrubs through, and return the frame at which the viewer last let go.

    Numbers may be NumPy's; None, NaN and infinity are gaps. Names and labels are shown as the text that they are.

    A panel ``{"type": "curves"}`` has a ``title``, ``x_title``, ``y_title`` ("test accuracy (%)": the unit in
    parentheses goes with the values, too), ``x`` (one position a frame, rising), ``y_domain`` ([low, high], or None to
    fit the data), ``refs`` (a list of ``{"y", "label"}``: grey dashed lines), and ``series``: a list of
    ``{"name", "color", "y", "x", "band", "thin"}``, where ``x`` (default: the panel's) and ``band`` ([low, high] pairs,
    default: none) go with ``y``, and a ``thin`` line stands in the background. After its last x a series holds its last
    value. ``x_domain`` ([low, high], default: that of x) keeps the axis while frames are still being added; ``digits``:
    decimals of the values (default: three figures).

    A panel ``{"type": "tiles"}`` has a ``title``, ``sprite`` (a data URI of ``count`` square pictures in ``cols``
    columns, row by row), ``truth`` (a label a picture), ``names`` (``{"A": "SGD", "B": "Adam"}``: the sides that are
    shown) and ``verdicts``: for each side a list over frames of lists over pictures of ``{"label", "p", "ok"}`` with p
    in [0, 1]. A side, frame or picture that is None is shown as a dash.

    A panel ``{"type": "bars"}`` has a ``title``, ``about`` (a few words more), ``names`` (what the bars stand for) or
    ``frames`` (such names for each frame), ``top`` (the end of the axis; higher bars are cut), ``ref`` (the height of a
    grey dashed line, or None), ``x_title``, and ``series``: a list of ``{"name", "color",
    "values"}`` with a list over frames of values for each name; a frame that is None has no bars.

    A panel ``{"type": "stack"}`` has ``panels``: others, one above the other.

    A panel ``{"type": "maps"}`` is put together by maps.py: linked maps of the same points. One
    ``{"type": "sheets"}`` by sheets.py: sheets of small pictures; of a click on one tells ``picked``.

    Every panel may have a ``weight``, its share of the width, or in a stack of the height (default 1).

    Args:
        key: of the widget; its state is ``{"frame": number}``, which a test may seed.
        axis: what the frames are, capitalised: "Epoch".
        frames: a label a frame.
        panels: what is shown, from left to right; stacked where the room is less than 640 pixels wide. What ``ready``
            returns for them saves the work of putting them together anew.
        at: the frame to start with. Another value than in the last run moves the viewer there; the same value, or the
            one that this function has returned, does not.
        height: of the panels, in pixels; the controls below take 48 more.
        play_ms: milliseconds that a frame stays while playing.
        alt: what the picture shows, in a sentence, for people who don't see it.
        live: whether frames are still being added: a viewer at the last one then goes on with it.
        again: whether the same scrubber was already drawn in this run of the script, and is to change in its place.
        rest: pixels of the window's height that the rest of the page needs; the panels take what is left, at least
            ``height`` and at most three eighths of their width. None: never more than ``height``.
        play: whether the viewer is moved to ``at`` in any case, and it plays from there.

    Raises:
        ValueError: there is no frame, a panel's type is unknown, or the length of a list doesn't fit.
    """
    panels = panels if isinstance(panels, Encoded) else ready(frames, panels)
    last = len(frames) - 1
    before, moved = st.session_state.get(f"{key}:seen"), st.session_state.get(key, {}).get("frame")
    if play and before:
        before = {**before, "at": None, "moved": moved, "jumps": before["jumps"] + 1}
    seen = follow(before, at, moved, last)
    data = {"axis": axis, "frames": [*frames], "panels": panels, "at": seen["frame"], "jumps": seen["jumps"]}
    data |= {"height": height, "play_ms": play_ms, "alt": alt, "live": live, "rest": rest, "play": play}
    if again:
        _forget(key)
    result = _SCRUBBER(key=key, data=packing.told(data), on_frame_change=lambda: None, on_pick_change=lambda: None)
    if not again:  # the same click is in the answer for as long as this run of the script lasts
        st.session_state[f"{key}:picked"] = result.pick
    seen = follow(seen, at, result.frame, last)  # a session that took over from a lost one learns of it only now
    st.session_state[f"{key}:seen"] = seen
    return seen["frame"]


def ready(frames: Sequence[str], panels: Sequence[dict]) -> Encoded:
    """Panels for ``scrubber``, put together once for all viewers: it raises what that raises."""
    check(frames, panels)
    return packing.encoded(panels)


def picked(key: str) -> tuple[str, int, int] | None:
    """The picture that the viewer has just clicked in that scrubber: its side, its place on the sheet, and the frame.

    Once, in the run of the script that the click brought about and after the scrubber was drawn; otherwise None.
    """
    found = st.session_state.pop(f"{key}:picked", None)
    if not isinstance(found, list) or [type(part) for part in found] != [str, int, int]:
        return None  # nothing was clicked, or it is forged
    return tuple(found)


def _forget(key: str) -> None:
    """Make Streamlit forget that a widget was drawn in this run, so that a loop can draw it once more with new data.

    The browser sees the same widget with other data. Works on the version of Streamlit that requirements.txt pins.
    """
    if context := get_script_run_ctx():
        for names in (context.shared.widget_user_keys_this_run, context.shared.widget_ids_this_run):
            names._data -= {name for name in names.snapshot() if name == key or name.endswith(f"-{key}")}


def follow(seen: dict[str, Any] | None, at: int, moved: object, last: int) -> dict[str, Any]:
    """Decide who moved last, the viewer or the page.

    The browser keeps sending the viewer's last move with every run, so a move counts once: when it differs from the one
    seen before. (That is why it carries the time.)

    Args:
        seen: what this function returned in the last run, None in the first.
        at: the frame that the page asks for.
        moved: the state from the browser: ``[frame, time]``; a bare frame from tests; anything at all from a forger.
        last: the last frame there is.
    """
    frame = moved[0] if isinstance(moved, list) and moved else moved
    if not isinstance(frame, int) or isinstance(frame, bool):
        moved = frame = None
    fresh = seen is None or moved is None  # a new session, or the viewer came back from another page
    if frame is not None and (fresh or moved != seen["moved"]):
        where = frame
    elif fresh or at != seen["at"]:
        where = at
    else:
        where = seen["frame"]
    where = min(max(where, 0), last)
    jumped = seen is not None and where != seen["frame"] and where != frame
    return {"at": at, "moved": moved, "frame": where, "jumps": (seen["jumps"] if seen else 0) + jumped}


def check(frames: Sequence[str], panels: Sequence[dict]) -> None:
    """Raise a ValueError where a panel's lists don't fit the frames or each other."""
    if not frames:
        raise ValueError("a scrubber needs at least one frame")
    for panel in panels:
        if panel["type"] not in _CHECKS:
            raise ValueError(f"panel type {panel['type']!r} is unknown: choose one of {', '.join(_CHECKS)}.")
        for what, got, wanted in _CHECKS[panel["type"]](panel, len(frames)):
            if got != wanted:
                raise ValueError(f"{what} in panel {panel.get('title', '')!r} has {got} entries, not {wanted}")


def _curves(panel: dict, frames: int) -> Iterator[tuple[str, int, int]]:
    yield "x", len(panel["x"]), frames
    for line in panel["series"]:
        wanted = len(panel["x"] if line.get("x") is None else line["x"])
        yield f"y of {line['name']!r}", len(line["y"]), wanted
        if line.get("band") is not None:
            yield f"band of {line['name']!r}", len(line["band"]), wanted


def _tiles(panel: dict, frames: int) -> Iterator[tuple[str, int, int]]:
    yield "truth", len(panel["truth"]), panel["count"]
    for side, verdicts in panel["verdicts"].items():
        if verdicts is not None:
            yield f"verdicts of {side!r}", len(verdicts), frames
            yield from (
                (f"a frame of verdicts of {side!r}", len(row), panel["count"]) for row in verdicts if row is not None
            )


def _maps(panel: dict, frames: int) -> Iterator[tuple[str, int, int]]:
    sent = frames - panel["from"]
    for column in panel["columns"]:
        lists = [*(view["frames"] for view in column["maps"]), column["said"], column["near"]]
        yield from ((f"a list of {column['titles']}", len(each), sent) for each in lists if each and len(each) > 1)


def _sheets(panel: dict, frames: int) -> Iterator[tuple[str, int, int]]:
    for side in panel["sides"]:
        yield f"at of {side['title']!r}", len(side["at"]), frames
        if side["about"]:
            yield f"about of {side['title']!r}", len(side["about"]), frames


def _bars(panel: dict, frames: int) -> Iterator[tuple[str, int, int]]:
    if panel.get("frames") is not None:
        yield "frames", len(panel["frames"]), frames
        yield from (("names of a frame", len(names), len(panel["names"])) for names in panel["frames"])
    for line in panel["series"]:
        yield f"values of {line['name']!r}", len(line["values"]), frames
        rows = (row for row in line["values"] if row is not None)
        yield from ((f"a frame of {line['name']!r}", len(row), len(panel["names"])) for row in rows)


def _stack(panel: dict, frames: int) -> Iterator[tuple[str, int, int]]:
    for inner in panel["panels"]:
        yield from _CHECKS[inner["type"]](inner, frames)


_CHECKS = {"curves": _curves, "tiles": _tiles, "maps": _maps, "sheets": _sheets, "bars": _bars, "stack": _stack}
