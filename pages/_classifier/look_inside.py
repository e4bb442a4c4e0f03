"""One image through both networks: what they say, what their layers answer, and which units are idle."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import charts, data, images, inside
from core.data import Split
from core.runs import Run, RunError
from pages._classifier import recordings
from pages._classifier.settings import Settings
from pages._shared import words
from pages._shared.charts import draw as draw_chart
from pages._shared.drawpad import drawpad

SHOWN = 10  # classes in the bars
MAP_SIDE = 40  # pixels of a feature map on the page, at least
HEALTH_IMAGES = 500


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
        draw_chart(charts.bars("certainty (%)", 300), _bar_rows(networks, image, names), "Certainties of A and B")
    with meter:
        _health(networks, pair, epoch, split)
    _maps(networks, image)


def _networks(pair: dict[str, Run | None], epoch: int) -> dict:
    found = {}
    for side, run in pair.items():
        try:
            model = recordings.network_of(run, min(epoch, len(recordings.tested(run)) - 1)) if run else None
        except RunError as error:
            st.warning(str(error))
            continue
        if model is not None:
            found[side] = model
    return found


def _examples(dataset: str) -> Split:
    """All test images where they are on this machine, else the examples that come with the project."""
    return data.load(dataset).test if data.available(dataset) else recordings.examples(dataset)


def _pick(dataset: str, split: Split) -> tuple[np.ndarray | None, int | None]:
    """The chosen image, uint8 (C, H, W), and its class if it is known."""
    channels, side = split.images.shape[1:3]
    sources = ["Test image", "Upload", *(["Draw"] if channels == 1 else [])]
    source = st.segmented_control("Image", sources, default=sources[0], required=True, key="clf_source",
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    if source == "Test image":
        last = len(split.labels) - 1
        index = st.number_input(f"Number, 0 to {words.count(last)}", 0, 9_999, 0, key="clf_image", bind="query-params")
        image, truth = np.array(split.images[min(int(index), last)]), int(split.labels[min(int(index), last)])
    else:
        image, truth = _upload(channels, side, dataset) if source == "Upload" else _drawn(), None
    if image is not None:
        big = image.repeat(max(1, 160 // side), 1).repeat(max(1, 160 // side), 2)
        st.image(big.transpose(1, 2, 0).squeeze(), width=160, alt="The image that both networks see")
    return image, truth


def _upload(channels: int, side: int, dataset: str) -> np.ndarray | None:
    """An uploaded picture in the size that the network knows; digits are brought to the look of MNIST."""
    file = st.file_uploader("A picture: PNG, JPEG, WebP, GIF or BMP, up to 10 MB", key="clf_upload",
                            type=["png", "jpg", "jpeg", "webp", "gif", "bmp"], max_upload_size=10)  # fmt: skip
    if file is None:
        st.caption("Upload a picture to see what both networks make of it.")
        return None
    try:
        picture = images.load(file.getvalue(), name=file.name)
    except images.ImageError as error:
        st.warning(str(error), icon=":material/image_not_supported:")
        return None
    if dataset == "mnist":
        return images.to_digit(np.asarray(picture.convert("L")))[None]
    return images.to_array(picture, channels, side)


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
        for i in sorted(strongest) for side, row in said.items()
    ]  # fmt: skip


def _health(networks: dict, pair: dict[str, Run | None], epoch: int, split: Split) -> None:
    """How many units of each layer are idle."""
    count = min(HEALTH_IMAGES, len(split.labels))
    st.caption(f"Idle units, over {count} test images")
    for side, model in networks.items():
        run = pair[side]
        found = idle_units(model, split, count, run.name, epoch, str(sorted(run.checksums.items())))
        for layer in found:
            st.progress(min(1.0, max(0.0, layer.idle)), f"{side} · {layer.name}: {words.percent(layer.idle)}")
    st.caption("Idle means: no image makes the unit positive (ReLU, LeakyReLU), or every image saturates it (Tanh). "
               "An idle unit tells the images apart little or not at all.")  # fmt: skip


@st.cache_data(max_entries=64, show_spinner=False)
def idle_units(_model, _split: Split, count: int, name: str, epoch: int, checksums: str) -> list[inside.Health]:
    """``inside.unit_health`` on the first ``count`` images, worked out once for each network."""
    return inside.unit_health(_model, _split.images[:count])


def _maps(networks: dict, image: np.ndarray) -> None:
    """The answers of every layer, A beside B."""
    st.caption("What each convolution answers to the image, a square a map: orange positive, blue negative, white zero. "
               "Each layer has one scale.")  # fmt: skip
    for (side, model), column in zip(networks.items(), st.columns(len(networks), gap="medium"), strict=True):
        for layer in inside.layers(model, image):
            colours = images.signed(layer.maps, max(layer.bound, 1e-6))  # (M, 3, H, W)
            zoom = max(1, MAP_SIDE // colours.shape[-1])
            picture = images.sheet(colours.repeat(zoom, 2).repeat(zoom, 3), 12, pad=2)
            text = f"{side} · {layer.name}, {len(layer.maps)} maps, scale ±{layer.bound:.3g}"
            column.caption(text)
            column.image(picture.transpose(1, 2, 0), width="stretch", alt=text)
