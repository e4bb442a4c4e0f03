"""The five small pictures of the overview, made from the recorded runs and never typed in: 0.3 s for all (Nov 2026).

Each is what reel.js plays: a dict with its ``kind``, ``alt`` (what it shows, for people who don't see it) and data.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from core import charts, classifier, course, embeddings, gan, reported, runs
from core.data import DataMissing
from core.embeddings import reading
from core.runs import RunError
from pages._home import recorded
from pages._shared import words
from pages._shared.components.maps import together
from pages._shared.components.packing import packed

POINTS = 1000  # of the map
DIGITS, ROWS, CELL = 4, 6, 28  # digits in a row of a small sheet, rows of it, and the pixels of one digit
ITERATIONS = (0, 1000, 2000, 3000, 4000, 5000, 7000, 10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000,
              80_000, 90_000, 100_000)  # fmt: skip
EPSILON = 0.2  # of the course's attack: a pixel changed by so much has its full colour


def of(page: str) -> dict[str, Any] | None:
    """The picture of a page; None where its runs are damaged or gone."""
    try:
        return PICTURES[page]()
    except (DataMissing, RunError, IndexError, KeyError, OSError, ValueError):  # a card without a picture still links
        return None


def classifier_() -> dict[str, Any]:
    """Test accuracy of SGD and Adam over the epochs: seed 42, and thin lines for the others."""
    lines = [_line("SGD", charts.A, "sgd"), _line("Adam", charts.B, "adam")]
    refs = [course.TEST_ACCURACY[optimizer, "leaky_relu"] for optimizer in ("sgd", "adam")]
    return {"kind": "curves", "lines": lines, "refs": refs, "top": 0.66, "last": len(lines[0]["y"]) - 1,
            "alt": "Test accuracy over five epochs: Adam climbs at once, SGD at the same learning rate hardly at all. "
                   "Grey lines: what the course reported."}  # fmt: skip


def _line(name: str, color: str, optimizer: str) -> dict[str, Any]:
    found = reported.recorded("classifier", classifier.Config(optimizer=optimizer))
    first, *others = ([record["test_accuracy"] for record in run.history() if "test_accuracy" in record]
                      for run in found)  # fmt: skip
    return {"name": name, "color": color, "y": first, "seeds": others}


def embeddings_() -> dict[str, Any]:
    """The t-SNE map of the features of test images, before training and after every epoch."""
    run = runs.find(runs.run_name("embeddings", embeddings.Config("tsne", epoch=embeddings.EVERY)))
    layouts = [reading.points(run, epoch) for epoch in run.steps]
    names = ["untrained" if epoch == 0 else f"epoch {epoch} of {run.steps[-1]}" for epoch in run.steps]
    return {"kind": "map", "labels": packed(layouts[0].labels[:POINTS], np.uint8), "colors": [*charts.CLASSES],
            "frames": together([layout.places[:POINTS] for layout in layouts]), "names": names,
            "alt": "A t-SNE map of a network's features: before training the ten digits run into each other, after it "
                   "they form ten islands."}  # fmt: skip


def char_rnn_() -> dict[str, Any]:
    """What the course's network writes."""
    told = recorded.read()["written"]
    return {"kind": "text", **told,
            "alt": f"The network continues “{recorded.PRIME}”, a character at a time; each is darker the more it "
                   "surprised the network."}  # fmt: skip


def gan_() -> dict[str, Any]:
    """The first digits of the sheets of two objectives, through the iterations."""
    sides = [_side("BCE", charts.A, "bce"), _side("notebook", charts.B, "course")]
    return {"kind": "sheets", "sides": sides, "names": [words.count(step) for step in ITERATIONS],
            "cols": DIGITS, "rows": ROWS, "cell": CELL,
            "alt": "Digits that two generators draw, over 100\u202f000 iterations: with BCE they stay varied, with the "
                   "course's notebook all become 1s."}  # fmt: skip


def _side(name: str, color: str, objective: str) -> dict[str, str]:
    run = runs.find(runs.run_name("gan", gan.Config(objective=objective, iterations=ITERATIONS[-1])))
    corner = (0, 0, DIGITS * CELL, ROWS * CELL)
    sheets = [np.asarray(Image.open(io.BytesIO(run.sample(step))).convert("L").crop(corner)) for step in ITERATIONS]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(sheets)).save(file, format="WEBP", lossless=True)
    return {"name": name, "color": color,
            "strip": "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")}  # fmt: skip


def adversarial_() -> dict[str, Any]:
    """A 4 that becomes a 9 for the course's network, step by step."""
    told = recorded.read()["attacked"]
    return {"kind": "attack", "images": packed(np.array(told["images"]), np.uint8), "side": CELL,
            **{name: told[name] for name in ("probabilities", "label", "target")}, "epsilon": EPSILON,
            "colors": [charts.A, charts.B],
            "alt": f"A perturbation grows on a {told['label']}: for us it stays a {told['label']}, for the network it "
                   f"becomes a {told['target']}."}  # fmt: skip


PICTURES: dict[str, Callable[[], dict[str, Any]]] = {
    "classifier": classifier_, "embeddings": embeddings_, "char_rnn": char_rnn_, "gan": gan_,
    "adversarial": adversarial_,
}  # fmt: skip
