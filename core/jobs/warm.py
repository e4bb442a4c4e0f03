"""Imports that cost seconds, made before somebody waits for them.

A process that serves or trains calls these once, early. Each does one tiny piece of real work as well, because torch
imports much of itself only at the first use.
"""

from __future__ import annotations


def inference() -> None:
    """Load torch and run a small convolution forwards and backwards.

    One intra-op thread from here on, for this thread and for those started later: many viewers share few cores, and a
    picture's numbers then don't depend on how many cores there are.
    """
    import torch

    torch.set_num_threads(1)
    images = torch.zeros(1, 1, 8, 8, requires_grad=True)
    torch.nn.Conv2d(1, 1, 3)(images).sum().backward()


def drawing() -> None:
    """Load pandas and Altair. Altair looks at pandas in passing and fails while another thread is importing it."""
    import altair  # noqa: F401
    import pandas  # noqa: F401


def training() -> None:
    """Take an optimizer's first step, which imports torch._dynamo (about 900 modules)."""
    import torch

    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([weight])
    (weight * weight).sum().backward()
    optimizer.step()


def layouts() -> None:
    """Lay out a handful of points, which loads scikit-learn and openTSNE."""
    import numpy as np

    from core.embeddings import layouts

    list(layouts.tsne(np.eye(20, dtype=np.float32), perplexity=3, iterations=1))


def extras() -> None:
    """Load what only some pages need: torchvision's data sets, nearest neighbours from scikit-learn, layouts."""
    import sklearn.neighbors  # noqa: F401
    import torchvision  # noqa: F401

    layouts()


def neighbours(count: int) -> None:
    """Work out the neighbours that the embeddings page opens with: two seconds that its first viewer need not wait."""
    from core import runs
    from core.embeddings import EVERY, Config, reading

    run = runs.of("embeddings", Config("tsne", epoch=EVERY))
    for step in run.steps if run else ():
        reading.nearest(run, count, step)
