"""The one loader for uploads, and for the images of folders.

An upload is a stranger's bytes: a PNG of 13000 x 13000 pixels and 20 kB can fill the memory, one of 16 bits turns white
in Pillow's own conversion, transparency shows colours that nobody saw. So `load` reads the header, decides, and only
then decodes. It changes no global state (Pillow's limits, the warning filters), so threads may call it side by side.
"""

from __future__ import annotations

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
