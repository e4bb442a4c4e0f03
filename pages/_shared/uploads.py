"""An uploaded picture in the size that a network knows; refused in one sentence where it is none."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import images, limits

UPLOAD = "Upload"  # among the sources of a picture, or of a text


def sources(*names: str) -> list[str]:
    """The sources of these that this server offers: where it only replays, nothing is uploaded."""
    return [name for name in names if not (name.startswith(UPLOAD) and limits.read_only())]


def upload(key: str, dataset: str, channels: int, side: int) -> np.ndarray | None:
    """An uploader; returns the picture, uint8 (channels, side, side), or None while there is none.

    For MNIST it is brought to the look of its digits.
    """
    file = st.file_uploader(
        "A picture: PNG, JPEG, WebP, GIF or BMP, up to 10 MB",
        key=key,
        type=["png", "jpg", "jpeg", "webp", "gif", "bmp"],
        max_upload_size=10,
    )
    if file is None:
        st.caption("Upload a picture to see what the networks make of it.")
        return None
    try:
        picture = images.load(file.getvalue(), name=file.name)
    except images.ImageError as error:
        st.warning(str(error), icon=":material/image_not_supported:")
        return None
    if dataset == "mnist":
        return images.to_digit(np.asarray(picture.convert("L")))[None]
    return images.to_array(picture, channels, side)
