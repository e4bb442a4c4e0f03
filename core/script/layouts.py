"""The scripts of layouts: PCA or t-SNE of what a recorded network makes of the first test images, by the libraries.

They read the network's weights from its run, as retrained ones would differ in the last digits, which t-SNE amplifies.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from core import digits, runs
from core.classifier import ACTIVATIONS
from core.embeddings import Config
from core.embeddings.layouts import EARLY, EXACT_UP_TO, FRAME_EVERY, JITTER, SPREAD
from core.embeddings.making import EVERY, LAST, NOISE, SIGN_OF_LIFE, snapshots
from core.runs import Run, RunError, recorder
from core.script.parts import fill, network, number, root, test_images

TITLES = {"pca": "PCA", "tsne": "t-SNE"}

LAYOUT = """
$imports

$settings

$images
$making

np.savetxt("layout.csv", np.column_stack([labels, places]), "%g", ",")  # class, x, y of each image
"""

# What is laid out, ``features`` (POINTS, D), of ``images``

RECORDED = """
weights = load_file(f"{NETWORK}/snapshots/$step.safetensors")
mean, std = (weights.pop(f"0.{name}").float().flatten() for name in ("mean", "std"))
model = nn.Sequential(
    $layers
)
model.load_state_dict(weights)
features = model[:$end](images).detach().flatten(1).double().numpy()
"""
FROM_PIXELS = "features = images.flatten(1).double().numpy()"
FROM_NOISE = "features = torch.randn(POINTS, $width, generator=rng).double().numpy()"

STREAM = """
digest = hashlib.sha256(f"{SEED}/$purpose".encode()).digest()  # every purpose has its random numbers
rng = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
$drawn
"""
JITTERING = "jitter = torch.randn(POINTS, 2, generator=rng, dtype=torch.float64).numpy()"

# A layout, ``places`` (POINTS, 2), of ``features``; where every epoch is laid out, ``former`` is the layout before

PCA = """
pca = PCA(2, svd_solver="arpack")
places = pca.fit_transform(features)
print($told, "explained", *pca.explained_variance_ratio_.round(6))
"""

# Where t-SNE begins: key of Config.init → statements
SCALED = f"{SPREAD} * (($x - $x.mean(0)) / $x.std(0).max() + {JITTER} * jitter)"
START = {
    "pca": f"""
start = PCA(2, svd_solver="arpack").fit_transform(features)$or_former
start = {SCALED.replace("$x", "start")}
""",
    "random": f"""
start = {SPREAD} * jitter
$if_former
""",
}
OR_FORMER = " if former is None else former"
IF_FORMER = f"""
if former is not None:
    start = {SCALED.replace("$x", "former")}
"""

# All pairs of points, by hand. Momentum, gains and the longest step are those of openTSNE.
EXACT = """
$start
near = openTSNE.affinity.PerplexityBasedNN(features, PERPLEXITY, method="exact")
p, y = torch.tensor(near.P.toarray()), torch.tensor(start)
moves, gains = torch.zeros_like(y), torch.ones_like(y)
for step in range(ITERATIONS + 1):
    y = y + moves - (y + moves).mean(0)
    w = (1 / (1 + torch.cdist(y, y) ** 2)).fill_diagonal_(0)
    q = w / w.sum()
    if step > 0 and (step % $often == 0 or step == ITERATIONS):
        print(f"$told  kl {(p.xlogy(p) - p.xlogy(q)).sum():.6f}")
    pull = EXAGGERATION if step < EARLY else 1
    forces = (pull * p - q) * w
    slopes = forces.sum(1, keepdim=True) * y - forces @ y  # a quarter of kl's gradient
    gains = torch.where(moves.sign() == slopes.sign(), 0.8 * gains + 0.01, gains + 0.2)
    moves = (0.8 * moves - POINTS / pull * gains * slopes).renorm(2, 0, 5)
places = y.numpy()
"""

# Many points
BARNES_HUT = f"""
$start
near = openTSNE.affinity.PerplexityBasedNN(features, PERPLEXITY, method="exact")
places = openTSNE.TSNEEmbedding(start, near, negative_gradient_method="bh", momentum=0.8)
for done in range(0, ITERATIONS, {FRAME_EVERY}):
    pull, step = EXAGGERATION if done < EARLY else 1, min(done + {FRAME_EVERY}, ITERATIONS)
    places.optimize(step - done, True, exaggeration=pull, learning_rate=POINTS / pull)
    if step % $often == 0 or step == ITERATIONS:
        print(f"$told  kl {{places.kl_divergence:.6f}}")
"""

EVERY_EPOCH = """
former = None
for epoch in $epochs:
    $making
    if former is not None:  # turned to lie as near to the layout before as it can (Procrustes)
        u, _, v = np.linalg.svd((places - places.mean(0)).T @ (former - former.mean(0)))
        places = (places - places.mean(0)) @ u @ v + former.mean(0)
    former = places = np.array(places)
"""


@dataclass(frozen=True)
class Source:
    """The network whose features are laid out."""

    run: Run
    kind: str  # as in core.script.parts.LAYERS
    act: str  # class of its activations in torch.nn, where that is a setting
    ends: dict[str, int]  # layer → how many modules of the network lead up to its end
    width: int  # features


def title(config: Config) -> str:
    """What is made, in words."""
    return f"{TITLES[config.layout]} of {config.layer}"


def body(config: Config) -> str:
    """Everything below the docstring.

    Raises:
        RunError: the network is not there, or has no such epoch or layer.
    """
    source = _source(config)
    steps = _steps(source.run, config.epoch) if config.layer in source.ends else {}
    making = _making(config, source, steps)
    return fill(
        LAYOUT,
        imports=_imports(making, recorded=bool(steps)),
        settings="\n".join([root(config.dataset), *_settings(config, source, steps)]),
        images=test_images(config.dataset),
        making=making,
    )


def _source(config: Config) -> Source:
    run = runs.find(config.network or runs.run_name("embeddings", Config()))
    first, act = {"conv1": 3, "conv2": 5, "conv3": 7}, ""
    if run.topic == "classifier":
        act = ACTIVATIONS[recorder.config_of(run).activation].__name__
        source = Source(run, "cnn-basic", act, {**first, "features": 8, "logits": 9}, 288)
    else:
        source = Source(run, "digits", act, {**first, "features": 10, "logits": 11}, 64)
    if config.layer not in (digits.PIXELS, NOISE, *source.ends):
        raise RunError(f"The network {run.name} has no layer {config.layer!r}.")
    return source


def _steps(run: Run, epoch: int) -> dict[int, int]:
    """Epoch → step of the snapshots of a network that are laid out."""
    kept = snapshots(run)
    chosen = {LAST: [max(kept, default=0)], EVERY: sorted(kept)}.get(epoch, [epoch])
    if not kept.keys() >= set(chosen) or (epoch in (LAST, EVERY) and run.status != "done"):
        raise RunError(f"The run {run.name} has no weights of the epoch that is to be laid out.")
    return {each: kept[each] for each in chosen}


def _imports(making: str, recorded: bool) -> str:
    wanted = {
        "import hashlib\n": "hashlib" in making,
        "import numpy as np": True,
        "import openTSNE": "openTSNE" in making,
        "import torch": True,
        "from safetensors.torch import load_file": recorded,
        "from sklearn.decomposition import PCA": "PCA(" in making,
        "from torch import nn": recorded,
        "from torchvision import datasets, transforms": True,
    }
    return "\n".join(line for line, is_wanted in wanted.items() if is_wanted)


def _settings(config: Config, source: Source, steps: dict[int, int]) -> list[str]:
    lines = []
    if steps:
        folder = f"{'checkpoints' if source.run.shipped else 'runs'}/{source.run.topic}/{source.run.name}"
        parts = textwrap.wrap(folder, 88, break_on_hyphens=False)
        lines += [f'NETWORK = "{folder}"'] if len(parts) == 1 else ["NETWORK = (", *(f'    "{p}"' for p in parts), ")"]
    lines.append(f"POINTS, SEED = {number(config.points)}, {number(config.seed)}")
    if config.layout == "tsne":
        early = min(EARLY, config.iterations // 3 // FRAME_EVERY * FRAME_EVERY)
        values = (config.perplexity, config.iterations, early, config.exaggeration)
        lines.append(f"PERPLEXITY, ITERATIONS, EARLY, EXAGGERATION = {', '.join(map(number, values))}")
    return lines


def _making(config: Config, source: Source, steps: dict[int, int]) -> str:
    """Statements that lead from ``images`` to the last ``places``."""
    every = config.epoch == EVERY
    making = f"{_features(config, source, steps)}\n{_laying_out(config, every)}"
    drawn = [fill(STREAM, purpose="places", drawn=JITTERING)] if config.layout == "tsne" else []
    return "\n".join([*drawn, _every_epoch(steps, making) if every else making])


def _features(config: Config, source: Source, steps: dict[int, int]) -> str:
    if config.layer == digits.PIXELS:
        return FROM_PIXELS
    if config.layer == NOISE:
        return fill(STREAM, purpose="noise", drawn=fill(FROM_NOISE, width=source.width))
    (last, step), end = list(steps.items())[-1], source.ends[config.layer]
    spelled = f"{{{step // max(1, last)} * epoch}}" if config.epoch == EVERY else step
    return fill(RECORDED, step=spelled, layers=network(source.kind, config.dataset, source.act), end=end)


def _laying_out(config: Config, every: bool) -> str:
    """Statements that make one layout."""
    if config.layout == "pca":
        return fill(PCA, told='"epoch", epoch' if every else '"step", 0')
    start = fill(START[config.init], or_former=OR_FORMER if every else "", if_former=fill(IF_FORMER) if every else "")
    told = "epoch {epoch}  iteration {step}" if every else "step {step}"
    method = EXACT if config.points <= EXACT_UP_TO else BARNES_HUT
    return fill(method, start=start, told=told, often=SIGN_OF_LIFE if every else FRAME_EVERY)


def _every_epoch(steps: dict[int, int], making: str) -> str:
    """Statements that make one layout after the other."""
    first, last = min(steps), max(steps)
    epochs = f"range({f'{first}, ' if first else ''}{last + 1})" if len(steps) == last + 1 - first else tuple(steps)
    return fill(EVERY_EPOCH, epochs=epochs, making=making)
