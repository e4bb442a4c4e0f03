"""THE picture of an attack: image + perturbation = what the network sees, what it says of it, a line for each side.

The browser gets every target and every step at once, a byte a pixel, and draws them without asking Python: a slider for
the target, one for the step. Python hears of a new place only when the viewer lets go.

Letters for shapes: N ways, S points of each, C channels, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from pages._shared.components import packing
from pages._shared.components.packing import packed, plain
from pages._shared.components.scrubber import follow

USUAL = 0.98  # of all gradients are below the end of the common scale; what is above has its full colour
MAPS = ("Perturbation", "Gradient", "Sign")
END = 1023  # in a code: the last step, however many there are
_RADIX = 1024  # of targets and of steps in a code
_LAST = 2 * len(MAPS) * _RADIX**2 - 1

_HERE = Path(__file__).parent
_HTML = """
<div class="scrubber attack" role="group" tabindex="-1">
  <div class="stage">
    <div class="origin">
      <div class="caption"></div>
      <canvas role="img" aria-label="The image"></canvas>
      <div class="options">
        <div class="choice" role="group" aria-label="Map"></div>
        <div class="legend"><canvas width="61" height="1" aria-hidden="true"></canvas>
          <div class="ends"><span></span><span>0</span><span></span></div></div>
        <label class="own"><input type="checkbox"><span>each map on its own scale</span></label>
        <p class="told"></p>
      </div>
    </div>
    <div class="rows"></div>
  </div>
  <div class="controls">
    <div class="aim"><span class="name">Target</span>
      <div class="track"><input type="range" min="0" step="1" class="target" aria-label="Target">
        <div class="ticks"></div></div></div>
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
    <input type="range" min="0" step="1" class="step" aria-label="Step">
    <div class="readout"><span class="now"></span><span class="widest" aria-hidden="true"></span></div>
  </div>
</div>
"""
_PICTURE = st.components.v2.component(
    "explorer_perturbation",
    html=_HTML,
    css=packing.joined(_HERE / "scrubber.css", _HERE / "perturbation.css"),
    js=packing.joined(
        packing.SCRIPT,
        *(_HERE / name for name in ("scrubber_elements.js", "perturbation_drawing.js", "perturbation.js")),
    ),
)


@dataclass(frozen=True)
class Place:
    """What the viewer looks at."""

    target: int  # its place among the targets
    step: int | None = None  # None: the last one
    map: int = 0  # a place in MAPS
    own: bool = False  # each map on its own scale, or all on one

    @property
    def code(self) -> int:
        """The place as one number."""
        step = END if self.step is None else min(self.step, END - 1)
        return ((self.own * len(MAPS) + self.map) * _RADIX + self.target) * _RADIX + step

    @classmethod
    def of(cls, code: int) -> Place:
        """The place of a number, which may be a stranger's: see ``within``."""
        rest, step = divmod(min(max(code, 0), _LAST), _RADIX)
        rest, target = divmod(rest, _RADIX)
        own, which = divmod(rest, len(MAPS))
        return cls(target, None if step == END else step, which, bool(own))

    def within(self, targets: int, steps: int) -> Place:
        """The same place among so many targets and after at most so many steps."""
        step = None if self.step is None or self.step >= steps else self.step
        return Place(min(self.target, targets - 1), step, self.map, self.own)

    def at(self, steps: int) -> int:
        """The step itself, where there are so many."""
        return steps if self.step is None else min(self.step, steps)


@dataclass(frozen=True)
class Ways:
    """What one side shows: where N ways lead from one image, point by point, and what a network says there."""

    side: str  # "A" or "B"
    title: str
    original: np.ndarray = field(repr=False)  # (C, H, W) in [0, 1]; C is 1 or 3, H = W
    perturbations: np.ndarray = field(repr=False)  # (N, S, C, H, W) in [−1, 1]
    probabilities: np.ndarray = field(repr=False)  # (N, S, K)
    figures: np.ndarray = field(repr=False)  # (N, S, 3): L∞ and L2 of the perturbation, share of clipped pixels
    of: Sequence[int]  # for each target its place among the N
    gradients: np.ndarray | None = field(default=None, repr=False)  # as perturbations; None: no gradient was followed

    def packed(self) -> dict[str, Any]:
        """For the browser. A gradient keeps its sign, however small it is: roots are sent, rounded away from 0."""
        n, s, c, height, _ = self.perturbations.shape
        most = float(np.abs(self.perturbations).max(initial=0)) or 1.0
        made = {"side": self.side, "title": self.title, "n": n, "s": s, "c": c, "px": height, "of": [*self.of],
                "image": packed(np.rint(255 * self.original), np.uint8), "most": most,
                "delta": packed(np.rint(127 / most * self.perturbations), np.int8),
                "p": packed(self.probabilities, "<f4"), "figures": packed(self.figures, "<f4"),
                "slopes": [], "steep": 0.0, "gradient": ""}  # fmt: skip
        if self.gradients is not None:
            slopes = np.abs(self.gradients).max((2, 3, 4))  # (N, S)
            share = np.abs(self.gradients) / np.maximum(slopes, 1e-30)[..., None, None, None]
            roots = np.sign(self.gradients) * np.ceil(127 * np.sqrt(share))
            steep = np.quantile(np.abs(self.gradients), USUAL)
            made |= {"slopes": slopes.ravel(), "steep": steep, "gradient": packed(roots.clip(-127, 127), np.int8)}
        return plain(made)


def picture(
    *,
    key: str,
    about: str,
    rows: Sequence[dict[str, Any]],
    caption: str,
    classes: Sequence[str],
    colors: Sequence[str],
    targets: Sequence[tuple[str, int]],
    truth: int | None,
    away: int | None,
    at: Place,
    height: int,
    rest: int,
    alt: str,
) -> Place:
    """Show an attack, and return the place at which the viewer last let go.

    Args:
        key: of the widget; its state is ``{"place": code}``, which a test may seed: see ``Place.code``.
        about: names all that ``rows`` depend on.
        rows: ``Ways.packed`` of every side, from above; the image of the first one stands at the left.
        caption: of that image.
        classes, colors: a name and a colour (CSS) for each class.
        targets: a label for each, and the class to be reached; −1: any but ``away``.
        truth: the true class of the image, if it has one.
        away: the class that the target −1 is to get away from.
        at: the place to start with. Another one than in the last run moves the viewer there.
        height: of the picture, in pixels; the sliders below take 56 more.
        rest: pixels of the window's height that the rest of the page needs; the picture takes what is left.
        alt: what is shown, in a sentence.
    """
    steps = max(row["s"] for row in rows) - 1
    seen, state = st.session_state.get(f"{key}:seen"), st.session_state.get(key, {}).get("place")
    found = follow(seen, at.code, state, _LAST)
    if seen is None or state is None or found["jumps"] != seen["jumps"]:
        st.session_state[f"{key}:sent"] = found["frame"]  # the data stay the same while the viewer alone moves
    data = {"about": about, "rows": [*rows], "caption": caption, "classes": [*classes], "colors": [*colors],
            "targets": [{"label": label, "k": k} for label, k in targets], "truth": truth, "away": away,
            "at": st.session_state[f"{key}:sent"], "jumps": found["jumps"], "steps": steps, "maps": [*MAPS],
            "bounds": bounds(rows), "height": height, "rest": rest, "alt": alt, "key": key}  # fmt: skip
    result = _PICTURE(key=key, data=packing.told(data), on_place_change=lambda: None)
    found = follow(found, at.code, result.place, _LAST)  # a session that took over from a lost one learns of it now
    st.session_state[f"{key}:seen"] = found
    return Place.of(found["frame"]).within(len(targets), steps)


def bounds(rows: Sequence[dict[str, Any]]) -> list[float]:
    """The ends of the common scales: of the perturbations, of the gradients, of the signs."""
    return [max(row["most"] for row in rows), max(row["steep"] for row in rows) or 1.0, 1.0]
