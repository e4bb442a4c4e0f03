"""The sentences around the picture: what differs, what to notice, and where every figure comes from."""

from __future__ import annotations

from core import data, runs
from core.embeddings import Config
from core.runs import Run
from pages._embeddings.picture import NAMES, Found
from pages._embeddings.settings import LAYERS, Settings
from pages._shared import words

COMMANDS = (
    "These commands lay out the same maps again; `--epoch -2` is after every epoch. The same machine gives the same "
    "numbers."
)


TRAINING = (
    "The same test images by PCA, after every epoch of the training: what does the first epoch do that the later ones "
    "don't?"
)


def trains(network: Run) -> str:
    """The line that says what is being trained, in place of ``differs``."""
    return f"**trains:** Small CNN, seed {network.config['seed']}, {network.config['epochs']} epochs"


def differs(settings: Settings) -> str:
    """The line that says what differs between A and B, and what is the same."""
    a, b = (settings.networks[side] for side in "AB")
    differ = [*(["network"] if a.name != b.name else []), "epoch"]
    layer = next(title for title, name in LAYERS.items() if name == settings.layer).lower()
    same = [f"{words.count(settings.points)} images", layer, f"perplexity {settings.tsne['perplexity']:g}"]
    return f"**differs:** {words.listed(differ)} · **same:** {words.listed(same)}"


def warning(settings: Settings) -> str | None:
    """A warning in place where perplexity is too near the number of points."""
    perplexity = settings.tsne["perplexity"]
    if perplexity < settings.points / 3:
        return None
    return (
        f"Perplexity {perplexity:g} asks for {perplexity:g} neighbours out of {words.count(settings.points)} images: "
        "from a third of them on, t-SNE sees everything as near and the map says little."
    )


def notice(settings: Settings) -> str:
    """What to notice, in at most two lines, for what is on the screen."""
    a, b = (settings.networks[side] for side in "AB")
    if settings.unfold:
        return (
            "In the early iterations all attraction is exaggerated, and clumps form; then they spread. Where a clump "
            "ends up says nothing: in *Epochs*, which starts elsewhere, it is another place. Who lies beside whom does."
        )
    if a.name != b.name:
        return "Two networks saw the same images. Brush a clump in one: is it a clump in the other as well?"
    if settings.layer == "logits":
        return (
            "The logits are what the network decides by, a number for each class: where two clumps touch, it hesitates "
            "between the digits."
        )
    if settings.layer != "features":
        return "This layer is not the last: the later the layer, the more the classes come apart."
    if settings.epoch == 0:
        where = "compare *Raw pixels*" if settings.pixels else "switch on *Raw pixels*"
        return (
            f"Even untrained, t-SNE keeps much of what is alike together, because the pixels have it already: {where}. "
            "PCA shows that only once training has made it simple. Brush where 4 and 9 meet."
        )
    return "Both are the same network, epochs apart. Move the slider: which classes part first, and which last?"


def caption(settings: Settings, found: Found) -> str:
    """Sizes, seeds and names of the runs behind the figures."""
    b = settings.networks["B"]
    network = next((run.config.get("network") for (side, _), run in found.items() if run and side == "B"), "")
    parts = [
        f"the first {words.count(settings.points)} test images of {data.title(b.dataset)}",
        f"t-SNE seed {settings.seed}, {settings.tsne['iterations']} iterations",
        f"network `{network or runs.run_name('embeddings', Config())}`",
    ]
    names = {run.name: f"{side or 'pixels'} {NAMES[method]}" for (side, method), run in found.items() if run}
    return " · ".join([*parts, *(f"{what} `{name}`" for name, what in names.items())])
