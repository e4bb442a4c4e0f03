"""What the attack starts from: a test image, a drawing, an upload, or no image at all."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from core import images
from core.adversarial import traces
from core.adversarial.attackable import Network, as_pixels
from core.data.dataset import Split
from pages._adversarial import library
from pages._shared import uploads, words
from pages._shared.components.drawpad import SIDE, drawpad

IMAGE, DRAWING, UPLOAD, NOISE, ZEROS = KINDS = ("Test image", "Drawing", uploads.UPLOAD, "Noise", "Zeros")
NOISES = {"normal": "noise", "uniform": "uniform"}
FIRST = {"mnist": 4, "cifar10": 3, "fashion-mnist": 0}  # the class that the page opens with
LEVELS = 16  # grey levels of a drawing in a link

HELP = {
    "start": "Noise and zeros are no images: they have no true class, and nothing to stay near, so there is no ε. What "
    "comes of them is a *fooling image*.",
    "number": "Which of the test images of this class, in the order of the test set.",
    "noise": "Normal: N(0, 1), as in the course; it leaves [0, 1], until the first step clips it. Uniform: in [0, 1].",
    "seed": "Decides the noise.",
}


@dataclass(frozen=True)
class Start:
    """Where the attack begins."""

    kind: str  # "image", or one of core.adversarial.traces.STARTS
    title: str  # a few words
    shape: tuple[int, ...] = field(repr=False)  # (C, h, w) of the data set
    raw: np.ndarray | None = field(default=None, repr=False, compare=False)  # uint8 (C, h, w); None: it is no image
    label: int | None = None  # the true class, where it is known
    index: int | None = None  # of a test image
    seed: int = 0  # of noise
    note: str = ""  # what the viewer can do

    @property
    def fooling(self) -> bool:
        """Whether this is no image, so that what comes of it is a fooling image."""
        return self.raw is None

    @property
    def identity(self) -> str:
        """Differs where the pixels do."""
        content = b"" if self.raw is None else self.raw.tobytes()
        return hashlib.sha256(repr((self.kind, self.shape, self.seed)).encode() + content).hexdigest()

    def pixels(self, network: Network) -> np.ndarray:
        """As the network takes it: float32 (C, H, W), in [0, 1] but for the noise of the course."""
        raw = np.zeros(self.shape, np.uint8) if self.raw is None else self.raw
        found = as_pixels(network.model, raw[None])[0]
        return found if self.raw is not None else traces.start(self.kind, found.shape, self.seed)


def pick(row: st.delta_generator.DeltaGenerator, dataset: str) -> Start:
    """Draw the controls in a row; returns what they say."""
    kinds = uploads.sources(*(kind for kind in KINDS if kind != DRAWING or dataset == "mnist"))
    kind = row.segmented_control("Start", kinds, default=IMAGE, required=True, key="adv_start", bind="query-params",
                                 label_visibility="collapsed", help=HELP["start"])  # fmt: skip
    split, classes = library.examples(dataset)
    shape = split.images.shape[1:]
    if kind == NOISE:
        return _noise(row, shape)
    if kind == ZEROS:
        return Start("zeros", "zeros: no image", shape)
    first = _test_image(row if kind == IMAGE else None, dataset, split, classes)
    if kind == IMAGE:
        return first
    own = _drawn(row) if kind == DRAWING else _uploaded(row, dataset, shape)
    if own is None:
        told = "Draw a digit" if kind == DRAWING else "Upload a picture"
        return Start("image", first.title, shape, first.raw, first.label, first.index,
                     note=f"{told} with the button above; until then this is {first.title}.")  # fmt: skip
    return Start("image", "your drawing" if kind == DRAWING else "your picture", shape, own)


def _noise(row: st.delta_generator.DeltaGenerator, shape: tuple[int, ...]) -> Start:
    kind = row.selectbox("Noise", list(NOISES), help=HELP["noise"], key="adv_noise", bind="query-params", width=130,
                         label_visibility="collapsed")  # fmt: skip
    seed = row.number_input("Seed of the noise", 0, 999_999, 0, help=HELP["seed"], key="adv_noise_seed", width=110,
                            bind="query-params", label_visibility="collapsed")  # fmt: skip
    return Start(NOISES[kind], f"noise {int(seed)}: no image", shape, seed=int(seed))


def _test_image(
    row: st.delta_generator.DeltaGenerator | None, dataset: str, split: Split, classes: tuple[str, ...]
) -> Start:
    """The n-th test image of a class; without a row, the one that the page opens with."""
    label, number = FIRST[dataset], 0
    if row is not None:
        row.caption("class", width="content")
        name = row.selectbox("Class", classes, FIRST[dataset], key=f"adv_class_{dataset}", bind="query-params",
                             width=max(80, 40 + 10 * max(map(len, classes))), label_visibility="collapsed")  # fmt: skip
        row.caption("no.", width="content")
        number = row.number_input("Number", 0, 9_999, 0, help=HELP["number"], key="adv_number", bind="query-params",
                                  width=76, label_visibility="collapsed")  # fmt: skip
        label = classes.index(name)
    places = np.flatnonzero(split.labels == label)
    if not len(places):  # among 20 samples there is not every class
        return _of(split, classes, int(np.flatnonzero(split.labels == FIRST[dataset])[0]),
                   f"There is no {classes[label]} among these {len(split.labels)} images.")  # fmt: skip
    note = "" if number < len(places) else f"There are only {words.count(len(places))} such images: this is the last."
    return _of(split, classes, int(places[min(int(number), len(places) - 1)]), note)


def _of(split: Split, classes: tuple[str, ...], index: int, note: str) -> Start:
    label = int(split.labels[index])
    return Start("image", f"test image {index}", split.images.shape[1:], np.array(split.images[index]), label, index,
                 note=note)  # fmt: skip


def _drawn(row: st.delta_generator.DeltaGenerator) -> np.ndarray | None:
    """The viewer's digit, uint8 (1, 28, 28) as MNIST has them; the drawing is kept in the link."""
    with row.popover("Draw", icon=":material/draw:"):
        drawing = drawpad(key="adv_pad", show=unpacked(st.query_params.get("adv_drawing", "")))
    if drawing is None:
        st.query_params.pop("adv_drawing", None)
        return None
    link = linked(drawing)
    if st.query_params.get("adv_drawing") != link:
        st.query_params["adv_drawing"] = link
    return images.to_digit(unpacked(link))[None]  # what whoever opens the link gets


def linked(drawing: np.ndarray) -> str:
    """A drawing, uint8 (28, 28), as a text for a link: 16 grey levels, two pixels a byte, compressed."""
    levels = np.rint(drawing.ravel() / 255 * (LEVELS - 1)).astype(np.uint8)
    packed = zlib.compress((levels[::2] * LEVELS + levels[1::2]).tobytes(), 9)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def unpacked(text: str) -> np.ndarray | None:
    """The drawing of ``linked``; None if there is none, or it is not one."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        content = zlib.decompressobj().decompress(packed, SIDE * SIDE)
    except (binascii.Error, ValueError, zlib.error):  # ValueError: not ASCII
        return None
    pairs = np.frombuffer(content, np.uint8)
    if len(pairs) != SIDE * SIDE // 2:
        return None
    levels = np.stack([pairs // LEVELS, pairs % LEVELS], 1)
    return np.rint(levels / (LEVELS - 1) * 255).astype(np.uint8).reshape(SIDE, SIDE)


def _uploaded(row: st.delta_generator.DeltaGenerator, dataset: str, shape: tuple[int, ...]) -> np.ndarray | None:
    with row.popover("Choose a picture", icon=":material/upload:"):
        found = uploads.upload("adv_upload", dataset, *shape[:2])
        if found is not None and not found.any():
            st.warning("This picture is blank: choose another one.", icon=":material/image_not_supported:")
            return None
    return found
