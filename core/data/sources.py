"""Where the data sets that are downloaded come from, and how their files are read.

CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009) comes as its author's *binary*
archive, not the Python one that torchvision takes: that one holds pickles, and unpickling runs whatever code is in the
file. The pixels are the same. Nothing of the archive is extracted to a path: named members are read, the rest ignored.

Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017) has torchvision's files, checksums and reader, but other servers: the one
that torchvision names speaks no https (torchvision 0.29).
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import data
from core.data.dataset import Dataset, Split, describe


@dataclass(frozen=True)
class File:
    """A file to download."""

    urls: tuple[str, ...]  # the same file at several places, tried in turn
    size: int  # bytes; no more is ever received
    digest: str  # "sha256:<hex>" or "md5:<hex>"

    @property
    def name(self) -> str:
        return self.urls[0].rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Source:
    """What a data set is made of."""

    files: tuple[File, ...]
    decode: Callable[[list[Path]], Dataset]  # from the files, in the order above
    unpacked: int  # bytes of disk that it takes beside the files


def decode_cifar10(files: list[Path]) -> Dataset:
    """From the archive with records of 1 label byte and 3072 pixel bytes (C, H, W); any number of records a batch.

    Raises LookupError, ValueError, EOFError or tarfile.TarError if it is not that.
    """
    batches = {}
    with tarfile.open(files[0], "r:gz") as archive:
        for member in archive:  # in the order of the archive: one pass of decompression
            if member.isfile() and member.name.endswith(".bin"):
                raw = np.frombuffer(archive.extractfile(member).read(), np.uint8)
                batches[Path(member.name).stem] = raw.reshape(-1, 1 + 3 * 32 * 32)
    train = np.concatenate([batches[f"data_batch_{number}"] for number in range(1, 6)])
    splits = _cifar10_split(train), _cifar10_split(batches["test_batch"])
    return describe("cifar10", data.title("cifar10"), data.CIFAR10_CLASSES, *splits)


def _cifar10_split(records: np.ndarray) -> Split:
    return _checked(Split(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]))


def decode_fashion_mnist(files: list[Path]) -> Dataset:
    """From train images, train labels, test images, test labels: gzipped idx files, read by torchvision.

    Raises gzip.BadGzipFile, EOFError, zlib.error, or what torchvision raises, if they are not that.
    """
    from torchvision.datasets.mnist import read_image_file, read_label_file  # takes seconds

    with tempfile.TemporaryDirectory() as folder:
        idx = [str(_gunzip(file, Path(folder))) for file in files]
        images = [read_image_file(path).numpy()[:, None] for path in idx[0::2]]  # C = 1
        labels = [read_label_file(path).numpy() for path in idx[1::2]]
    splits = (_checked(Split(x, y)) for x, y in zip(images, labels, strict=True))
    return describe("fashion-mnist", data.title("fashion-mnist"), data.FASHION_MNIST_CLASSES, *splits)


def _gunzip(file: Path, folder: Path) -> Path:
    target = folder / file.name
    with gzip.open(file) as packed, open(target, "wb") as out:
        shutil.copyfileobj(packed, out)
    return target


def _checked(split: Split) -> Split:
    """Both data sets have ten classes."""
    if not 0 < len(split.images) == len(split.labels) or not 0 <= split.labels.min() <= split.labels.max() < 10:
        raise ValueError("images and labels do not fit each other")
    return split


def _fashion_mnist(name: str, size: int, md5: str) -> File:
    servers = (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",  # the authors'
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
    )
    return File(tuple(f"{server}/{name}" for server in servers), size, f"md5:{md5}")


CIFAR10 = File(
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    170_052_171,
    "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
FASHION_MNIST = (
    _fashion_mnist("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    _fashion_mnist("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
    _fashion_mnist("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
    _fashion_mnist("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
)
SOURCES = {
    "cifar10": Source((CIFAR10,), decode_cifar10, unpacked=185_000_000),
    "fashion-mnist": Source(FASHION_MNIST, decode_fashion_mnist, unpacked=56_000_000),
}
