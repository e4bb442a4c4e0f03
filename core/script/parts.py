"""What the scripts of several topics are made of: a way to fill in templates, and pieces of Python."""

from __future__ import annotations

from string import Template

from core import data
from core.data.folder import SIDE

TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10"}  # data set → its class there
SHAPES = {"mnist": (1, 28), "fashion-mnist": (1, 28), "cifar10": (3, 32)}  # channels, side

GENERATOR = """
def generator(purpose):  # random numbers: every purpose has a stream of its own, all from one seed
    digest = hashlib.sha256(f"{SEED}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
""".strip()

UNIFORM = """
rng = generator("weights")
for layer in model:  # PyTorch's default initial weights: U(±1/√n), where a unit has n inputs
    for parameter in layer.parameters():
        bound = layer.weight[0].numel() ** -0.5
        nn.init.uniform_(parameter, -bound, bound, generator=rng)
""".strip()

# The networks whose layers are features; the first is what prepares the images. The last line makes the logits.
LAYERS = {
    "digits": """
$prepare,
nn.Conv2d(1, 24, 5, stride=2), nn.ReLU(),  # (N, 24, 12, 12)
nn.Conv2d(24, 32, 3, stride=2), nn.ReLU(),  # (N, 32, 5, 5)
nn.Conv2d(32, 64, 3), nn.ReLU(),  # (N, 64, 3, 3)
nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, $classes),
""".strip(),
    "cnn-basic": """
$prepare,
nn.Conv2d($channels, 24, 5, stride=3), $act(),  # (N, 24, 10, 10)
nn.Conv2d(24, 48, 3, stride=2), $act(),  # (N, 48, 4, 4)
nn.Conv2d(48, 72, 3), $act(),  # (N, 72, 2, 2)
nn.Flatten(), nn.Linear(288, $classes),
""".strip(),
}


def fill(template: str, **words: object) -> str:
    """The template with each ``$word`` replaced.

    A word may stand for several lines, which are indented as the first, or for none: a line that is then empty goes.
    """
    lines = []
    for line in template.strip("\n").split("\n"):
        filled = Template(line).substitute({name: str(word) for name, word in words.items()})
        if filled.strip() or not line.strip():
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(filled.replace("\n", f"\n{indent}"))
    return "\n".join(lines)


def number(value: float) -> str:
    """A number as one writes it in Python: 20_000, 0.001."""
    return f"{value:_}" if isinstance(value, int) else repr(value)


def shape(name: str) -> tuple[int, int]:
    """Channels and side (pixels) of the images of a data set.

    Raises:
        ValueError: it is a folder that was never read.
    """
    if name in SHAPES:
        return SHAPES[name]
    if not data.decoded(name):
        raise ValueError(f"The images of {name} were not read yet: train on them first.")
    return data.load(name).train.images.shape[1:3]


def root(name: str) -> str:
    """The line that says where the images of a data set lie."""
    if name in TORCHVISION:
        return 'ROOT = "data"  # folder of the images, downloaded there the first time'
    return f'ROOT = "data/{name}"  # train and test'


def images(name: str) -> str:
    """Lines that load a data set: ``train`` and ``test``, images ``x`` and ``x_test``, labels ``y`` and ``y_test``.

    Images are float32 (N, C, H, W) in [0, 1].
    """
    if name in TORCHVISION:
        loaded = (
            f"train, test = (datasets.{TORCHVISION[name]}(ROOT, train=part, download=True) for part in (True, False))"
        )
    else:
        loaded = f"{_prepare(name)}\n"
        loaded += 'train, test = (datasets.ImageFolder(f"{ROOT}/{part}", prepare) for part in ("train", "test"))'
    return "\n".join([loaded, f"x, y = {_arrays(name, 'train')}", f"x_test, y_test = {_arrays(name, 'test')}"])


def _arrays(name: str, part: str) -> str:
    """Images and labels of a part that was loaded."""
    if name not in TORCHVISION:
        return f"torch.stack([image{_channels(name)} for image, _ in {part}]), torch.tensor({part}.targets)"
    if name == "cifar10":
        return f"torch.tensor({part}.data).permute(0, 3, 1, 2) / 255, torch.tensor({part}.targets)"
    return f"{part}.data[:, None] / 255, {part}.targets"


def test_images(name: str) -> str:
    """Lines that load the first POINTS test images of a data set, as ``images``, and their labels, as ``labels``."""
    if name in TORCHVISION:
        loaded = f"test = datasets.{TORCHVISION[name]}(ROOT, train=False, download=True)"
        rgb = name == "cifar10"
        pixels = "torch.tensor(test.data[:POINTS]).permute(0, 3, 1, 2)" if rgb else "test.data[:POINTS, None]"
        pixels = f"{pixels} / 255"
    else:
        loaded = f'{_prepare(name)}\ntest = datasets.ImageFolder(f"{{ROOT}}/test", prepare)'
        pixels = f"torch.stack([test[i][0]{_channels(name)} for i in range(POINTS)])"
    return f"{loaded}\nimages, labels = {pixels}, test.targets[:POINTS]"


def _prepare(name: str) -> str:
    """The line that says how the files of a folder become images; smaller ones are all squares of one size."""
    resize = "transforms.Resize((32, 32)), " if shape(name)[1] == SIDE else ""
    return f"prepare = transforms.Compose([{resize}transforms.ToTensor()])"


def _channels(name: str) -> str:
    """What makes grey images, which torchvision reads as colour, grey again."""
    return "[:1]" if shape(name)[0] == 1 else ""


def network(kind: str, name: str, act: str = "") -> str:
    """The layers of a network of LAYERS for a data set, line by line; its ``mean`` and ``std`` are variables.

    Args:
        act: the class of the activations in torch.nn, where the network lets one choose.
    """
    channels, side = shape(name)
    missing, prepare = 32 - side, "transforms.Normalize(mean, std)"
    if kind == "cnn-basic" and missing:
        sides = (missing // 2, missing - missing // 2) * 2
        around = missing // 2 if missing % 2 == 0 else sides
        prepare = f"nn.Sequential(nn.ZeroPad2d({around}), {prepare})"
    classes = "10" if name in TORCHVISION else "len(test.classes)"
    return fill(LAYERS[kind], prepare=prepare, channels=channels, classes=classes, act=f"nn.{act}")
