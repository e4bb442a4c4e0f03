"""Pictures as models take them: the centre of any picture, and a digit as MNIST has it."""

from __future__ import annotations

import numpy as np
from PIL import Image

DIGIT_SIDE, DIGIT_BOX = 28, 20  # pixels; an MNIST picture, and the box in it that the ink is scaled to
DIGIT_CENTRE = 14.0  # row and column of the centre of mass; in MNIST's 10 000 test digits it is within 14 ± 0.5
MIN_CONTRAST = 32  # grey levels between paper and ink; below it the picture counts as blank


def to_array(image: Image.Image, channels: int, size: int) -> np.ndarray:
    """The centre of a picture as an array: cropped to a square, then resampled with antialiasing.

    Args:
        image: a picture as `load` returns it.
        channels: 1 for grey (ITU-R 601 luma) or 3 for RGB.
        size: side of the result in pixels, at least 1.

    Returns:
        uint8 (C, size, size), 0 … 255.

    Raises:
        ValueError: `channels` is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, not {channels}")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)).convert("L" if channels == 1 else "RGB")
    square = square.resize((size, size), Image.Resampling.BICUBIC)  # its own box= would blend in what is outside
    pixels = np.array(square).reshape(size, size, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))  # (H, W, C) -> (C, H, W)


def to_digit(pixels: np.ndarray) -> np.ndarray:
    """Redraw a digit the way MNIST's authors prepared theirs: white on black, 20 pixels long, centred by its mass.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, III.A.

    Args:
        pixels: uint8 (H, W), a drawing or photo of one digit, dark on bright or bright on dark.

    Returns:
        uint8 (28, 28), paper 0, the strongest ink 255; all zeros if the picture is blank.

    Raises:
        ValueError: not uint8 (H, W) with at least one pixel.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or not pixels.size:
        raise ValueError(f"a digit is a non-empty uint8 (H, W) array, not {pixels.dtype} {pixels.shape}")
    digit = np.zeros((DIGIT_SIDE, DIGIT_SIDE), np.uint8)
    ink = _ink(pixels)
    if ink.max() < MIN_CONTRAST:
        return digit
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = _fit(ink[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1], DIGIT_BOX)
    top, left = _offset(box.sum(axis=1)), _offset(box.sum(axis=0))
    digit[top : top + box.shape[0], left : left + box.shape[1]] = np.rint(box * (255 / box.max()))
    return digit


def _ink(pixels: np.ndarray) -> np.ndarray:
    """Grey levels between paper and ink, float32 (H, W); 0 where it is paper. Paper is what the border shows."""
    grey = pixels.astype(np.float32)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = np.median(border)
    dark_on_bright = 2 * paper > grey.min() + grey.max()
    ink = np.maximum(paper - grey if dark_on_bright else grey - paper, 0)
    # Shadow and noise of a photo show on its border, too; a drawing has none there, and keeps its faint edges.
    noise = 2.5 * np.percentile(np.abs(border - paper), 95)
    ink[ink < np.clip(noise, 0.1 * ink.max(), 0.5 * ink.max())] = 0
    return ink


def _fit(ink: np.ndarray, side: int) -> np.ndarray:
    """Resample so that the longer side has `side` pixels, keeping the aspect; float32, at least 0."""
    scale = side / max(ink.shape)
    height, width = (max(1, round(n * scale)) for n in ink.shape)
    return np.maximum(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC), 0)  # bicubic undershoots


def _offset(profile: np.ndarray) -> int:
    """Where the box begins on one axis, so that its mass is centred but nothing is cut off."""
    centre = profile @ np.arange(len(profile)) / profile.sum()
    return int(np.clip(round(DIGIT_CENTRE - centre), 0, DIGIT_SIDE - len(profile)))
