"""Data sets as uint8 arrays: MNIST embedded, CIFAR-10 and Fashion-MNIST downloaded, any folder of images.

    <data>/<name>/{train,test}/<class>/*.{png,jpg,jpeg}     a folder data set (DeepDIVA's layout)
    <data>/.cache/<name>-<key>/                             the decoded arrays (core/data/dataset.py)

Letters for shapes: N images, C channels (1 grey, 3 colour), H height, W width.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from core import images
from core.data.dataset import Dataset, Split, cached, describe, frozen, read

__all__ = ["DataMissing", "Dataset", "Split", "available", "data_dir", "forget", "load", "names", "samples", "title"]

EMBEDDED = Path(__file__).resolve().parents[1] / "embedded"
FOLDER = Path(__file__).resolve().parents[2] / "data"  # unless $EXPLORER_DATA names another
TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10", "fashion-mnist": "Fashion-MNIST"}
DOWNLOADS = ("cifar10", "fashion-mnist")  # core/data/download.py knows where they come from
MNIST_CLASSES = tuple("0123456789")
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SUFFIXES = (".png", ".jpg", ".jpeg")
SIDE = 32  # pixels: folder images of mixed or larger sizes are brought to SIDE × SIDE


class DataMissing(RuntimeError):
    """A known data set is not on this machine. The message says how to get it and what works without it."""


# What there is


def data_dir() -> Path:
    """The data folder: $EXPLORER_DATA, or ``data`` under the project root. It need not exist."""
    return Path(os.environ.get("EXPLORER_DATA") or FOLDER).expanduser().absolute()


def names() -> list[str]:
    """The built-in data sets, then every folder data set in ``data_dir()``, sorted."""
    try:
        found = sorted(entry.name for entry in os.scandir(data_dir()) if _is_folder_set(entry.name))
    except OSError:  # no data folder
        found = []
    return [*TITLES, *(name for name in found if name not in TITLES)]


def title(name: str) -> str:
    """The name to show; of a folder data set, the name itself."""
    return TITLES.get(name, name)


def available(name: str) -> bool:
    """Whether ``load(name)`` has something to load. Looks at folder names only."""
    return name == "mnist" or _is_downloaded(name) or (name != "fashion-mnist" and _is_folder_set(name))


def decoded(name: str) -> bool:
    """Whether ``load(name)`` is quick: the decoded arrays are on disk, as far as file names tell."""
    return name == "mnist" or any((data_dir() / ".cache").glob(f"{name}-*/meta.json"))


def original(name: str) -> Path:
    """The cache folder of a downloaded data set, whether it is there or not."""
    return data_dir() / ".cache" / f"{name}-original"


def _is_downloaded(name: str) -> bool:
    return name in DOWNLOADS and (original(name) / "meta.json").is_file()


def _is_folder_set(name: str) -> bool:
    """Whether the name is allowed and its folder has a train or test folder inside."""
    return bool(NAME.fullmatch(name)) and any((data_dir() / name / split).is_dir() for split in ("train", "test"))


# Loading

_LOADED: dict[tuple[Path, str, bool], Dataset] = {}
_LOCKS: dict[tuple[Path, str, bool], threading.Lock] = {}


def load(name: str) -> Dataset:
    """The data set ``name``, decoded at most once: further calls and other processes share the decoded arrays.

    Images are uint8 (N, C, H, W) in [0, 255], labels int64 (N,). Folder images are sorted by class, then file name;
    they become colour if any is colour, and keep their size if all are squares of one size up to 32×32, else all are
    resized to 32×32. A folder that changed after it was loaded is seen by the next process, or after ``forget()``.

    Raises:
        DataMissing: CIFAR-10 or Fashion-MNIST is not on this machine.
        ValueError: the name is unknown, or the folder is not a data set (the message says why).
    """
    key = (data_dir(), name, _is_downloaded(name))  # a finished download takes the place of a folder at once
    with _LOCKS.setdefault(key, threading.Lock()):
        if key not in _LOADED:
            _LOADED[key] = _load(name)
        return _LOADED[key]


def forget() -> None:
    """Empty this process's memory of loaded data sets, so that the next ``load`` looks at the disk again."""
    _LOADED.clear()


def _load(name: str) -> Dataset:
    if name == "mnist":
        return cached(data_dir() / ".cache" / "mnist-embedded", _decode_mnist)
    if _is_downloaded(name):
        if found := read(original(name)):
            return found
        raise DataMissing(f"The downloaded {title(name)} is damaged. {_how_to_get(name)}")
    if name != "fashion-mnist" and _is_folder_set(name):
        return _load_folder(name)
    if name in DOWNLOADS:
        raise DataMissing(f"{title(name)} is not on this machine. {_how_to_get(name)}")
    raise ValueError(f"There is no data set {name!r}. Known: {', '.join(names())}.")


def _how_to_get(name: str) -> str:
    folder = f", or fill {data_dir() / name}/{{train,test}}/<class>/ with its images" if name == "cifar10" else ""
    return f"Run `python -m core fetch {name}`{folder}; MNIST and every recorded run work without it."


def _decode_mnist() -> Dataset:
    with np.load(EMBEDDED / "mnist.npz") as raw:
        train, test = (Split(raw[f"x_{part}"][:, None], raw[f"y_{part}"]) for part in ("train", "test"))  # C = 1
    return describe("mnist", "MNIST", MNIST_CLASSES, train, test)


@cache
def samples(name: str) -> Split:
    """The 20 embedded images of ``"cifar10"``: the first of its test set, lossless, uint8 (20, 3, 32, 32)."""
    if name != "cifar10":
        raise ValueError(f"There are no embedded samples of {name!r}, only of 'cifar10'.")
    files = sorted((EMBEDDED / "cifar10_samples").glob("*.png"))
    labels = np.array([int(file.stem.split("_")[-1]) for file in files])
    return frozen(_stack([_read_image(file) for file in files]), labels)


# Folders of images


def _load_folder(name: str) -> Dataset:
    """The folder data set, from the cache if no file in the folder has changed since."""
    folder = data_dir() / name
    try:
        train, test = (_list_classes(folder, split) for split in ("train", "test"))
        fingerprint = _fingerprint(train, test)
    except OSError as error:  # no permission, a dangling link
        raise ValueError(f"{error.filename} cannot be read ({error.strerror}): repair or delete it.") from error
    if differ := train.keys() ^ test.keys():
        found = ", ".join(sorted(differ))
        raise ValueError(f"{folder}: train and test must have the same classes, but only one of them has {found}.")
    if name == "cifar10" and tuple(train) != CIFAR10_CLASSES:
        raise ValueError(f"{folder} must have the classes {', '.join(CIFAR10_CLASSES)}, not {', '.join(train)}.")
    target = data_dir() / ".cache" / f"{name}-{fingerprint}"
    dataset = cached(target, lambda: _decode_folder(name, train, test))
    _remove_older(target, name)
    return dataset


def _list_classes(folder: Path, split: str) -> dict[str, list[os.DirEntry]]:
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


def _fingerprint(*splits: dict[str, list[os.DirEntry]]) -> str:
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


def _decode_folder(name: str, train: dict[str, list[os.DirEntry]], test: dict[str, list[os.DirEntry]]) -> Dataset:
    files = [Path(file.path) for classes in (train, test) for group in classes.values() for file in group]
    with ThreadPoolExecutor(2) as pool:
        pixels = _stack(list(pool.map(_read_image, files)))
    y_train, y_test = (np.repeat(np.arange(len(c)), [len(group) for group in c.values()]) for c in (train, test))
    splits = Split(pixels[: len(y_train)], y_train), Split(pixels[len(y_train) :], y_test)
    jpeg = any(file.suffix.lower() != ".png" for file in files)
    note = "JPEG copies of the CIFAR-10 images" if name == "cifar10" and jpeg else ""
    return describe(name, title(name), tuple(train), *splits, note)


def _read_image(path: Path) -> Image.Image:
    """The image, grey ("L") or colour ("RGB"), upright, brought to SIDE × SIDE if it is larger."""
    try:
        image = images.load(path.read_bytes(), name=path.name)
    except (OSError, images.ImageError) as error:
        raise ValueError(f"{path} cannot be used, replace or delete it: {error}") from error
    return image if max(image.size) <= SIDE else _resize(image)


def _resize(image: Image.Image) -> Image.Image:
    return image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)  # averages over all pixels when it shrinks


def _stack(pictures: list[Image.Image]) -> np.ndarray:
    """uint8 (N, C, H, W): colour if any image is, SIDE × SIDE unless all are squares of one size."""
    sizes = {picture.size for picture in pictures}
    mode = "RGB" if any(picture.mode == "RGB" for picture in pictures) else "L"
    if len(sizes) > 1 or any(width != height for width, height in sizes):
        pictures = [picture if picture.size == (SIDE, SIDE) else _resize(picture) for picture in pictures]
    pixels = np.stack([np.atleast_3d(np.asarray(picture.convert(mode))) for picture in pictures])  # (N, H, W, C)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))  # (N, C, H, W)
