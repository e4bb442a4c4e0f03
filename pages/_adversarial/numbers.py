"""The numbers behind the picture, to look at and to take home."""

from __future__ import annotations

import base64
import csv
import io

import numpy as np
import streamlit as st

from core import images, runs
from pages._adversarial import picture, recorded
from pages._adversarial.settings import Settings, command
from pages._adversarial.walks import Walk
from pages._shared import takeaway, words
from pages._shared.components.perturbation import Place


def draw(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    """A table of A's and B's steps towards the target, downloads, and the command that makes A's again."""
    goal = picture.goal(chosen, place)
    towards = f"towards {chosen.classes[goal]}" if goal is not None else "away from the class at the start"
    for (side, walk), column in zip(found.items(), st.columns(2, gap="medium"), strict=True):
        column.caption(f"**{side}** {picture.title(chosen, side)}, {towards}")
        column.dataframe(_table(chosen, walk, place), hide_index=True, width="stretch", height=252)
    row = st.container(horizontal=True)
    step = place.at(found["A"].steps)
    name = f"adversarial-{'other' if goal is None else goal}-step{step}"
    adversarial = found["A"].images[found["A"].point(place.target, step)]
    row.download_button("Adversarial image (PNG)", lambda: png(adversarial), f"{name}.png", "image/png",
                        on_click="ignore", icon=":material/image:", key="adv_png",
                        help="Rounded to 256 grey levels; the NPY has the pixels as they are.")  # fmt: skip
    row.download_button("Adversarial image (NPY)", lambda: npy(adversarial), f"{name}.npy", on_click="ignore",
                        icon=":material/grid_on:", key="adv_npy", help="float32 (C, H, W), in [0, 1]")  # fmt: skip
    row.download_button("All numbers (CSV)", lambda: table(chosen, found), "adversarial.csv", "text/csv",
                        on_click="ignore", icon=":material/table:", key="adv_csv",
                        help="Every target and every step of A and of B")  # fmt: skip
    for side, known in recorded.sides(chosen).items():
        takeaway.folder_button(row, f"Run folder of {side} (zip)", runs.find(known.name), f"adv_zip_{side.lower()}")
    line = command(chosen, goal)
    if line is None:
        st.caption("The command line knows no drawings, no uploads and no step sizes of one's own.")
    else:
        st.code(line, language="bash", wrap_lines=True)


def _table(chosen: Settings, walk: Walk, place: Place) -> list[dict]:
    """A row a step."""
    goal, made = picture.goal(chosen, place), []
    for step in range(walk.steps + 1):
        at = walk.point(place.target, step)
        shares = walk.probabilities[at]
        row = {"step": step, "says": f"{chosen.classes[shares.argmax()]}, {words.percent(float(shares.max()))}"}
        if goal is not None:
            row[f"p({chosen.classes[goal]})"] = f"{float(shares[goal]):.3g}"
        row |= {"L∞": f"{float(walk.sizes['linf'][at]):.3g}", "L2": f"{float(walk.sizes['l2'][at]):.3g}",
                "clipped": words.percent(float(walk.clipped[at]))}  # fmt: skip
        if np.isfinite(walk.losses[at]):
            row["loss (nats)"] = f"{float(walk.losses[at]):.3g}"
        made.append(row)
    return made


def png(pixels: np.ndarray) -> bytes:
    """An image (C, H, W), clipped to [0, 1], as a PNG file."""
    uri = images.png_uri(np.rint(255 * pixels.clip(0, 1)).astype(np.uint8))
    return base64.b64decode(uri.partition(",")[2])


def npy(pixels: np.ndarray) -> bytes:
    """An array as NumPy's file."""
    file = io.BytesIO()
    np.save(file, pixels)
    return file.getvalue()


def table(chosen: Settings, found: dict[str, Walk]) -> str:
    """A line for each side, target and step: what was aimed at, sizes, loss, and the probability of every class."""
    text = io.StringIO()
    write = csv.writer(text).writerow
    write(["side", "shown", "target", "step", "says", "linf", "l2", "clipped", "loss_nats",
           *(f"p_{name}" for name in chosen.classes)])  # fmt: skip
    for side, walk in found.items():
        for target, (_, k) in enumerate(picture.targets(chosen)):
            for step in range(walk.steps + 1):
                at = walk.point(target, step)
                shares, loss = walk.probabilities[at], walk.losses[at]
                write([side, picture.title(chosen, side), chosen.classes[k] if k >= 0 else picture.OTHER, step,
                       chosen.classes[shares.argmax()], f"{walk.sizes['linf'][at]:.6g}", f"{walk.sizes['l2'][at]:.6g}",
                       f"{walk.clipped[at]:.6g}", f"{loss:.6g}" if np.isfinite(loss) else "",
                       *(f"{p:.6g}" for p in shares)])  # fmt: skip
    return text.getvalue()
