"""The classifier's benchmark: images a second of our training and of the course's pipeline, in one run."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from core import data, runs
from core.bench import grouped
from core.jobs import trainings

ROUNDS = 5  # of each, alternating; the median counts
TRAIN, TEST = 12_800, 100  # images
EPOCHS = 6  # of ours in a round; of the course's way, one counts
BATCH = 64


def measure(scratch: Path) -> dict:
    """Images a second of CNN-basic with Adam: the course's pipeline, one job of ours, two jobs at once.

    Both read the same folder of images: CIFAR-10 where it is on this machine as a folder, else MNIST as colour PNGs.
    Ours decodes it once, before the clock starts, as it does for all runs together; the course's way decodes it anew
    in every epoch, as it did.
    """
    folder = scratch / "data" / "bench"
    source = _fill(folder)
    reference, ours, pair = [], [], []
    with mock.patch.dict(os.environ, EXPLORER_DATA=str(folder.parent), EXPLORER_RUNS=str(scratch / "runs")):
        data.load("bench")
        queue = trainings.Queue(slots=2)
        try:
            for round_ in range(ROUNDS):
                reference.append(_in_fresh_process(folder))
                ours.append(_jobs(queue, [10 * round_]))
                pair.append(_jobs(queue, [10 * round_ + 1, 10 * round_ + 2]))
        finally:
            queue.shut_down()
    median = {"reference": statistics.median(reference), "ours": statistics.median(ours),
              "ours_pair": statistics.median(pair)}  # fmt: skip
    rates = {name: round(rate) for name, rate in median.items()}
    ratios = {f"ratio{end}": round(median[f"ours{end}"] / median["reference"], 2) for end in ("", "_pair")}
    return {"topic": "classifier", "unit": "images/s", "images": source, **rates, **ratios}


def row(report: dict) -> tuple[str, str, str]:
    """What it is compared with, ours, and the ratio, as the README's table has them."""
    return (f"the course's pipeline, {grouped(report['reference'])} images/s",
            f"{grouped(report['ours'])} images/s; two jobs at once {grouped(report['ours_pair'])}",
            f"{report['ratio']}; {report['ratio_pair']}")  # fmt: skip


def _fill(folder: Path) -> str:
    """Write TRAIN and TEST images in DeepDIVA's layout; returns what they are."""
    own = data.data_dir() / "cifar10"
    counts = {"train": TRAIN, "test": TEST}
    if own.is_dir():
        for split, count in counts.items():
            for kind in sorted((own / split).iterdir()):
                (folder / split / kind.name).mkdir(parents=True)
                for file in sorted(kind.iterdir())[: count // 10]:
                    shutil.copy(file, folder / split / kind.name)
        return "CIFAR-10 from a folder"
    mnist = data.load("mnist")
    for split, count in counts.items():
        images, labels = getattr(mnist, split).images[:count, 0], getattr(mnist, split).labels
        for i, image in enumerate(np.pad(images, ((0, 0), (2, 2), (2, 2)))):
            place = folder / split / str(labels[i])
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).convert("RGB").save(place / f"{i}.png")
    return "MNIST as colour PNGs"


def _in_fresh_process(folder: Path) -> float:
    """The course's pipeline in a process that is its own and inherits no settings of torch from us."""
    command = [sys.executable, "-m", "core.bench.classifier", str(folder)]
    return float(subprocess.run(command, cwd=runs.ROOT, check=True, capture_output=True, text=True).stdout)


def course_pipeline(folder: Path) -> float:
    """Images a second of the course's training written plainly, with its running loss and accuracy.

    The first epoch warms up, the second counts.
    """
    import torch
    from torch import nn
    from torchvision import datasets, transforms

    steps = [transforms.Resize((32, 32)), transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.25,) * 3)]
    images = datasets.ImageFolder(str(folder / "train"), transforms.Compose(steps))
    loader = torch.utils.data.DataLoader(images, batch_size=BATCH, shuffle=True, num_workers=2)
    model = nn.Sequential(
        nn.Conv2d(3, 24, 5, stride=3), nn.LeakyReLU(), nn.Conv2d(24, 48, 3, stride=2), nn.LeakyReLU(),
        nn.Conv2d(48, 72, 3), nn.LeakyReLU(), nn.Flatten(), nn.Linear(288, len(images.classes)),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    criterion = nn.CrossEntropyLoss()
    for _ in range(2):
        started, losses, right = time.perf_counter(), 0.0, 0
        for x, y in loader:
            answers = model(x)
            loss = criterion(answers, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses, right = losses + loss.item(), right + (answers.argmax(1) == y).sum().item()
    return len(images) / (time.perf_counter() - started)


def _jobs(queue: trainings.Queue, seeds: list[int]) -> float:
    """Images a second of one job a seed, all at once, added up."""
    from core.classifier import Config

    names = queue.submit("classifier", [Config(dataset="bench", epochs=EPOCHS, seed=seed) for seed in seeds], "bench")
    while any(runs.find(name).active for name in names):
        time.sleep(0.2)
    return sum(_speed(runs.find(name).history()) for name in names)


def _speed(history: list[dict]) -> float:
    """Images a second between records; those at the end of an epoch also took a test, which the reference does not."""
    pairs = [(a, b) for a, b in itertools.pairwise(history) if "test_accuracy" not in b]
    steps, seconds = (sum(b[key] - a[key] for a, b in pairs) for key in ("step", "seconds"))
    return BATCH * steps / seconds


if __name__ == "__main__":
    print(course_pipeline(Path(sys.argv[1])))
