"""Arrays as pictures on a page: PNGs, sheets of many, and signed values as colours."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

NEGATIVE, POSITIVE = np.array([31, 97, 158]), np.array([199, 80, 0])  # RGB ends of the signed scale, dark A and B


def png_uri(pixels: np.ndarray) -> str:
    """A picture as a PNG that can stand in a page's own text.

    Args:
        pixels: uint8 (H, W), (H, W, 3) or (C, H, W) with C 1 or 3; where both fit, a last axis of 3 is the colour.

    Returns:
        ``data:image/png;base64,…``

    Raises:
        ValueError: another shape or another dtype.
    """
    shape = pixels.shape
    if len(shape) == 3 and shape[2] != 3 and shape[0] in (1, 3):
        pixels = pixels[0] if shape[0] == 1 else pixels.transpose(1, 2, 0)  # (C, H, W) -> (H, W) or (H, W, C)
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        raise ValueError(f"a PNG needs uint8 (H, W), (H, W, 3), (1, H, W) or (3, H, W), not {pixels.dtype} {shape}")
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def sheet(images: np.ndarray, cols: int, pad: int = 0, fill: int = 0) -> np.ndarray:
    """Many small pictures as one, row by row.

    Args:
        images: uint8 (N, C, H, W), N at least 1.
        cols: pictures in a row, at least 1.
        pad: pixels between neighbours (none around the sheet).
        fill: grey level of these pixels and of unused cells, 0 (black) to 255 (white).

    Returns:
        uint8 (C, rows * (H + pad) - pad, cols * (W + pad) - pad), rows = ceil(N / cols).
    """
    n, c, h, w = images.shape
    rows = -(-n // cols)
    cells = np.full((rows * cols, c, h + pad, w + pad), fill, np.uint8)
    cells[:n, :, :h, :w] = images
    grid = cells.reshape(rows, cols, c, h + pad, w + pad).transpose(2, 0, 3, 1, 4)  # -> (C, rows, H, cols, W)
    grid = grid.reshape(c, rows * (h + pad), cols * (w + pad))
    return np.ascontiguousarray(grid[:, : rows * (h + pad) - pad, : cols * (w + pad) - pad])


def signed(values: np.ndarray, bound: float) -> np.ndarray:
    """float (…, H, W) → uint8 (…, 3, H, W): 0 is white, -``bound`` blue, +``bound`` orange; the same scale for all.

    Raises:
        ValueError: the bound is not positive.
    """
    if not bound > 0:
        raise ValueError(f"The bound of the scale must be positive, not {bound}.")
    share = np.clip(np.nan_to_num(np.asarray(values, np.float32)) / bound, -1, 1)[..., None, :, :]
    end = np.where(share < 0, NEGATIVE[:, None, None], POSITIVE[:, None, None])
    return np.rint(255 + np.abs(share) * (end - 255)).astype(np.uint8)
