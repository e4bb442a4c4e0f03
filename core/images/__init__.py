"""Pictures in and out: the one loader for uploads, arrays for the models, PNGs for the page."""

from core.images.drawing import png_uri, sheet, signed
from core.images.inputs import to_array, to_digit
from core.images.loading import ImageError, load

__all__ = ["ImageError", "load", "png_uri", "sheet", "signed", "to_array", "to_digit"]
