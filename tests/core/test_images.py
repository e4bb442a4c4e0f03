"""core/images: every bad file is refused in one sentence, every odd file shows the pixels its author saw."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from core import images
from core.images import inputs, loading

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def file_of(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG by hand, for what Pillow does not write; `rows` with a filter byte each, `extra` chunks before the data."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A true PNG of 13000 x 13000 one-bit pixels in 20 kB: 169 MB once decoded, and never a picture in memory here."""
    return png(13_000, 13_000, 1, 0, bytes(13_000 * (1 + 13_000 // 8)))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def quadrants(size: int = 64) -> Image.Image:
    """Red, green / blue, white: shows every rotation and mirroring."""
    picture = Image.new("RGB", (size, size), WHITE)
    half = size // 2
    for box, colour in (((0, 0), RED), ((half, 0), GREEN), ((0, half), BLUE)):
        picture.paste(colour, (*box, box[0] + half, box[1] + half))
    return picture


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def gif_with_frame(side: int) -> bytes:
    """The screen says 1 x 1, the frame in it says more."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    return screen + b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\x00;"


# name -> (file, a word of the reason)
BAD = {
    "empty": (b"", "empty"),
    "text": (b"hello, I am a picture", "not a PNG"),
    "text that begins like a BMP": (b"BMW builds cars", "damaged"),
    "one byte": (b"\x89", "not a PNG"),
    "only the magic": (b"\x89PNG\r\n\x1a\n", "damaged"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a PNG"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not a PNG"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a PNG"),
    "WAV": (b"RIFF\x24\0\0\0WAVEfmt ", "not a PNG"),
    "float TIFF": (file_of(Image.new("F", (8, 8), 0.5), "TIFF"), "not a PNG"),
    "ICO": (file_of(Image.new("RGB", (16, 16)), "ICO"), "not a PNG"),
    "half a PNG": (file_of(noise(64, 64))[:2000], "damaged"),
    "half a JPEG": (file_of(noise(64, 64), "JPEG")[:1500], "damaged"),
    "half a WebP": (file_of(noise(64, 64), "WEBP")[:800], "damaged"),
    "half a GIF": (file_of(noise(64, 64), "GIF")[:2000], "damaged"),
    "half a BMP": (file_of(noise(64, 64), "BMP")[:2000], "damaged"),
    "PNG with a wrong checksum": (file_of(noise(8, 8)).replace(b"IDAT", b"IDAX"), "damaged"),
    "PNG of no pixels": (png(0, 0, 8, 0, b""), "damaged"),
    "decompression bomb": (bomb(), "13000 × 13000"),
    "header of 2 billion pixels a side": (png(2**31 - 1, 2**31 - 1, 8, 2, b"\0"), "2147483647"),
    "GIF with a large frame": (gif_with_frame(9_000), "9000 × 9000"),
    "GIF with a huge frame, where Pillow warns": (gif_with_frame(10_000), "pixels"),
    "GIF with a giant frame, where Pillow raises": (gif_with_frame(20_000), "too many pixels"),
    "too long a side": (png(8001, 1, 1, 0, bytes(1002)), "8001 × 1"),
    "too high a side": (png(1, 8001, 1, 0, bytes(2 * 8001)), "1 × 8001"),
    "too many pixels": (png(4001, 4000, 1, 0, bytes(4000 * 502)), "4001 × 4000"),
    "more than 10 MB": (file_of(Image.new("L", (4, 4))) + bytes(loading.MAX_BYTES), "10 MB"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", ["", "my cat.png"])
def test_bad_file_is_refused_in_one_sentence(case, name):
    data, reason = BAD[case]
    with pytest.raises(images.ImageError) as caught:
        images.load(io.BytesIO(data) if name else data, name=name)
    sentence = str(caught.value)
    assert reason in sentence and sentence.startswith("“my cat.png” " if name else "This file ")
    assert sentence.endswith(".") and len(sentence) < 160 and not set(sentence) & set("\n<>`*[]")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\Users\\ada\\<b>cat</b>.png", "“b .png”"),
        ("/etc/secret/cat.png", "“cat.png”"),
        ("<img src=x onerror=alert(1)>.png", "“img src x onerror alert 1 .png”"),
        ("![a](b)`c`*d*_e_\n:red[f]", "“a b c d e red f”"),
        ("../..", "“..”"),
        ("<>", "This file"),
        ("x" * 5000, "“" + "x" * 40 + "”"),
    ],
)
def test_name_in_a_message_is_harmless(name, shown):
    with pytest.raises(images.ImageError) as caught:
        images.load(bomb()[:100], name=name)
    assert str(caught.value).startswith(shown + " ") and len(str(caught.value)) < 160


def test_unusual_pixels_are_refused():
    with pytest.raises(images.ImageError, match="unusual kind of pixels"):
        loading._eight_bit(Image.new("F", (2, 2)), "This file")  # none of the five formats gives this mode today


@pytest.mark.parametrize("case", ["decompression bomb", "too long a side", "too high a side", "too many pixels"])
def test_size_is_refused_before_decoding(case, monkeypatch):
    loads, load = [], ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: loads.append(image.size) or load(image))
    with pytest.raises(images.ImageError, match="pixels"):
        images.load(BAD[case][0])
    assert not loads
    images.load(file_of(Image.new("L", (3, 3))))
    assert set(loads) == {(3, 3)}  # the trap works


# For a process of its own, as a peak is of the whole process. Prints MiB: of our refusal, of Pillow's naive loading.
PEAK = """
import sys, warnings
from PIL import Image
from core import images

def peak():
    return next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

before = peak()
try:
    images.load(open(sys.argv[1], "rb"))
except images.ImageError:
    refused = peak()
    warnings.simplefilter("ignore")
    Image.open(sys.argv[1]).load()
    print(refused - before, peak() - refused)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from Linux's /proc")
def test_bomb_costs_no_memory(tmp_path):
    (tmp_path / "bomb.png").write_bytes(BAD["decompression bomb"][0])
    command = [sys.executable, "-W", "error", "-c", PEAK, str(tmp_path / "bomb.png")]
    root = Path(__file__).parents[2]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60).stdout
    ours, naive = map(int, printed.split())
    assert ours < 20 and naive > 100


def wide_png(mode: int, *rows: bytes, extra: bytes = b"") -> bytes:
    """16 bits a channel; `mode` is the PNG colour type (0 grey, 2 RGB, 4 grey and alpha), one pixel a row."""
    return png(1, len(rows), 16, mode, b"".join(b"\0" + row for row in rows), extra)


def palette_png() -> bytes:
    """Two pixels: red, opaque; and green with an alpha of 0."""
    palette = chunk(b"PLTE", bytes(RED + GREEN)) + chunk(b"tRNS", b"\xff\0")
    return png(2, 1, 8, 3, b"\0\0\1", palette)


def animation(kind: str) -> bytes:
    first, *rest = (Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE))
    return file_of(first, kind, save_all=True, append_images=rest, duration=50, lossless=True)


# name -> (file, mode, pixels in reading order, tolerance in grey levels)
ODD = {
    "1 x 1": (file_of(Image.new("RGB", (1, 1), (9, 8, 7))), "RGB", [(9, 8, 7)], 0),
    "grey": (file_of(Image.new("L", (1, 1), 77)), "L", [77], 0),
    "1 bit": (file_of(Image.fromarray(np.array([[True, False]]))), "L", [255, 0], 0),
    "1 bit, black is transparent": (png(2, 1, 1, 0, b"\0\x40", chunk(b"tRNS", b"\0\0")), "L", [255, 255], 0),
    "16-bit grey": (wide_png(0, b"\0\0", b"\x80\0", b"\xff\xff"), "L", [0, 128, 255], 0),
    "16-bit grey, 128 is transparent": (
        wide_png(0, b"\0\1", b"\x80\0", extra=chunk(b"tRNS", b"\x80\0")),
        "L",
        [0, 255],
        0,
    ),
    "16-bit RGB": (wide_png(2, b"\x80\0\x40\0\xff\xff"), "RGB", [(128, 64, 255)], 0),
    "16-bit grey and alpha": (wide_png(4, b"\x40\0\xff\xff", b"\x40\0\0\0"), "RGB", [(64,) * 3, WHITE], 0),
    "grey and alpha": (
        file_of(Image.fromarray(np.array([[[9, 255], [9, 0], [55, 128]]], np.uint8))),
        "L",
        [9, 255, 155],
        1,
    ),
    "RGB and alpha": (
        file_of(Image.fromarray(np.array([[[9, 8, 7, 255], [9, 8, 7, 0], [0, 55, 255, 128]]], np.uint8))),
        "RGB",
        [(9, 8, 7), WHITE, (127, 155, 255)],
        1,
    ),
    "RGB, red is transparent": (
        png(2, 1, 8, 2, b"\0" + bytes(RED + BLUE), chunk(b"tRNS", struct.pack(">3H", *RED))),
        "RGB",
        [WHITE, BLUE],
        0,
    ),
    "palette": (file_of(Image.new("RGB", (1, 1), RED).convert("P")), "RGB", [RED], 0),
    "palette with transparency": (palette_png(), "RGB", [RED, WHITE], 0),
    "GIF with transparency": (
        file_of(Image.open(io.BytesIO(palette_png())).convert("P"), "GIF", transparency=1),
        "RGB",
        [RED, WHITE],
        0,
    ),
    "animated GIF": (animation("GIF"), "RGB", [RED] * 16, 0),
    "animated PNG": (animation("PNG"), "RGB", [RED] * 16, 0),
    "animated WebP": (animation("WEBP"), "RGB", [RED] * 16, 0),
    "WebP and alpha": (file_of(Image.new("RGBA", (1, 1), (9, 8, 7, 0)), "WEBP", lossless=True), "RGB", [WHITE], 0),
    "CMYK JPEG": (file_of(Image.new("CMYK", (2, 1), (0, 255, 255, 0)), "JPEG", quality=95), "RGB", [RED] * 2, 3),
    "grey JPEG": (file_of(Image.new("L", (2, 1), 99), "JPEG"), "L", [99] * 2, 1),
    "progressive JPEG": (file_of(Image.new("RGB", (2, 1), BLUE), "JPEG", progressive=True), "RGB", [BLUE] * 2, 3),
    "two pictures in a JPEG": (
        file_of(Image.new("RGB", (2, 1), RED), "MPO", save_all=True, append_images=[Image.new("RGB", (2, 1), BLUE)]),
        "RGB",
        [RED] * 2,
        3,
    ),
    "BMP": (file_of(Image.new("RGB", (1, 1), (9, 8, 7)), "BMP"), "RGB", [(9, 8, 7)], 0),
    "1-bit BMP": (file_of(Image.fromarray(np.array([[True, False]])), "BMP"), "L", [255, 0], 0),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_file_shows_what_its_author_saw(case):
    data, mode, pixels, tolerance = ODD[case]
    picture = images.load(io.BytesIO(data), name="odd")
    assert picture.mode == mode and type(picture) is Image.Image and not picture.info
    shown = np.asarray(picture).reshape(len(pixels), -1).astype(int)
    assert np.abs(shown - np.array(pixels).reshape(len(pixels), -1)).max() <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_that_of_pillow(kind, orientation):
    data = file_of(quadrants().resize((64, 48)), kind, exif=exif(orientation))
    reference = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    np.testing.assert_array_equal(np.asarray(images.load(data)), reference)


def test_exif_orientation_6_turns_clockwise():
    picture = images.load(file_of(quadrants(), "PNG", exif=exif(6)))
    corners = [picture.getpixel(xy) for xy in ((0, 0), (63, 0), (0, 63), (63, 63))]
    assert corners == [BLUE, RED, WHITE, GREEN]


@pytest.mark.parametrize("block", [exif(6)[:17], b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0", exif(9), exif(0)])
def test_damaged_exif_is_ignored(block):
    picture = images.load(file_of(quadrants(), "JPEG", exif=block, quality=95))  # Pillow itself would warn here
    assert np.abs(np.asarray(picture).astype(int) - np.asarray(quadrants())).mean() < 5


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")]
    + [(kind, mode) for kind in ("GIF", "WEBP", "BMP", "JPEG") for mode in ("L", "RGB")],
)
def test_large_pictures_are_reduced_and_keep_their_look(kind, mode):
    original = quadrants(64).resize((1200, 600), Image.Resampling.NEAREST).convert(mode)
    picture = images.load(file_of(original, kind, method=0))  # method: WebP's effort
    assert picture.size == (1024, 512)
    expected = original.convert("RGB").resize((1024, 512))
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - np.asarray(expected)).mean() < 4


def test_a_large_jpeg_is_decoded_at_half_size(monkeypatch):
    sizes, load = [], ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: sizes.append(image.size) or load(image))
    assert images.load(file_of(Image.new("L", (2200, 2100), 50), "JPEG")).size == (1024, 977)
    assert sizes[0] == (1100, 1050)


def test_no_colour_of_hidden_pixels_bleeds_when_reduced():
    grid = np.zeros((1200, 1200, 4), np.uint8)
    grid[::2] = (0, 0, 255, 255)  # every other row is blue, between them is invisible black
    picture = np.asarray(images.load(file_of(Image.fromarray(grid))))
    assert picture[100:900, 100:900, :2].mean() == pytest.approx(127, abs=2)  # half blue, half white
    assert picture[100:900, 100:900, 2].min() >= 254


def test_size_limits_themselves_are_allowed():
    assert images.load(png(8000, 1, 1, 0, b"\0" + b"\xff" * 1000)).size == (1024, 1)
    assert images.load(png(4000, 4000, 1, 0, (b"\0" + b"\xff" * 500) * 4000)).getextrema() == (255, 255)
    small = file_of(Image.new("L", (4, 4), 5))
    assert images.load(small + bytes(loading.MAX_BYTES - len(small))).getpixel((3, 3)) == 5


def test_a_file_is_read_from_its_beginning_each_time():
    file = io.BytesIO(file_of(Image.new("L", (1, 1), 42)))
    assert [images.load(file).getpixel((0, 0)) for _ in range(3)] == [42] * 3


def test_threads_do_not_disturb_each_other_nor_pillow():
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    data = [BAD["decompression bomb"][0], BAD["half a PNG"][0]] + [case[0] for case in ODD.values()]

    def outcome(file: bytes) -> bytes | str:
        try:
            return images.load(file).tobytes()
        except images.ImageError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(outcome, data * 4))
    assert together == [outcome(file) for file in data] * 4
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_damaged_bytes_give_a_picture_or_an_image_error(kind, recwarn):
    rng = np.random.default_rng(0)
    good = np.frombuffer(
        file_of(noise(20, 20), kind, **({"exif": exif(6)} if kind in ("JPEG", "WEBP") else {})), np.uint8
    )
    refused = 0
    for _ in range(100):
        bad = good.copy()
        where = rng.integers(0, min(len(bad), 400), size=3)
        bad[where] = rng.integers(0, 256, size=3)
        try:
            assert images.load(bad.tobytes()).mode in ("L", "RGB")
        except images.ImageError:
            refused += 1
    assert refused and not recwarn


# to_array


@pytest.mark.parametrize("size", [1, 28, 32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("shape", [(1, 1), (100, 40), (40, 100), (33, 33)])
def test_to_array_shape(shape, mode, channels, size):
    pixels = images.to_array(Image.new(mode, shape, "white"), channels, size)
    assert pixels.shape == (channels, size, size) and pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert pixels.min() == 255


@pytest.mark.parametrize("turned", [False, True])
def test_to_array_crops_the_centre(turned):
    picture = Image.new("RGB", (300, 100), RED)
    picture.paste(BLUE, (100, 0, 200, 100))  # only this square is to be seen
    picture = picture.transpose(Image.Transpose.ROTATE_90) if turned else picture
    pixels = images.to_array(picture, 3, 32)
    assert (pixels == np.array(BLUE, np.uint8)[:, None, None]).all()


def test_to_array_is_the_identity_at_the_same_size():
    picture = noise(32, 32)
    np.testing.assert_array_equal(images.to_array(picture, 3, 32), np.asarray(picture).transpose(2, 0, 1))


def test_to_array_antialiases():
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    assert (
        np.ptp(np.asarray(Image.fromarray(stripes).resize((30, 30), Image.Resampling.NEAREST))) == 255
    )  # the baseline
    assert np.ptp(images.to_array(Image.fromarray(stripes), 1, 30)[0, 2:-2, 2:-2].astype(int)) < 30


def test_to_array_refuses_other_channels():
    with pytest.raises(ValueError, match="1 or 3, not 4"):
        images.to_array(Image.new("RGB", (4, 4)), 4, 4)


# to_digit


def seven(height: int = 200, width: int = 300, top: int = 20, left: int = 170, scale: int = 1) -> np.ndarray:
    """A white 7 on black, 100 x 60 pixels, off the centre."""
    drawing = np.zeros((height, width), np.uint8)
    drawing[top : top + 15 * scale, left : left + 60 * scale] = 255
    for row in range(100 * scale):
        right = left + 60 * scale - int(row * 0.45)
        drawing[top + row, right - 15 * scale : right] = 255
    return drawing


def centre_of_mass(digit: np.ndarray) -> np.ndarray:
    weights = digit / digit.sum()
    return np.array([(weights.sum(axis=1 - axis) * np.arange(28)).sum() for axis in (0, 1)])


@pytest.mark.parametrize(("top", "left"), [(0, 0), (20, 170), (100, 240), (50, 120)])
def test_digit_is_centred_by_mass_wherever_it_was_drawn(top, left):
    drawing = seven(top=top, left=left)
    digit = images.to_digit(drawing)
    naive = images.to_array(Image.fromarray(drawing), 1, 28)[0]
    assert digit.shape == (28, 28) and digit.dtype == np.uint8
    assert np.abs(centre_of_mass(digit) - 14).max() <= 0.55
    assert not naive.any() or np.abs(centre_of_mass(naive) - 14).max() > 1  # just scaled, it is elsewhere
    np.testing.assert_array_equal(digit, images.to_digit(seven()))


def test_digit_is_20_pixels_long_and_keeps_its_aspect():
    digit = images.to_digit(seven())
    rows, cols = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    assert np.ptp(rows) + 1 == 20 and np.ptp(cols) + 1 == pytest.approx(20 * 60 / 100, abs=1)
    assert digit.max() == 255 and np.median(digit) == 0


def test_digit_of_ink_on_paper_is_that_of_chalk_on_a_board():
    np.testing.assert_array_equal(images.to_digit(255 - seven()), images.to_digit(seven()))
    assert images.to_digit(255 - seven()).mean() < 80  # white on black in both


@pytest.mark.parametrize("scale", [2, 3])
def test_digit_does_not_depend_on_the_size_of_the_drawing(scale):
    large = seven(600, 900, 60, 500, scale)
    large[60 + 100 * scale :] = 0
    difference = images.to_digit(large).astype(int) - images.to_digit(seven())
    assert np.abs(difference).mean() < 12


def test_digit_of_a_photo_is_close_to_that_of_the_drawing():
    rng = np.random.default_rng(0)
    shadow = np.linspace(150, 190, 300)  # grey paper, darker on the left
    photo = shadow - seven() * 0.45 + rng.normal(0, 4, (200, 300))
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    truth = images.to_digit(seven()).astype(int)
    naive = 255 - images.to_array(Image.fromarray(photo), 1, 28)[0].astype(int)
    error = np.abs(images.to_digit(photo) - truth).mean()
    assert error < 8 and np.abs(naive - truth).mean() > 5 * error


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (5, 300)])
@pytest.mark.parametrize("level", [0, 100, 255])
def test_blank_picture_gives_zeros(shape, level):
    picture = np.full(shape, level, np.uint8)
    picture[0, 0] = min(level + inputs.MIN_CONTRAST - 1, 255)  # the dust on it is not ink
    digit = images.to_digit(picture)
    assert digit.shape == (28, 28) and not digit.any()


@pytest.mark.parametrize("box", [(0, 1, 0, 50), (10, 60, 3, 4), (7, 8, 9, 10), (2, 60, 2, 60)])
def test_lines_dots_and_blobs_stay_inside(box):
    picture = np.full((64, 64), 255, np.uint8)
    picture[box[0] : box[1], box[2] : box[3]] = 0
    digit = images.to_digit(picture)
    assert digit.max() == 255 and not digit[[0, 1, -1, -2]].any() and not digit[:, [0, 1, -1, -2]].any()


def test_ink_at_one_end_is_not_cut_off():
    heavy = np.zeros((100, 100), np.uint8)
    heavy[20:30, 10:90] = 255  # a T, all of its mass at the top
    heavy[30:90, 49:51] = 255
    digit = images.to_digit(heavy)
    assert np.ptp(np.flatnonzero(digit.any(axis=1))) + 1 >= 17


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8)])
def test_to_digit_refuses_other_arrays(pixels):
    with pytest.raises(ValueError, match="uint8"):
        images.to_digit(pixels)


# png_uri and sheet


def decoded(uri: str) -> np.ndarray:
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))


@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (5, 7, 3), (3, 5, 7), (1, 5, 7), (3, 7, 3), (3, 3)])
def test_png_uri_round_trip(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before, expected = pixels.copy(), pixels
    if len(shape) == 3 and shape[-1] != 3:
        expected = pixels.transpose(1, 2, 0) if shape[0] == 3 else pixels[0]
    np.testing.assert_array_equal(decoded(images.png_uri(pixels)), expected)
    np.testing.assert_array_equal(pixels, before)


def test_png_uri_takes_views():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
    np.testing.assert_array_equal(decoded(images.png_uri(pixels[::-2, ::2])), pixels[::-2, ::2])


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_png_uri_refuses_other_arrays(pixels):
    with pytest.raises(ValueError, match="a PNG needs uint8"):
        images.png_uri(pixels)


@pytest.mark.parametrize("pad", [0, 2])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("n", "cols"), [(1, 1), (6, 3), (7, 3), (2, 5)])
def test_sheet_holds_every_picture_in_reading_order(n, cols, channels, pad):
    small = np.random.default_rng(0).integers(1, 256, (n, channels, 4, 5), dtype=np.uint8)
    large = images.sheet(small, cols, pad)
    rows = -(-n // cols)
    assert large.shape == (channels, rows * (4 + pad) - pad, cols * (5 + pad) - pad) and large.dtype == np.uint8
    for i, picture in enumerate(small):
        top, left = i // cols * (4 + pad), i % cols * (5 + pad)
        np.testing.assert_array_equal(large[:, top : top + 4, left : left + 5], picture)
    assert large.astype(int).sum() == small.astype(int).sum()  # all the rest is black
    shown = decoded(images.png_uri(large))
    np.testing.assert_array_equal(shown if channels == 3 else shown[..., None], large.transpose(1, 2, 0))
