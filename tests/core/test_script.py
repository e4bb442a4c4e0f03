"""The stand-alone scripts: run elsewhere, by a plain Python, they print the losses of the runs they stand for."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import itertools
import os
import pickle
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import __main__ as command_line
from core import adversarial, char_rnn, classifier, data, embeddings, gan, runs, script
from core.data import Dataset, Split, corpus
from core.data.corpus import Corpus
from core.data.dataset import describe
from core.embeddings.making import EVERY, LAST, Subject, snapshots
from core.runs import RunError, recorder
from core.script.classifier import OPTIMIZERS

ROOT = Path(__file__).parents[2]
FIRST = 3  # lines that are compared: rounding grows with every step
TOLERANCE = {"kl": 3e-4, "explained": 3e-4}  # relative; the runs measure the latter on places in float16
# Their optimizers divide by the size of the gradient; where that is nearly nothing, the rounding of a processor's
# kernels decides. Without AVX-512 their first losses differ by up to 0.16 %, and RMSprop's next one by nine.
UNSTEADY, UNSTEADY_FIRST = {"classifier rmsprop": 5e-3, "small network": 5e-3}, 2
TRAIN, TEST, CHARACTERS = 600, 60, 30_000  # of what the scripts and the runs are given here
ALLOWED = {"hashlib", "math", "numpy", "openTSNE", "safetensors", "sklearn", "string", "torch", "torchvision"}

MNIST_NET = "classifier-mnist-adam-leaky-relu-lr0.001-s42-ea7ee05d"
CIFAR10_NET = "classifier-cifar10-adam-tanh-lr0.001-s42-b7dfa76a"
SHORT = {"epochs": 2, "batch_size": 16}
LAYOUT = {"points": TEST, "perplexity": 5.0, "iterations": 20}
EPOCHS = {**LAYOUT, "iterations": 60, "epoch": EVERY}
TEXT = {"text": "own-0123456789abcdef", "hidden": 12, "batch": 100, "chunk": 60, "iterations": 20}
DIGITS = {"model": "small", "batch_size": 80, "iterations": 41, "lr": 0.002, "rate": "falling"}

CASES: dict[str, Any] = {
    **{f"classifier {name}": classifier.Config("mnist", "relu", name, 0.003, 16, 1) for name in OPTIMIZERS},
    "classifier, CIFAR-10": classifier.Config(**SHORT),
    "classifier, some images": classifier.Config("mnist", "tanh", images=250, **SHORT),
    "classifier, folder": classifier.Config("shapes", seed=1, **SHORT),
    "network for digits": embeddings.Config(**SHORT),
    "network for digits, some images": embeddings.Config(images=250, seed=7, **SHORT),
    "PCA": embeddings.Config(layout="pca", points=TEST),
    "PCA, every epoch": embeddings.Config(layout="pca", layer="conv1", epoch=EVERY, points=TEST),
    "PCA of noise": embeddings.Config(layout="pca", layer="noise", points=TEST),
    "t-SNE": embeddings.Config(layout="tsne", **LAYOUT),
    "t-SNE, every epoch": embeddings.Config(layout="tsne", layer="logits", **EPOCHS),
    "t-SNE, random, every epoch": embeddings.Config(layout="tsne", init="random", seed=3, **EPOCHS),
    "t-SNE of pixels": embeddings.Config(layout="tsne", layer="pixels", **LAYOUT),
    "t-SNE of noise": embeddings.Config(layout="tsne", layer="noise", init="random", **LAYOUT),
    "t-SNE of a classifier": embeddings.Config(layout="tsne", network=MNIST_NET, layer="conv2", epoch=1, **LAYOUT),
    "t-SNE of CIFAR-10": embeddings.Config(layout="tsne", dataset="cifar10", network=CIFAR10_NET, **LAYOUT),
    **{f"char-RNN {cell}": char_rnn.Config(cell=cell, **TEXT) for cell in ("gru", "lstm", "rnn")},
    "char-RNN, clipped": char_rnn.Config(clip=0.2, layers=1, **TEXT),
    **{f"GAN {name}": gan.Config(name, 6, batch_size=32) for name in gan.OBJECTIVES},
    "GAN, tanh, sphere": gan.Config("bce", 6, "sphere", 20, "tanh", 0.1, d_steps=2, batch_size=32, seed=5),
    "GAN, uniform, smooth": gan.Config("course", 6, "uniform", smoothing=0.1, d_steps=3, batch_size=32),
    "the course's network": adversarial.Config(batch_size=20, iterations=6),
    "PyTorch's initial weights": adversarial.Config(initial="pytorch", batch_size=20, iterations=6),
    "small network": adversarial.Config(**DIGITS),
    "small network under attack": adversarial.Config(
        epsilon=0.3, attack_steps=2, **{**DIGITS, "batch_size": 400, "iterations": 8}
    ),
}

WORD = re.compile(r"([a-z_]+)((?: +[-+.\de]*\d[-+.\de]*)+)")  # a name and its numbers

RUNNER = """
import contextlib, pathlib, runpy, sys
from torchvision.datasets import cifar
cifar.check_integrity = lambda *_: True  # what lies there is a part of CIFAR-10
for script in sorted(pathlib.Path("scripts").glob("*.py")):
    with open(script.with_suffix(".out"), "w") as out, contextlib.redirect_stdout(out):
        runpy.run_path(str(script))
print("core" in sys.modules)
"""


# The folder in which the scripts run, with images where torchvision looks for them


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder elsewhere, with images and a text; its data folder is that of the runs too."""
    home = tmp_path_factory.mktemp("home")
    (home / "scripts").mkdir()
    (home / "checkpoints").symlink_to(ROOT / "checkpoints")
    write_mnist(home / "data/MNIST/raw", mnist())
    write_cifar10(home / "data/cifar-10-batches-py", cifar10())
    write_folder(home / "data/shapes")
    (home / f"{TEXT['text']}.txt").write_text(text().text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        data.load("shapes")  # as whoever trains on it
        yield home


def mnist() -> Dataset:
    full = data.load("mnist")
    return describe("mnist", "MNIST", full.classes, head(full.train, TRAIN), head(full.test, TEST))


def cifar10() -> Dataset:
    """The embedded test images, each several times, shifted."""
    samples = data.samples("cifar10")
    images = np.concatenate([np.roll(samples.images, shift, axis=3) for shift in range(TRAIN // 20 + TEST // 20)])
    labels = np.tile(samples.labels, len(images) // 20)
    train, test = Split(images[:TRAIN], labels[:TRAIN]), Split(images[TRAIN:], labels[TRAIN:])
    return describe("cifar10", "CIFAR-10", data.CIFAR10_CLASSES, train, test)


def text() -> Corpus:
    return Corpus(TEXT["text"], "a text", corpus.load("shakespeare").text[:CHARACTERS], "0123456789abcdef")


def head(split: Split, n: int) -> Split:
    return Split(split.images[:n], split.labels[:n])


def write_mnist(folder: Path, dataset: Dataset) -> None:
    """IDX files: magic number, sizes, bytes."""
    folder.mkdir(parents=True)
    for name, split in (("train", dataset.train), ("t10k", dataset.test)):
        images, n = split.images[:, 0], len(split.labels)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx(0x803, *images.shape) + images.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx(0x801, n) + split.labels.astype(np.uint8).tobytes())


def idx(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def write_cifar10(folder: Path, dataset: Dataset) -> None:
    """The batches as torchvision reads them."""
    folder.mkdir(parents=True)
    fifths = zip(np.split(dataset.train.images, 5), np.split(dataset.train.labels, 5), strict=True)
    batches = {f"data_batch_{i}": Split(*fifth) for i, fifth in enumerate(fifths, 1)} | {"test_batch": dataset.test}
    for name, split in batches.items():
        content = {"data": split.images.reshape(len(split.labels), -1), "labels": split.labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(content))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(dataset.classes)}))


def write_folder(folder: Path) -> None:
    """Grey pictures of 21 × 21 pixels in two classes."""
    rng = np.random.default_rng(0)
    for part, label in itertools.product(("train", "test"), ("dark", "light")):
        (folder / part / label).mkdir(parents=True)
        for i in range(40 if part == "train" else 10):
            pixels = rng.integers(0, 120, (21, 21)) + (100 if label == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / part / label / f"{i:02}.png")


# What the runs record, and what the scripts print


def history(config: Any) -> list[dict[str, Any]]:
    """The records of the run of a config, on the data of this file."""
    lab = importlib.import_module(type(config).__module__)
    return [dataclasses.asdict(record) for record in lab.train(config, found(config))]


def found(config: Any) -> Any:
    """What the run of a config is trained on."""
    if isinstance(config, char_rnn.Config):
        return text()
    name = getattr(config, "dataset", "mnist")
    dataset = {"mnist": mnist, "cifar10": cifar10}.get(name, lambda: data.load(name))()
    if getattr(config, "layout", "none") == "none":
        return dataset
    network = runs.find(config.network or runs.run_name("embeddings", embeddings.Config()))
    kept = snapshots(network)
    chosen = kept if config.epoch == EVERY else [max(kept) if config.epoch == LAST else config.epoch]
    return Subject(config, dataset, network, {epoch: kept[epoch] for epoch in chosen})


@pytest.fixture(scope="module")
def printed(home: Path) -> dict[str, list[dict[str, list[float]]]]:
    """Name of a case → the lines that its script prints, as name → numbers. All scripts run in one process."""
    names = {f"{i:02}": name for i, name in enumerate(CASES)}
    for number, name in names.items():
        (home / "scripts" / f"{number}.py").write_text(script.of(CASES[name]))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run([sys.executable, "-W", "error", "-c", RUNNER], cwd=home, capture_output=True, text=True,
                           timeout=300, env={**environment, "OMP_NUM_THREADS": "1"})  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "False\n"), ended.stderr
    return {name: lines((home / "scripts" / f"{number}.out").read_text()) for number, name in names.items()}


def lines(said: str) -> list[dict[str, list[float]]]:
    """'step 25  loss 2.25' is {"step": [25.0], "loss": [2.25]}."""
    pairs = ([(name, numbers.split()) for name, numbers in WORD.findall(line)] for line in said.splitlines())
    return [{name: list(map(float, numbers)) for name, numbers in line} for line in pairs]


def compared(
    said: list[dict[str, list[float]]], records: list[dict[str, Any]], first: int = FIRST
) -> list[tuple[str, list, list]]:
    """Of the first lines that have a record: name, numbers said, numbers recorded."""
    pairs = []
    for line in said:
        keys = {"step": line.get("step", line.get("epoch"))} | {k: line[k] for k in ("iteration",) if k in line}
        there = [record for record in records if all([record[key]] == value for key, value in keys.items())]
        names = [name for name in line if name not in ("step", "epoch", "iteration")]
        values = {name: record[name] for record in there for name in names if record.get(name) is not None}
        if values:
            pairs.append([(name, line[name], np.atleast_1d(value).tolist()) for name, value in values.items()])
    return [each for pair in pairs[:first] for each in pair]


@pytest.mark.parametrize("name", CASES)
def test_a_script_prints_the_losses_of_its_run(name: str, printed: dict) -> None:
    pairs = compared(printed[name], history(CASES[name]), UNSTEADY_FIRST if name in UNSTEADY else FIRST)
    assert len(pairs) >= (1 if name.startswith("PCA") else 2)
    for what, said, recorded in pairs:
        tolerance = UNSTEADY.get(name, TOLERANCE.get(what, 1e-4))
        assert said == pytest.approx(recorded, rel=tolerance, abs=1e-6), what


@pytest.mark.parametrize("name", ["classifier adam", "char-RNN gru", "GAN bce", "small network", "t-SNE of noise"])
def test_a_run_of_another_seed_has_other_losses(name: str, printed: dict) -> None:
    pairs = compared(printed[name], history(dataclasses.replace(CASES[name], seed=1234)))
    assert any(said != pytest.approx(recorded, rel=1e-3) for _, said, recorded in pairs)


def test_a_layout_of_many_points(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    """Beyond a number of points both leave the gradient to openTSNE."""
    for module in ("core.embeddings.layouts", "core.script.layouts"):
        monkeypatch.setattr(f"{module}.EXACT_UP_TO", TEST - 1)
    config = dataclasses.replace(CASES["t-SNE"], iterations=35)
    (home / "many.py").write_text(script.of(config))
    monkeypatch.chdir(home)
    runpy.run_path("many.py")
    pairs = compared(lines(capsys.readouterr().out), history(config))
    assert len(pairs) == FIRST
    for _, said, recorded in pairs:
        assert said == pytest.approx(recorded, rel=1e-4)


# The text


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of images with names as long as can be were read before."""
    monkeypatch.setattr("core.script.parts.shape", lambda name: (1, 28) if name != "cifar10" else (3, 32))


LONG = {"seed": 2**31 - 1, "lr": 1.2345678e-06}
OF_A_CLASSIFIER = {"network": CIFAR10_NET, "dataset": "cifar10", "seed": 2**31 - 1, "perplexity": 1234.5678}
WIDEST = [
    classifier.Config("a" * 64, "leaky_relu", "sgd_momentum", images=123_456, batch_size=37, **LONG),
    embeddings.Config(dataset="a" * 64, images=123_456, batch_size=37, **LONG),
    *(embeddings.Config(layout="tsne", points=points, init=init, epoch=epoch, **OF_A_CLASSIFIER)
      for points, init, epoch in itertools.product((4000, 10_000), embeddings.INITS, (EVERY, LAST))),
    *(char_rnn.Config(text, cell, clip=0.123, batch=33, **LONG)
      for text, cell in itertools.product(("shakespeare", "own-0123456789abcdef"), char_rnn.MODULES)),
    *(gan.Config(objective, 999_999, z, 1000, output, smoothing, steps, lr_d=1e-6, lr_g=1e-6, seed=2**31 - 1)
      for objective, z, output, smoothing, steps in itertools.product(
          gan.OBJECTIVES, gan.LATENTS, gan.OUTPUTS, (0.0, 0.123), (1, 10))),
    *(adversarial.Config(model, initial, 999_999, 37, rate=rate, epsilon=epsilon, attack_steps=13, **LONG)
      for model, initial, rate, epsilon in itertools.product(
          adversarial.MODELS, adversarial.INITIALS, adversarial.RATES, (0.0, 0.123456))),
]  # fmt: skip


@pytest.mark.parametrize("about", recorder.TOPICS)
def test_a_script_is_short_and_needs_no_project(about: str, folders: None) -> None:
    configs = [config for config in WIDEST if topic(config) == about]
    assert configs
    for config in configs:
        check(script.of(config))


def check(source: str) -> None:
    """At most 60 lines of at most 100 characters; Python; imports what anybody can install."""
    assert len(source.splitlines()) <= script.LINES
    assert max(map(len, source.splitlines())) <= script.WIDTH
    assert source.endswith("\n") and "\n\n\n\n" not in source and "$" not in source
    tree = ast.parse(source)
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= ALLOWED


def topic(config: Any) -> str:
    return type(config).__module__.removeprefix("core.")


def test_every_shipped_run_has_a_script() -> None:
    shipped = runs.listing(folder=runs.shipped_dir())
    assert len(shipped) > 50
    for run in shipped:
        source = script.of(run)
        check(source)
        assert run.name in source.replace("\n", "")


def test_a_script_says_that_its_run_saw_other_images() -> None:
    assert "that one saw JPEG copies of the CIFAR-10 images" in script.of(runs.find(CIFAR10_NET)).replace("\n", " ")
    assert "that one saw" not in script.of(runs.find(MNIST_NET))


@pytest.mark.parametrize("config", CASES.values(), ids=CASES)
def test_a_command_leads_back_to_its_config(config: Any) -> None:
    assert script.config_of(runs.command(topic(config), config)) == config


@pytest.mark.parametrize("command", ["python -m core sample x --prime \"it's", "python -m core eval x", "# don't"])
def test_other_commands_train_nothing(command: str) -> None:
    assert script.config_of(command) is None


def test_what_a_layout_needs_must_be_there(home: Path) -> None:
    with pytest.raises(RunError, match="There is no run"):
        script.of(embeddings.Config(layout="pca", network="gone"))
    with pytest.raises(RunError, match="no weights of the epoch"):
        script.of(embeddings.Config(layout="pca", epoch=99))
    with pytest.raises(RunError, match="no layer 'conv9'"):
        script.of(embeddings.Config(layout="pca", layer="conv9"))
    with pytest.raises(ValueError, match="not read yet"):
        script.of(classifier.Config("unseen"))


def test_the_command_line_prints_it(capsys: pytest.CaptureFixture) -> None:
    assert command_line.main(["script", MNIST_NET]) == 0
    assert capsys.readouterr().out == script.of(runs.find(MNIST_NET))
    assert command_line.main(["script", "gone"]) == 2
    assert "There is no run 'gone'" in capsys.readouterr().err
