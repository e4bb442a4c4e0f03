"""Sheets of what a generator draws, as small PNGs, and an animation of them.

Letters for shapes: N images, H height, W width.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw

from core import images
from core.gan.networks import SIDE

SHOWN, COLUMNS = 64, 8  # pictures on a sheet, and in a row of it
LEVELS = [17 * i for i in range(16)]  # of grey in a sheet, 4 bits each; with 256 the noise would fill twice the bytes
CAPTION = 14  # pixels above a sheet


def grey(pictures: torch.Tensor) -> np.ndarray:
    """float (…) in [0, 1] → uint8 (…), on the CPU."""
    return pictures.mul(255).round().to(torch.uint8).cpu().numpy()


def sheet_png(pictures: np.ndarray) -> bytes:
    """64 pictures, uint8 (64, 1, 28, 28), as a PNG of 8 × 8 without gaps, in 16 levels of grey."""
    grid = images.sheet(pictures, COLUMNS)[0]  # (H, W)
    picture = Image.fromarray(np.rint(grid / LEVELS[1]).astype(np.uint8)).convert("P")
    picture.putpalette([level for level in LEVELS for _ in "rgb"])
    file = io.BytesIO()
    picture.save(file, format="PNG", bits=4, optimize=True)
    return file.getvalue()


def cells(png: bytes) -> np.ndarray:
    """The pictures of a sheet, in the order of their z: uint8 (64, 1, 28, 28)."""
    grid = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    rows = grid.reshape(-1, SIDE, COLUMNS, SIDE).swapaxes(1, 2)  # (8, 8, 28, 28)
    return rows.reshape(-1, 1, SIDE, SIDE)


def animation(sheets: Sequence[bytes], captions: Sequence[str], frame_ms: int = 120, scale: int = 2) -> bytes:
    """The sheets as an endless GIF, a caption above each; the last one stands ten times as long.

    Raises:
        ValueError: there is no sheet, or not a caption for each.
    """
    if not sheets or len(sheets) != len(captions):
        raise ValueError("An animation needs at least one sheet, and a caption for each.")
    frames = [_frame(png, caption, scale) for png, caption in zip(sheets, captions, strict=True)]
    times = [frame_ms] * (len(frames) - 1) + [10 * frame_ms]
    file = io.BytesIO()
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return file.getvalue()


def _frame(png: bytes, caption: str, scale: int) -> Image.Image:
    """A sheet with crisp pixels below its caption, in levels of grey."""
    picture = Image.open(io.BytesIO(png)).convert("L")
    picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    frame = Image.new("L", (picture.width, picture.height + CAPTION))
    frame.paste(picture, (0, CAPTION))
    ImageDraw.Draw(frame).text((2, 1), caption, fill=255)
    return frame
