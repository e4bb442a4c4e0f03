"""One image through both networks: what they say, what their layers answer, and which units are idle."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import charts, data, images
from core.classifier import inside
from core.data import Split
from core.runs import Run
from pages._classifier import recordings
from pages._classifier.settings import Settings
from pages._shared import uploads, words
from pages._shared.charts import draw as draw_chart
from pages._shared.charts import ink
from pages._shared.components.drawpad import drawpad

SHOWN = 10  # classes in the bars
MAP_SIDE = 40  # pixels of a feature map in its sheet
ROWS = 3  # of feature maps in a sheet
HEALTH_IMAGES = 500
IDLE = (
    "A unit is idle if no image makes it positive (ReLU, LeakyReLU), or if every image saturates it (Tanh). It tells "
    "images apart little or not at all."
)


def draw(settings: Settings, pair: dict[str, Run | None], epoch: int) -> None:
    """The image and its source, the bars of both sides, the maps of every layer, the meter of idle units."""
    networks = _networks(pair, epoch)
    if not networks:
        st.info("There are no weights of this epoch with these settings. Train live, or choose the last epoch.")
        return
    split = _examples(settings.a.dataset)
    picker, bars, meter = st.columns([4, 6, 5], gap="medium")
    with picker:
        image, truth = _pick(settings.a.dataset, split)
    if image is None:
        return
    names = recordings.class_names(settings.a.dataset)
    with bars:
        title = f"It is: {names[truth]}. What the networks say" if truth is not None else "What the networks say"
        st.caption(f"{title}, certainty in %, after epoch {epoch}")
        draw_chart(
            charts.bars("certainty (%)", ink(), 300), _bar_rows(networks, image, names), "Certainties of A and B"
        )
    with meter:
        _health(networks, pair, epoch, split)
    _maps(networks, image)


def _networks(pair: dict[str, Run | None], epoch: int) -> dict:
    """Side → network after that epoch, or after the last one of a shorter run; says where there is none."""
    found = {}
    for side, run in pair.items():
        own = min(epoch, len(recordings.tested(run)) - 1)
        model = recordings.network_of(run, own) if run else None
        if model is not None:
            found[side] = model
        elif run is not None:
            st.caption(f"{side}: the weights after epoch {epoch} were not kept; those of the last epoch are.")
    return found


def _examples(dataset: str) -> Split:
    """All test images where they are on this machine, else the examples that come with the project."""
    return data.load(dataset).test if data.available(dataset) else recordings.examples(dataset)


def _pick(dataset: str, split: Split) -> tuple[np.ndarray | None, int | None]:
    """The chosen image, uint8 (C, H, W), and its class if it is known."""
    channels, side = split.images.shape[1:3]
    sources = uploads.sources("Test image", uploads.UPLOAD, *(["Draw"] if dataset == "mnist" else []))
    source = st.segmented_control(
        "Image",
        sources,
        default=sources[0],
        required=True,
        key="clf_source",
        bind="query-params",
        label_visibility="collapsed",
    )
    if source == "Test image":
        last = len(split.labels) - 1
        index = st.number_input(f"Number, 0 to {words.count(last)}", 0, 9_999, 0, key="clf_image", bind="query-params")
        image, truth = np.array(split.images[min(int(index), last)]), int(split.labels[min(int(index), last)])
    elif source == uploads.UPLOAD:
        image, truth = uploads.upload("clf_upload", dataset, channels, side), None
    else:
        image, truth = _drawn(), None
    if image is not None:
        big = image.repeat(max(1, 160 // side), 1).repeat(max(1, 160 // side), 2)
        st.image(big.transpose(1, 2, 0).squeeze(), width=160, alt="The image that both networks see")
    return image, truth


def _drawn() -> np.ndarray | None:
    pixels = drawpad(key="clf_pad")
    if pixels is None:
        st.caption("Draw a digit to see what both networks make of it.")
        return None
    return images.to_digit(pixels)[None]


def _bar_rows(networks: dict, image: np.ndarray, names: tuple[str, ...]) -> list[dict]:
    """The ten classes that A or B is most certain of, in the order of the classes."""
    said = {side: inside.certainties(model, image[None])[0] for side, model in networks.items()}
    strongest = np.argsort(-np.max(list(said.values()), axis=0), kind="stable")[:SHOWN]
    return [
        {"side": side, "name": names[i], "percent": 100 * float(row[i])}
        for i in sorted(strongest)
        for side, row in said.items()
    ]


def _health(networks: dict, pair: dict[str, Run | None], epoch: int, split: Split) -> None:
    """How many units of each layer are idle."""
    count = min(HEALTH_IMAGES, len(split.labels))
    st.caption(f"Idle units of every layer, over {count} test images", help=IDLE)
    rows = []
    for side, model in networks.items():
        found = idle_units(model, split, count, pair[side].name, epoch, str(sorted(pair[side].checksums.items())))
        rows += [{"side": side, "name": layer.name, "percent": 100 * layer.idle} for layer in found]
    rows.sort(key=lambda row: row["name"])
    draw_chart(charts.bars("idle units (%)", ink(), 190), rows, "Share of idle units in every layer of A and B")


@st.cache_data(max_entries=64, show_spinner=False)
def idle_units(_model, _split: Split, count: int, name: str, epoch: int, checksums: str) -> list[inside.Health]:
    """``inside.unit_health`` on the first ``count`` images, worked out once for each network."""
    return inside.unit_health(_model, _split.images[:count])


def _maps(networks: dict, image: np.ndarray) -> None:
    """The answers of every layer, A beside B."""
    st.caption(
        "What each convolution answers to the image, a square a map: orange positive, blue negative, white zero. "
        "Each layer has one scale."
    )
    for (side, model), place in zip(networks.items(), st.columns(len(networks), gap="medium"), strict=True):
        for layer in inside.layers(model, image):
            colours = images.signed(layer.maps, max(layer.bound, 1e-6))  # (M, 3, H, W)
            zoom = max(1, MAP_SIDE // colours.shape[-1])
            columns = -(-len(colours) // ROWS)
            picture = images.sheet(colours.repeat(zoom, 2).repeat(zoom, 3), columns, pad=3, fill=128)
            text = f"{side} · {layer.name}, {len(layer.maps)} maps, scale ±{layer.bound:.3g}"
            place.caption(text)
            place.image(picture.transpose(1, 2, 0), width="stretch", alt=text)
