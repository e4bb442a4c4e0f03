"""Data sets as uint8 arrays: MNIST embedded, CIFAR-10 and Fashion-MNIST downloaded, any folder of images.

Beside this file: folders of images (folder), downloads (download, with transfer and sources), arrays and their cache on
disk (dataset), and texts (corpus, with the characters of vocabulary).

    <data>/<name>/{train,test}/<class>/*.{png,jpg,jpeg}     a folder data set (DeepDIVA's layout)
    <data>/.cache/<name>-<key>/                             the decoded arrays (core/data/dataset.py)

Letters for shapes: N images, C channels (1 grey, 3 colour), H height, W width.
"""

from __future__ import annotations

import os
import re
import threading
from functools import cache
from pathlib import Path

import numpy as np

from core.data import folder
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
        return folder.load(data_dir() / name, title(name), CIFAR10_CLASSES if name == "cifar10" else ())
    if name in DOWNLOADS:
        raise DataMissing(f"{title(name)} is not on this machine. {_how_to_get(name)}")
    raise ValueError(f"There is no data set {name!r}. Known: {', '.join(names())}.")


def _how_to_get(name: str) -> str:
    or_fill = f", or fill {data_dir() / name}/{{train,test}}/<class>/ with its images" if name == "cifar10" else ""
    return f"Run `python -m core fetch {name}`{or_fill}; MNIST and every recorded run work without it."


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
    return frozen(folder.stack([folder.read_image(file) for file in files]), labels)
