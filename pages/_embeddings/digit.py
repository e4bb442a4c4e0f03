"""A digit of the viewer's own lands on the maps of B, beside its nearest neighbours."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from core import data, images
from core.embeddings import reading
from core.runs import Run
from pages._embeddings import library, picture
from pages._embeddings.picture import Found
from pages._embeddings.settings import Settings
from pages._shared import gallery, uploads, words
from pages._shared.components.drawpad import drawpad
from pages._shared.components.scrubber import scrubber

HEIGHT = 330  # pixels
SHOWN = 8  # neighbours


def draw(settings: Settings, found: Found, frame: int) -> None:
    """The pad or the upload, the maps with the digit on them, and its neighbours in the original space."""
    dataset = settings.networks["B"].dataset
    done = {method: found.get(("B", method)) for method in picture.NAMES}
    if not all(library.readable(run) and run.status == "done" for run in done.values()):
        st.info("Lay out B first: then an image of your own can land on its maps.")
        return
    pick, maps = st.columns([2, 7], gap="medium")
    with pick:
        image = _image(dataset)
    if image is None:
        return
    labels = picture.frames(settings, found)
    columns, placed = _landed(settings, found, labels[min(frame, len(labels) - 1)], done, image)
    with maps:
        _say(dataset, placed)
        points = library.points_of(done["pca"], done["pca"].steps[0])
        panel = picture.together([columns], points, stream=f"own {dataset} {settings.points}",
                                 sprite=library.sprite(dataset, len(points.labels)))  # fmt: skip
        hint = "The cross is your image. Click a point to see its neighbours."
        scrubber(key="emb_own_maps", axis="", frames=[""], panels=[{**panel, "hint": hint}], at=0,
                 height=HEIGHT + 110, alt="Where the viewer's image lies on the maps of B")  # fmt: skip


def _image(dataset: str) -> np.ndarray | None:
    """The viewer's image, uint8 (C, H, W) as the data set has them."""
    sources = uploads.sources(*(["Draw"] if dataset == "mnist" else []), uploads.UPLOAD)
    if not sources:
        st.caption("This server takes no uploads, and only a digit can be drawn: choose a network for MNIST.")
        return None
    source = st.segmented_control("Image", sources, required=True, default=sources[0], key="emb_source",
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    if source == "Draw":
        pixels = drawpad(key="emb_pad")
        if pixels is None:
            st.caption("Draw a digit to see it on the map.")
            return None
        return images.to_digit(pixels)[None]
    shape = data.load(dataset).test.images.shape[1:]
    return uploads.upload("emb_upload", dataset, *shape[:2])


def _landed(settings: Settings, found: Found, label: int, done: dict[str, Run], image: np.ndarray):
    """B's maps with the image on them, and what is known of it."""
    column, maps = picture.column(settings, "B", found, [label]), []
    for (method, run), view in zip(done.items(), column.maps, strict=True):
        step = picture.steps_of(settings, "B", method, run, [label])[0]
        placed = reading.place(run, image[None], step)
        maps.append(dataclasses.replace(view, mark=tuple(float(v) for v in placed.places[0])))
    return dataclasses.replace(column, maps=maps), placed


def _say(dataset: str, placed: reading.Placed) -> None:
    test, classes = data.load(dataset).test, data.load(dataset).classes
    near = placed.neighbours[0][:SHOWN]
    st.markdown(f"B says **{classes[placed.called[0]]}**, {words.percent(float(placed.certainty[0]), 0)} certain. "
                "Its nearest test images in the original space:")  # fmt: skip
    gallery.draw(test.images[near], [f"image {i}" for i in near], [classes[test.labels[i]] for i in near])
