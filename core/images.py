"""Pictures in and out: the one loader for uploads, arrays for the models, PNGs for the page.

An upload is a stranger's bytes: a PNG of 13000 x 13000 pixels and 20 kB can fill the memory, one of 16 bits turns white
in Pillow's own conversion, transparency shows colours that nobody saw. So `load` reads the header, decides, and only
then decodes. It changes no global state (Pillow's limits, the warning filters), so threads may call it side by side.
"""

from __future__ import annotations

import base64
import io
import re
import struct
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

MAX_BYTES = 10 * 2**20  # of the file; "10" in Streamlit's maxUploadSize is the same number
MAX_PIXELS = 16_000_000  # width x height: 64 MB once decoded
MAX_SIDE = 8_000  # pixels
KEPT_SIDE = 1_024  # pixels; larger pictures are reduced to this, enough for a projector

DIGIT_SIDE, DIGIT_BOX = 28, 20  # pixels; an MNIST picture, and the box in it that the ink is scaled to
DIGIT_CENTRE = 14.0  # row and column of the centre of mass; in MNIST's 10 000 test digits it is within 14 ± 0.5
MIN_CONTRAST = 32  # grey levels between paper and ink; below it the picture counts as blank

NEGATIVE, POSITIVE = np.array([31, 97, 158]), np.array([199, 80, 0])  # RGB ends of the signed scale, dark A and B

# What turns a picture upright that is stored with this EXIF orientation (CIPA DC-008, tag 0x0112; 1 is upright).
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(ValueError):
    """An upload that cannot be used; the message is one plain sentence for the person who uploaded it."""


class JpegFile(JpegImageFile):
    """A JPEG that leaves its EXIF block alone: Pillow would search it for the dpi and warn when it is damaged."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


# Not Image.open: it warns about large pictures before we can see their size, and it may take a JPEG for an MPO album.
FORMATS = {
    rb"\x89PNG\r\n\x1a\n": PngImageFile,
    rb"\xff\xd8\xff": JpegFile,
    rb"RIFF....WEBP": WebPImageFile,
    rb"GIF8[79]a": GifImageFile,
    rb"BM": BmpImageFile,
}


def load(source: bytes | BinaryIO, *, name: str = "") -> Image.Image:
    """Turn an uploaded file into an upright, opaque picture of a friendly size.

    An animation gives its first frame; transparency becomes white, 16 bits 8, CMYK and palettes RGB; grey stays grey.

    Args:
        source: the bytes of the file, or a binary file (read from its beginning).
        name: the file's name, for the error messages; folders, HTML and Markdown are removed.

    Returns:
        A picture of mode "RGB" or "L", sides 1 … `KEPT_SIDE` pixels, without metadata.

    Raises:
        ImageError: not a PNG, JPEG, WebP, GIF or BMP image, empty, damaged, or above `MAX_BYTES`, `MAX_PIXELS` or
            `MAX_SIDE`; the size is checked before a pixel is decoded.
    """
    label = _label(name)
    data = _read(source)
    if not data:
        raise ImageError(f"{label} is empty; please choose another image.")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{label} is larger than {MAX_BYTES // 2**20} MB; please choose a smaller image.")
    opener = next((opener for magic, opener in FORMATS.items() if re.match(magic, data, re.DOTALL)), None)
    if opener is None:
        raise ImageError(f"{label} is not a PNG, JPEG, WebP, GIF or BMP image; please choose one of these.")
    try:
        return _decode(opener(io.BytesIO(data)), label)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{label} has too many pixels; please choose a smaller image.") from error
    except Exception as error:  # hostile bytes make Pillow's decoders raise nearly anything; the cause stays attached
        raise ImageError(f"{label} is damaged or incomplete; please save it again or choose another image.") from error


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


def _label(name: str) -> str:
    """The file's name without folders and without anything that HTML or Markdown could act on."""
    plain = re.sub(r"[^\w .-]|_", " ", re.split(r"[/\\]", name)[-1]).split()
    return f"“{' '.join(plain)[:40]}”" if plain else "This file"


def _read(source: bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        return source
    source.seek(0)  # when the page runs again it gets the same file object, already read to its end
    return source.read(MAX_BYTES + 1)  # one byte too many is enough to know


def _decode(image: ImageFile, label: str) -> Image.Image:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        limit = f"{MAX_PIXELS // 10**6} million pixels and {MAX_SIDE} on a side"
        raise ImageError(f"{label} is {width} × {height} pixels; please choose an image of at most {limit}.")
    image.draft(None, (KEPT_SIDE, KEPT_SIDE))  # a JPEG may be decoded at 1/2, 1/4 or 1/8: less time and memory
    image.load()
    picture = _eight_bit(image, label)
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BICUBIC)
    turn = UPRIGHT.get(_orientation(image.info.get("exif", b"")))
    picture = picture if turn is None else picture.transpose(turn)
    opaque = picture.convert("L" if picture.mode in ("L", "LA") else "RGB")
    if picture.mode in ("LA", "RGBA"):
        white = Image.new(opaque.mode, opaque.size, "white")
        white.paste(opaque, mask=picture.getchannel("A"))
        opaque = white
    opaque.info = {}
    return opaque


def _eight_bit(image: Image.Image, label: str) -> Image.Image:
    """The same picture as L, LA, RGB or RGBA, the modes that can be resampled without false colours."""
    if image.mode.startswith("I"):  # 16 bits of grey
        wide = np.asarray(image)
        grey = (np.clip(wide, 0, 65535) >> 8).astype(np.uint8)  # the high byte, as Pillow does for 16-bit RGB
        grey[wide == image.info.get("transparency", -1)] = 255
        return Image.fromarray(grey)
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"):
        raise ImageError(f"{label} has an unusual kind of pixels; please save it as an ordinary PNG or JPEG.")
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    mode += "A" if image.has_transparency_data else ""
    return image if image.mode == mode else image.convert(mode)


def _orientation(exif: bytes) -> int:
    """The orientation, 1 … 8, in a raw EXIF block (a TIFF header and its first directory); 1 if there is none."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = ">" if tiff.startswith(b"MM") else "<"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, entry)  # tag, type, number of values, value
            if tag == 0x0112:
                return value
    except struct.error:  # damaged or absent, no reason to refuse the picture
        pass
    return 1


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
