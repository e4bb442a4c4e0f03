"""What a data set is (arrays with an identity) and its cache on disk: decoded once, then shared by all processes.

    <folder>/{train,test}_{images,labels}.npy       the arrays, memory-mapped when read
    <folder>/meta.json                              everything else

A cache folder appears whole or not at all (temporary folder, fsync, rename), and what is read is checked against its
identity, so that a damaged one is noticed and made again (reading 180 MB for that takes 0.1 s on 2 cores, Nov 2026).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FORMAT = 1  # raise it when decoding changes: older caches are then decoded again
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
FIELDS = ("name", "title", "classes", "identity", "note", "mean", "std")


@dataclass(frozen=True)
class Split:
    """Images with their labels; both arrays are read-only and, where possible, mapped from the cache on disk."""

    images: np.ndarray  # uint8 (N, C, H, W)
    labels: np.ndarray  # int64 (N,), index into Dataset.classes


@dataclass(frozen=True)
class Dataset:
    """A data set with a training and a test split; equal ``identity`` means equal pixels, labels and class names."""

    name: str
    title: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    identity: str  # first 16 hex digits of a sha256 over class names and decoded arrays
    note: str  # what a reader of results must know, or ""
    mean: tuple[float, ...]  # per channel over train, of pixels in [0, 1]
    std: tuple[float, ...]


def describe(name: str, title: str, classes: tuple[str, ...], train: Split, test: Split, note: str = "") -> Dataset:
    """The Dataset of arrays in memory, with identity, mean and std. Images (N, C, H, W) uint8, labels (N,) integers."""
    train, test = frozen(train.images, train.labels), frozen(test.images, test.labels)
    return Dataset(name, title, classes, train, test, _identity(classes, train, test), note, *_moments(train.images))


def frozen(images: np.ndarray, labels: np.ndarray) -> Split:
    """A read-only Split: images as uint8, labels as int64, both contiguous."""
    split = Split(np.ascontiguousarray(images, np.uint8), np.ascontiguousarray(labels, np.int64))
    split.images.flags.writeable = split.labels.flags.writeable = False
    return split


def _identity(classes: tuple[str, ...], *splits: Split) -> str:
    digest = hashlib.sha256(json.dumps(classes).encode())
    for split in splits:
        for array in (split.images, split.labels):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.data)
    return digest.hexdigest()[:16]


def _moments(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel of pixels scaled to [0, 1], exact (from counts of the 256 values)."""
    counts = np.zeros((images.shape[1], 256), np.int64)  # (C, 256)
    for start in range(0, len(images), 1000):
        for channel, count in enumerate(counts):
            count += np.bincount(images[start : start + 1000, channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = counts @ values / counts.sum(1)
    std = np.sqrt(np.maximum(counts @ values**2 / counts.sum(1) - mean**2, 0))
    return tuple(mean.tolist()), tuple(std.tolist())


# On disk


def cached(folder: Path, decode: Callable[[], Dataset]) -> Dataset:
    """The data set in ``folder``, decoded into it first if it is absent or damaged; in memory if none can be written.

    The folder is called <data set>-<key>; one process at a time decodes a data set, and the others then find it done.
    """
    if found := read(folder):
        return found
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # nowhere to write: nothing to lock either
            stack.enter_context(locked(folder.parent / f".{folder.name.rsplit('-', 1)[0]}.lock"))
        if found := read(folder):  # another process was faster
            return found
        dataset = decode()
        with contextlib.suppress(OSError):
            write(folder, dataset)
        return read(folder) or dataset


def read(folder: Path) -> Dataset | None:
    """The data set in ``folder``, memory-mapped; None if it is absent, damaged or of another format."""
    try:
        meta = json.loads((folder / "meta.json").read_text())
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in ARRAYS]
        train, test = Split(*arrays[:2]), Split(*arrays[2:])
        fields = {name: tuple(meta[name]) if isinstance(meta[name], list) else meta[name] for name in FIELDS}
        sound = meta["format"] == FORMAT and meta["identity"] == _identity(fields["classes"], train, test)
        return Dataset(train=train, test=test, **fields) if sound else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None


def write(folder: Path, dataset: Dataset) -> None:
    """Write ``dataset`` to ``folder``, whole or not at all. Raises OSError where that fails (read-only, disk full).

    One writer at a time a folder: hold a lock. Processes that have the old arrays mapped keep them.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in folder.parent.glob(f".{folder.name}-*"):  # of a writer that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        temporary.chmod(0o755)  # mkdtemp's 0700 would hide the cache from other users
        _write_files(temporary, dataset)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_files(folder: Path, dataset: Dataset) -> None:
    arrays = (dataset.train.images, dataset.train.labels, dataset.test.images, dataset.test.labels)
    for name, array in zip(ARRAYS, arrays, strict=True):
        with open(folder / f"{name}.npy", "wb") as file:
            np.save(file, array)
            file.flush()
            os.fsync(file.fileno())
    meta = {"format": FORMAT} | {name: getattr(dataset, name) for name in FIELDS}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the only lock on the file ``path`` among all threads and processes. It ends with its holder, even killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
