"""The data sets: what is in them, what is said about folders that are none, and a cache that heals itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import data
from core.data import folder
from core.data.dataset import Split, describe

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty data folder."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    data.forget()
    yield tmp_path
    data.forget()


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(tmp_path_factory.mktemp("data")))
        return data.load("mnist")


def picture(path: Path, colour: int | tuple[int, ...] = 0, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(path)


def pets(home: Path, **options) -> Path:
    """A folder data set: 3 cats (grey level 10, 11, 12) and 1 dog (20) to train on, one of each to test on."""
    for number in range(3):
        picture(home / f"pets/train/cat/{number}.png", 10 + number, **options)
    picture(home / "pets/train/dog/0.png", 20, **options)
    picture(home / "pets/test/cat/0.png", 30, **options)
    picture(home / "pets/test/dog/0.png", 40, **options)
    return home / "pets"


def is_mapped(array: np.ndarray) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


# MNIST and the samples


def test_mnist_is_all_of_it(mnist):
    assert (mnist.name, mnist.title, mnist.classes, mnist.note) == ("mnist", "MNIST", tuple("0123456789"), "")
    assert mnist.train.images.shape == (60000, 1, 28, 28) and mnist.test.images.shape == (10000, 1, 28, 28)
    assert mnist.train.images.dtype == np.uint8 and mnist.train.labels.dtype == np.int64
    train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(mnist.train.labels).tolist() == train and np.bincount(mnist.test.labels).tolist() == test


def test_mnist_identity_is_what_recorded_runs_name(mnist):
    assert mnist.identity == "4ef0feca29656d58"


def test_mean_and_std_are_the_well_known_ones(mnist):
    assert mnist.mean == pytest.approx([0.1307], abs=1e-4) and mnist.std == pytest.approx([0.3081], abs=1e-4)


def test_mean_and_std_are_numpys():
    images = np.random.default_rng(0).integers(0, 256, (2500, 3, 4, 4)) // [[[1]], [[2]], [[3]]]  # N, C, H, W
    found = describe("x", "X", ("x",), *2 * [Split(images, np.zeros(2500))])
    np.testing.assert_allclose(found.mean, (images / 255).mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(found.std, (images / 255).std((0, 2, 3)), rtol=1e-12)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("field", ["images", "labels"])
def test_arrays_are_mapped_and_read_only(mnist, part, field):
    array = getattr(getattr(mnist, part), field)
    assert is_mapped(array) and type(array) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_samples_are_the_first_cifar10_test_images():
    samples = data.samples("cifar10")
    assert samples.images.shape == (20, 3, 32, 32) and samples.images.dtype == np.uint8
    assert samples.labels.tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1, 0, 9, 5, 7, 9, 8, 5, 7, 8, 6]
    with pytest.raises(ValueError, match="no embedded samples of 'mnist'"):
        data.samples("mnist")


# What there is


def test_names_lists_built_in_ones_then_folders(home):
    pets(home)
    for name in ("Pets", "-x", "a b", "a" * 65, ".cache", "ünï", "runs.old"):
        (home / name / "train").mkdir(parents=True)
    (home / "no_data").mkdir()
    (home / "mnist" / "train").mkdir(parents=True)
    assert data.names() == ["mnist", "cifar10", "fashion-mnist", "pets"]
    assert [data.available(name) for name in data.names()] == [True, False, False, True]


@pytest.mark.parametrize(
    "name", ["../pets", "/etc", "pets\n", "pets/train", "", ".", "a\0b", "PETS", "a" * 300, "dogs"]
)
def test_unknown_and_bad_names_are_refused(home, name):
    pets(home)
    assert not data.available(name)
    with pytest.raises(ValueError, match="Known: mnist, cifar10, fashion-mnist, pets"):
        data.load(name)


@pytest.mark.parametrize("name", ["cifar10", "fashion-mnist"])
def test_missing_data_says_how_to_get_it_and_what_works(home, name):
    with pytest.raises(data.DataMissing) as caught:
        data.load(name)
    assert f"python -m core fetch {name}" in str(caught.value) and "MNIST" in str(caught.value)


def test_data_dir_is_in_the_project_unless_told(monkeypatch):
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    assert data.data_dir() == ROOT / "data"


# Folders


def test_a_folder_is_a_data_set_in_sorted_order(home):
    pets(home)
    pet = data.load("pets")
    assert pet.classes == ("cat", "dog") and pet.train.images.shape == (4, 1, 8, 8)
    assert pet.train.images[:, 0, 0, 0].tolist() == [10, 11, 12, 20] and pet.train.labels.tolist() == [0, 0, 0, 1]
    assert pet.test.images[:, 0, 0, 0].tolist() == [30, 40] and pet.test.labels.tolist() == [0, 1]
    assert is_mapped(pet.train.images)


def test_one_colour_image_makes_all_colour(home):
    picture(pets(home) / "test/dog/1.png", (1, 2, 3))
    pet = data.load("pets")
    assert pet.train.images.shape == (4, 3, 8, 8) and len(pet.mean) == len(pet.std) == 3
    assert pet.test.images[2, :, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("size", "other", "side"),
    [
        ((8, 8), (8, 8), 8),
        ((32, 32), (32, 32), 32),
        ((8, 8), (9, 9), 32),
        ((8, 9), (8, 9), 32),
        ((40, 40), (99, 50), 32),
    ],
)
def test_sizes_stay_only_if_all_are_one_small_square(home, size, other, side):
    picture(pets(home, size=size) / "train/dog/1.png", 50, size=other)
    pet = data.load("pets")
    assert pet.train.images.shape == (5, 1, side, side)
    assert pet.train.images[:, 0, 0, 0].tolist() == [10, 11, 12, 20, 50]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda pets: shutil.rmtree(pets / "test"), "has no test folder"),
        (lambda pets: shutil.rmtree(pets / "train"), "has no train folder"),
        (lambda pets: shutil.rmtree(pets / "test/dog"), "same classes.*dog"),
        (lambda pets: picture(pets / "train/owl/0.png"), "same classes.*owl"),
        (lambda pets: (pets / "test/dog/0.png").unlink(), "no images in .*test/dog"),
        (lambda pets: [shutil.rmtree(pets / "test" / name) for name in ("cat", "dog")], "no images in .*test"),
        (lambda pets: (pets / "train/cat/1.png").write_bytes(b"not an image"), "train/cat/1.png cannot be used"),
        (lambda pets: (pets / "train/cat/1.png").write_bytes(b""), "train/cat/1.png cannot be used"),
        (lambda pets: (pets / "train/cat/3.png").mkdir(), "train/cat/3.png cannot be used"),
        (lambda pets: (pets / "train/cat/3.png").symlink_to("nowhere"), "train/cat/3.png cannot be read"),
    ],
)
def test_a_folder_that_is_no_data_set_says_why(home, spoil, sentence):
    spoil(pets(home))
    with pytest.raises(ValueError, match=sentence):
        data.load("pets")


def test_hidden_and_other_files_do_not_count(home):
    for name in ("train/.git/x.png", "train/cat/.hidden.png", "train/cat/notes.txt", "train/readme.md"):
        (pets(home) / name).parent.mkdir(exist_ok=True)
        (home / "pets" / name).write_text("no image")
    assert len(data.load("pets").train.images) == 4


@pytest.mark.parametrize(("suffix", "note"), [("jpg", "JPEG copies of the CIFAR-10 images"), ("png", "")])
def test_cifar10_from_a_folder(home, suffix, note):
    for split in ("train", "test"):
        for label in data.CIFAR10_CLASSES:
            picture(home / f"cifar10/{split}/{label}/0000.{suffix}", (9, 9, 9), size=(32, 32))
    found = data.load("cifar10")
    assert (found.note, found.title, found.classes) == (note, "CIFAR-10", data.CIFAR10_CLASSES)
    assert found.train.labels.tolist() == list(range(10))


def test_a_folder_called_cifar10_must_be_cifar10(home):
    pets(home).rename(home / "cifar10")
    with pytest.raises(ValueError, match="must have the classes airplane"):
        data.load("cifar10")


# The cache


def cache_of(home: Path) -> Path:
    (folder,) = (home / ".cache").glob("pets-*")
    return folder


def decodings(monkeypatch) -> list[str]:
    """The names of the data sets decoded from now on."""
    seen, decode = [], folder._decode

    def counting(name, *rest, **options):
        seen.append(name)
        return decode(name, *rest, **options)

    monkeypatch.setattr(folder, "_decode", counting)
    return seen


def test_a_folder_is_decoded_once_and_again_when_it_changes(home, monkeypatch):
    pets(home)
    seen = decodings(monkeypatch)
    first = data.load("pets")
    assert data.load("pets") is first
    data.forget()
    assert data.load("pets").identity == first.identity and seen == ["pets"]
    picture(home / "pets/train/cat/1.png", 99)
    data.forget()
    assert data.load("pets").identity != first.identity and seen == ["pets", "pets"]
    assert cache_of(home)  # the older one is gone


def meta(folder: Path, **changes) -> None:
    (folder / "meta.json").write_text(json.dumps(json.loads((folder / "meta.json").read_text()) | changes))


def flip_a_bit(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cache: (cache / "meta.json").unlink(),
        lambda cache: (cache / "meta.json").write_text("{"),
        lambda cache: (cache / "meta.json").write_text("[]"),
        lambda cache: (cache / "test_labels.npy").unlink(),
        lambda cache: (cache / "train_images.npy").write_bytes(b""),
        lambda cache: (cache / "train_images.npy").write_bytes((cache / "train_images.npy").read_bytes()[:-5]),
        lambda cache: flip_a_bit(cache / "train_images.npy"),
        lambda cache: shutil.copy(cache / "test_images.npy", cache / "train_images.npy"),
        lambda cache: meta(cache, format=0),
        lambda cache: meta(cache, classes=["dog", "cat"]),
    ],
)
def test_a_damaged_cache_is_made_again(home, monkeypatch, spoil):
    pets(home)
    good = data.load("pets")
    seen = decodings(monkeypatch)
    spoil(cache_of(home))
    data.forget()
    again = data.load("pets")
    assert seen == ["pets"] and again.identity == good.identity and is_mapped(again.train.images)
    data.forget()
    assert data.load("pets").identity == good.identity and seen == ["pets"]


def test_what_a_killed_process_left_half_written_is_removed(home):
    pets(home)
    data.load("pets")
    half = cache_of(home).with_name(f".{cache_of(home).name}-x1_y")
    old = half.with_name(".pets-0123456789abcdef-x1_y")
    half.mkdir()
    old.mkdir()
    (cache_of(home) / "meta.json").unlink()
    data.forget()
    data.load("pets")
    assert not half.exists() and not old.exists()


def test_without_a_place_to_write_arrays_stay_in_memory(home, monkeypatch):
    pets(home)
    (home / ".cache").write_text("a file where the cache should be")
    pet = data.load("pets")
    assert not is_mapped(pet.train.images) and pet.train.images.shape == (4, 1, 8, 8)
    with pytest.raises(ValueError, match="read-only"):
        pet.train.images[0] = 1


def test_a_full_disk_leaves_no_half_cache(home, monkeypatch):
    pets(home)
    monkeypatch.setattr("core.data.dataset._write_files", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full")))
    assert len(data.load("pets").train.images) == 4
    assert [path.name for path in (home / ".cache").iterdir()] == [".pets.lock"]


def test_many_threads_decode_once(home, monkeypatch):
    pets(home)
    seen, found = decodings(monkeypatch), []
    threads = [threading.Thread(target=lambda: found.append(data.load("pets"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["pets"] and len(found) == 8 and all(each is found[0] for each in found)


def test_two_processes_decode_once(home):
    pets(home)
    script = (
        "from core import data; decode = data.folder._decode\n"
        "data.folder._decode = lambda *rest, **options: print('decoded') or decode(*rest, **options)\n"
        "print(data.load('pets').identity)"
    )
    command = [sys.executable, "-c", script]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = "".join(process.communicate(timeout=60)[0] for process in processes).split()
    assert lines.count("decoded") == 1 and len(lines) == 3 and len(set(lines)) == 2
