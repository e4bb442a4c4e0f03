"""Data sets that are folders of images: <folder>/{train,test}/<class>/*.{png,jpg,jpeg}, DeepDIVA's layout.

Letters for shapes: N images, C channels (1 grey, 3 colour), H height, W width.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from core import images
from core.data.dataset import Dataset, Split, cached, describe

SUFFIXES = (".png", ".jpg", ".jpeg")
SIDE = 32  # pixels: folder images of mixed or larger sizes are brought to SIDE × SIDE
Classes = dict[str, list[os.DirEntry]]  # of a split: name → image files


def load(folder: Path, title: str, expected: tuple[str, ...] = ()) -> Dataset:
    """The data set of a folder, from the cache beside it if no file in the folder has changed since.

    Args:
        folder: its name becomes that of the data set.
        title: for people.
        expected: the names of its classes, where the images are copies of a known data set's.

    Raises:
        ValueError: the folder is not a data set; a sentence says why.
    """
    try:
        train, test = (_list_classes(folder, split) for split in ("train", "test"))
        fingerprint = _fingerprint(train, test)
    except OSError as error:  # no permission, a dangling link
        raise ValueError(f"{error.filename} cannot be read ({error.strerror}): repair or delete it.") from error
    if differ := train.keys() ^ test.keys():
        found = ", ".join(sorted(differ))
        raise ValueError(f"{folder}: train and test must have the same classes, but only one of them has {found}.")
    if expected and tuple(train) != expected:
        raise ValueError(f"{folder} must have the classes {', '.join(expected)}, not {', '.join(train)}.")
    target = folder.parent / ".cache" / f"{folder.name}-{fingerprint}"
    dataset = cached(target, lambda: _decode(folder.name, title, train, test, is_copy=bool(expected)))
    _remove_older(target, folder.name)
    return dataset


def _list_classes(folder: Path, split: str) -> Classes:
    """Class name → its image files; both sorted by name, hidden ones left out."""
    where = folder / split
    if not where.is_dir():
        raise ValueError(f"{folder} has no {split} folder: expected {where}/<class>/*.png or *.jpg.")
    folders = [entry for entry in _sorted_entries(where) if entry.is_dir()]
    classes = {
        entry.name: [file for file in _sorted_entries(entry.path) if file.name.lower().endswith(SUFFIXES)]
        for entry in folders
    }
    if not all(classes.values()) or not classes:
        empty = next((where / name for name, files in classes.items() if not files), where)
        raise ValueError(f"There are no images in {empty}: expected {where}/<class>/*.png or *.jpg.")
    return classes


def _sorted_entries(folder: str | Path) -> list[os.DirEntry]:
    return sorted((e for e in os.scandir(folder) if not e.name.startswith(".")), key=lambda entry: entry.name)


def _fingerprint(*splits: Classes) -> str:
    """16 hex digits that change with every file added, removed, renamed or rewritten (name, size, time of writing)."""
    digest = hashlib.sha256()
    for classes in splits:
        for label, files in classes.items():
            stats = [(file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
            digest.update(repr((label, stats)).encode())
    return digest.hexdigest()[:16]


def _remove_older(target: Path, name: str) -> None:
    """Remove what was cached of earlier contents of the folder; processes that use it keep their mapped arrays."""
    older = re.compile(rf"\.?{re.escape(name)}-[0-9a-f]{{16}}(-\w+)?")  # with what a killed process left half written
    for folder in target.parent.glob("*"):
        if older.fullmatch(folder.name) and not folder.name.strip(".").startswith(target.name):
            shutil.rmtree(folder, ignore_errors=True)


def _decode(name: str, title: str, train: Classes, test: Classes, is_copy: bool) -> Dataset:
    files = [Path(file.path) for classes in (train, test) for group in classes.values() for file in group]
    with ThreadPoolExecutor(2) as pool:
        pixels = stack(list(pool.map(read_image, files)))
    y_train, y_test = (np.repeat(np.arange(len(c)), [len(group) for group in c.values()]) for c in (train, test))
    splits = Split(pixels[: len(y_train)], y_train), Split(pixels[len(y_train) :], y_test)
    jpeg = any(file.suffix.lower() != ".png" for file in files)
    note = f"JPEG copies of the {title} images" if is_copy and jpeg else ""
    return describe(name, title, tuple(train), *splits, note)


def read_image(path: Path) -> Image.Image:
    """The image, grey ("L") or colour ("RGB"), upright, brought to SIDE × SIDE if it is larger."""
    try:
        image = images.load(path.read_bytes(), name=path.name)
    except (OSError, images.ImageError) as error:
        raise ValueError(f"{path} cannot be used, replace or delete it: {error}") from error
    return image if max(image.size) <= SIDE else _resize(image)


def _resize(image: Image.Image) -> Image.Image:
    return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)  # averages over all pixels when it shrinks


def stack(pictures: list[Image.Image]) -> np.ndarray:
    """uint8 (N, C, H, W): colour if any image is, SIDE × SIDE unless all are squares of one size."""
    sizes = {picture.size for picture in pictures}
    mode = "RGB" if any(picture.mode == "RGB" for picture in pictures) else "L"
    if len(sizes) > 1 or any(width != height for width, height in sizes):
        pictures = [picture if picture.size == (SIDE, SIDE) else _resize(picture) for picture in pictures]
    pixels = np.stack([np.atleast_3d(np.asarray(picture.convert(mode))) for picture in pictures])  # (N, H, W, C)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))  # (N, C, H, W)
