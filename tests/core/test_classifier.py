"""core/classifier: the course's network, a training loop equal to a naive one, and figures that mean what they say."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import classifier, data
from core.classifier import CNNBasic, Config, Progress
from core.data import Dataset, Split
from core.data.dataset import describe
from core.rng import generator
from core.runs import Diverged, RunError


def small(dataset: Dataset, train: int, test: int) -> Dataset:
    """The first images of a data set, with the normalisation of all."""
    first = (Split(s.images[:n], s.labels[:n]) for s, n in ((dataset.train, train), (dataset.test, test)))
    return dataclasses.replace(dataset, **dict(zip(("train", "test"), first, strict=True)))


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return small(data.load("mnist"), 2000, 1000)


@pytest.fixture(scope="module")
def tiny(mnist: Dataset) -> Dataset:
    return small(mnist, 320, 50)


@pytest.fixture(scope="module")
def colour() -> Dataset:
    """40 pictures of noise in three channels and four classes."""
    rng = np.random.default_rng(0)
    splits = [Split(rng.integers(0, 256, (n, 3, 32, 32), np.uint8), rng.integers(0, 4, n)) for n in (40, 20)]
    return describe("noise", "Noise", tuple("abcd"), *splits)


def settings(**changes) -> Config:
    return Config(**{"dataset": "mnist", "epochs": 1, "batch_size": 32, **changes})


# The network


@pytest.mark.parametrize(
    "channels, classes, parameters",
    [(3, 10, 46_306), (1, 10, 46_306 - 24 * 2 * 5 * 5), (3, 2, 46_306 - 8 * 289)],
)
def test_the_network_has_the_sizes_of_the_course(channels, classes, parameters):
    model = CNNBasic("relu", channels, classes, (0.5,) * channels, (0.2,) * channels)
    shapes, x = [], torch.rand(2, channels, 32, 32, generator=generator(0, "test"))
    for layer in model:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    maps = [(24, 10, 10), (48, 4, 4), (72, 2, 2)]
    assert shapes == [(channels, 32, 32), *(m for m in maps for _ in "ca"), (288,), (classes,)]
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize("name", classifier.ACTIVATIONS)
def test_the_network_equals_a_naive_one(name, colour):
    function = {"leaky_relu": F.leaky_relu, "tanh": torch.tanh, "relu": F.relu}[name]
    model = classifier.build(settings(activation=name), colour)
    weights = model.state_dict()
    x = torch.tensor(colour.test.images).float() / 255
    scale = [torch.tensor(each).view(3, 1, 1) for each in (colour.mean, colour.std)]
    out = (x - scale[0]) / scale[1]
    for layer, stride in ((1, 3), (3, 2), (5, 1)):
        out = function(F.conv2d(out, weights[f"{layer}.weight"], weights[f"{layer}.bias"], stride))
    out = F.linear(out.flatten(1), weights["8.weight"], weights["8.bias"])
    torch.testing.assert_close(classifier.logits(model, colour.test.images), out, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "change",
    [{"activation": "tanh"}, {"optimizer": "sgd"}, {"lr": 0.1}, {"batch_size": 7}, {"epochs": 9}],
    ids=str,
)
def test_a_and_b_begin_with_the_same_weights(change, colour):
    a, b = (classifier.build(config, colour).state_dict() for config in (settings(), settings(**change)))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_another_seed_gives_other_weights(colour):
    a, b = (classifier.build(settings(seed=seed), colour) for seed in (1, 2))
    assert all(not torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def test_a_restored_network_gives_the_same_answers_and_is_frozen(colour):
    model = classifier.build(settings(activation="tanh"), colour)
    restored = classifier.restore(settings(activation="tanh"), model.state_dict())
    images = colour.test.images
    assert torch.equal(classifier.logits(restored, images), classifier.logits(model, images))
    assert not any(p.requires_grad for p in restored.parameters())


DAMAGED = {
    "nothing": lambda state: {},
    "a layer missing": lambda state: {name: t for name, t in state.items() if name != "3.weight"},
    "a layer too many": lambda state: {**state, "9.weight": torch.zeros(2)},
    "another shape": lambda state: {**state, "3.weight": state["3.weight"][:, :5]},
    "a list for a filter": lambda state: {**state, "1.weight": torch.zeros(24)},
    "a number for the classes": lambda state: {**state, "8.bias": torch.tensor(1.0)},
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_weights_of_another_network_are_refused(damage, colour):
    state = classifier.build(settings(), colour).state_dict()
    with pytest.raises(RunError, match="The weights are not those of CNN-basic"):
        classifier.restore(settings(), damage(state))


# The config

REFUSED = {  # what is asked for, and words of the answer
    "unknown activation": ({"activation": "gelu"}, ["'gelu'", "leaky_relu, tanh, relu"]),
    "unknown optimizer": ({"optimizer": "Adam"}, ["'Adam'", "sgd, sgd_momentum, adam, adamw, rmsprop"]),
    "an optimizer in a list": ({"optimizer": ["adam"]}, ["optimizer", "['adam']"]),
    "learning rate 0": ({"lr": 0.0}, ["lr", "1e-07", "100"]),
    "negative learning rate": ({"lr": -0.1}, ["lr", "1e-07", "100"]),
    "huge learning rate": ({"lr": 101.0}, ["lr", "1e-07", "100"]),
    "endless learning rate": ({"lr": math.inf}, ["lr"]),
    "no number for a learning rate": ({"lr": math.nan}, ["lr", "nan"]),
    "words for a learning rate": ({"lr": "0.1"}, ["lr", "'0.1'"]),
    "no images a step": ({"batch_size": 0}, ["batch_size", "1", "4096"]),
    "too many images a step": ({"batch_size": 4097}, ["batch_size", "1", "4096"]),
    "half an image a step": ({"batch_size": 1.5}, ["batch_size", "1.5"]),
    "no epoch": ({"epochs": 0}, ["epochs", "1", "100"]),
    "too many epochs": ({"epochs": 101}, ["epochs", "1", "100"]),
    "epochs as a float": ({"epochs": 2.0}, ["epochs", "2.0"]),
    "true for a seed": ({"seed": True}, ["seed", "True"]),
    "negative seed": ({"seed": -1}, ["seed", "0"]),
    "negative images": ({"images": -1}, ["images", "0"]),
    "a path for a data set": ({"dataset": "../../mnist"}, ["dataset", "'../../mnist'", "mnist, cifar10"]),
    "no data set": ({"dataset": ""}, ["dataset"]),
    "nothing for a data set": ({"dataset": None}, ["dataset"]),
}


@pytest.mark.parametrize("changes, words", REFUSED.values(), ids=REFUSED)
def test_a_wrong_setting_is_refused_with_what_is_possible(changes, words):
    with pytest.raises(ValueError, match=r"\.$") as caught:
        settings(**changes)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "changes",
    [{"lr": 1e-7}, {"lr": 100}, {"batch_size": 4096}, {"epochs": 100}, {"seed": 0}, {"seed": 2**31 - 1}],
    ids=str,
)
def test_the_ends_of_the_ranges_are_allowed(changes):
    assert dataclasses.asdict(settings(**changes)).items() >= changes.items()


# Images


@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (4, 3, 32, 32), (3, 3, 8, 8), (2, 1, 5, 7), (1, 1, 1, 1)], ids=str)
def test_pixels_are_scaled_and_padded_with_black_in_the_middle(shape):
    images = np.random.default_rng(0).integers(1, 256, shape, np.uint8)
    copy = images.copy()
    x = classifier.pixels(images)
    down, right = 32 - shape[2], 32 - shape[3]
    edges = (right // 2, right - right // 2, down // 2, down - down // 2)
    assert torch.equal(x, F.pad(torch.tensor(images).float() / 255, edges))
    assert x.dtype == torch.float32
    assert x.min() >= 0
    assert x.max() <= 1
    assert (images == copy).all()


def test_mnist_lies_in_the_middle(mnist):
    x = classifier.pixels(mnist.train.images[:100])
    assert x.shape == (100, 1, 32, 32)
    frame = torch.ones(32, 32, dtype=torch.bool)
    frame[2:-2, 2:-2] = False
    assert not x[:, :, frame].any()
    assert x[:, 0, 2:-2, 2:-2].mul(255).byte().equal(torch.tensor(mnist.train.images[:100, 0]))


@pytest.fixture
def every_warning():
    """Let torch repeat warnings that it gives only once a process."""
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)


@pytest.mark.parametrize("n", [1, 2])
def test_pixels_neither_warn_about_nor_change_images_that_are_read_only(n, every_warning):
    images = data.samples("cifar10").images[:n]
    before = images.tobytes()
    x = classifier.pixels(images)
    x.add_(1)
    assert images.tobytes() == before


# Measuring


def test_evaluate_equals_counting_by_hand(mnist):
    model = classifier.build(settings(seed=3), mnist)
    tested = classifier.evaluate(model, mnist.test)
    answers = classifier.logits(model, mnist.test.images)
    confusion = np.zeros((10, 10), int)
    for label, answer in zip(mnist.test.labels, answers.argmax(1).tolist(), strict=True):
        confusion[label, answer] += 1
    assert tested["confusion"] == confusion.tolist()
    assert [sum(row) for row in tested["confusion"]] == np.bincount(mnist.test.labels, minlength=10).tolist()
    assert tested["test_accuracy"] == np.trace(confusion) / 1000
    assert tested["test_loss"] == pytest.approx(F.cross_entropy(answers, torch.tensor(mnist.test.labels)).item())
    assert classifier.measure(model, mnist) == {name: tested[name] for name in ("test_accuracy", "test_loss")}


@pytest.mark.parametrize("at_once", [1, 7, 50, 1000])
def test_answers_do_not_depend_on_the_size_of_the_evaluation_batches(at_once, tiny, monkeypatch):
    model = classifier.build(settings(), tiny)
    expected = classifier.logits(model, tiny.test.images)
    monkeypatch.setattr(classifier, "EVALUATE_AT_ONCE", at_once)
    torch.testing.assert_close(classifier.logits(model, tiny.test.images), expected, atol=1e-5, rtol=1e-5)


# Which images, in which order


def test_fewer_training_images_are_a_part_of_more(mnist):
    chosen = {n: classifier.training_images(settings(images=n), mnist).tolist() for n in (0, 5, 100, 1999, 2000)}
    assert chosen[0] == chosen[2000] == list(range(2000))
    assert chosen[5] == chosen[100][:5] == chosen[1999][:5]
    assert chosen[100] == chosen[1999][:100]
    assert len(set(chosen[1999])) == 1999
    assert chosen[100] != sorted(chosen[100])
    assert chosen[100] != classifier.training_images(settings(images=100, seed=1), mnist).tolist()


def test_more_images_than_there_are_is_refused(mnist):
    with pytest.raises(ValueError, match="MNIST has 2000 training images, not 2001"):
        list(classifier.train(settings(images=2001), mnist))


class Watched(nn.Module):
    """A network that remembers the numbers of the training images that it has seen, a list a batch."""

    def __init__(self, model: nn.Module, dataset: Dataset):
        super().__init__()
        self.model, self.batches = model, []
        x = classifier.pixels(dataset.train.images)
        self.numbers = {picture.numpy().tobytes(): i for i, picture in enumerate(x)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
            self.batches.append([self.numbers[picture.numpy().tobytes()] for picture in x])
        return self.model(x)


def batches(dataset: Dataset, **changes) -> list[list[int]]:
    config = settings(epochs=2, **changes)
    watched = Watched(classifier.build(config, dataset), dataset)
    list(classifier.train(config, dataset, watched))
    return watched.batches


def test_every_epoch_shows_every_image_once_in_a_new_order(tiny):
    seen = batches(tiny, batch_size=48)
    assert [len(batch) for batch in seen] == [48, 48, 48, 48, 48, 48, 32] * 2
    first, second = ([number for batch in part for number in batch] for part in (seen[:7], seen[7:]))
    assert sorted(first) == sorted(second) == list(range(320))
    assert first != second
    assert first != sorted(first)


@pytest.mark.parametrize("change", [{"activation": "tanh"}, {"optimizer": "sgd_momentum"}, {"lr": 0.01}], ids=str)
def test_a_and_b_see_the_same_batches(change, tiny):
    assert batches(tiny, images=100) == batches(tiny, images=100, **change)


def test_another_seed_gives_another_order(tiny):
    assert batches(tiny)[0] != batches(tiny, seed=7)[0]


# Training


def naive(config: Config, dataset: Dataset, optimizer: torch.optim.Optimizer, model: nn.Module) -> list[float]:
    """The losses of a loop as in PyTorch's tutorial, over the images in the order of core.classifier."""
    order, losses = generator(config.seed, "batches"), []
    x = F.pad(torch.tensor(dataset.train.images).float() / 255, (2, 2, 2, 2))
    y = torch.tensor(dataset.train.labels)
    for _ in range(config.epochs):
        for batch in torch.randperm(len(x), generator=order).split(config.batch_size):
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def plain_network(dataset: Dataset, weights: dict[str, torch.Tensor]) -> nn.Module:
    class Scale(nn.Module):
        def forward(self, x):
            return (x - dataset.mean[0]) / dataset.std[0]

    model = nn.Sequential(
        Scale(), nn.Conv2d(1, 24, 5, 3), nn.LeakyReLU(), nn.Conv2d(24, 48, 3, 2), nn.LeakyReLU(),
        nn.Conv2d(48, 72, 3), nn.LeakyReLU(), nn.Flatten(), nn.Linear(288, 10),
    )  # fmt: skip
    model.load_state_dict({name: tensor for name, tensor in weights.items() if not name.startswith("0.")})
    return model


REFERENCES = {  # learning rate, and torch's optimizer in its plain form
    "sgd": (0.05, lambda p, lr: torch.optim.SGD(p, lr, foreach=False)),
    "sgd_momentum": (0.02, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, foreach=False)),
    "adam": (0.001, lambda p, lr: torch.optim.Adam(p, lr, foreach=False)),
    "adamw": (0.001, lambda p, lr: torch.optim.AdamW(p, lr, foreach=False)),
    "rmsprop": (0.001, lambda p, lr: torch.optim.RMSprop(p, lr, foreach=False)),
}


@pytest.mark.parametrize("name", classifier.OPTIMIZERS)
def test_every_step_equals_that_of_a_naive_loop(name, tiny, monkeypatch):
    lr, optimizer = REFERENCES[name]
    config = settings(optimizer=name, lr=lr, epochs=2)
    model = plain_network(tiny, classifier.build(config, tiny).state_dict())
    monkeypatch.setattr(classifier, "RECORD_EVERY", 1)
    losses = [record.loss for record in classifier.train(config, tiny)][2:]
    assert len(losses) == 20
    assert losses == pytest.approx(naive(config, tiny, optimizer(model.parameters(), lr), model), abs=1e-4)
    assert losses[-1] < losses[0] - 0.05


@pytest.mark.parametrize(
    "changes, epochs",
    [({}, 2), ({"activation": "tanh"}, 1), ({"optimizer": "sgd_momentum", "lr": 0.02, "seed": 7}, 2)],
    ids=["the course's", "tanh", "momentum"],
)
def test_training_beats_the_untrained_network_clearly(changes, epochs, mnist):
    records = list(classifier.train(settings(epochs=epochs, **changes), mnist))
    assert records[0].loss > 2.2
    assert records[1].test_accuracy < 0.3
    assert records[1].test_loss > 2.2
    assert records[-1].test_accuracy > 0.75
    assert records[-1].test_loss < 0.8
    assert records[-1].loss < records[0].loss


def test_training_twice_gives_the_same_records_and_weights(tiny):
    models = [classifier.build(settings(), tiny) for _ in range(2)]
    first, second = (list(classifier.train(settings(), tiny, model)) for model in models)
    assert first == second
    assert all(torch.equal(p, q) for p, q in zip(*(model.parameters() for model in models), strict=True))
    assert list(classifier.train(settings(), tiny)) == first
    assert list(classifier.train(settings(seed=1), tiny)) != first


STEPS = {  # images, batch size, epochs → steps of the records, with a record every 160 images
    "a record inside an epoch": (320, 32, 2, [0, 0, 5, 10, 15, 20]),
    "a short last batch": (300, 64, 2, [0, 0, 2, 4, 5, 7, 9, 10]),
    "one batch an epoch": (20, 64, 3, [0, 0, 1, 2, 3]),
    "batches larger than a record": (320, 200, 1, [0, 0, 1, 2]),
    "one image": (1, 1, 1, [0, 0, 1]),
}


@pytest.mark.parametrize("images, batch, epochs, steps", STEPS.values(), ids=STEPS)
def test_records_come_at_the_start_every_so_many_images_and_after_each_epoch(
    images, batch, epochs, steps, tiny, monkeypatch
):
    monkeypatch.setattr(classifier, "RECORD_EVERY", 160)
    records = list(classifier.train(settings(images=images, batch_size=batch, epochs=epochs), tiny))
    per_epoch = math.ceil(images / batch)
    assert [record.step for record in records] == steps
    assert {record.steps for record in records} == {steps[-1]} == {epochs * per_epoch}
    assert [record.epoch for record in records] == pytest.approx([step / per_epoch for step in steps])
    assert [record.snapshot for record in records] == [False, *[step % per_epoch == 0 for step in steps[1:]]]
    assert all((record.confusion is not None) == record.snapshot for record in records)
    assert [record.loss is None for record in records] == [False, True, *[False] * (len(records) - 2)]


def test_the_first_record_is_of_images_from_first_to_last(tiny):
    """A folder of images is sorted by class: its first images say nothing about the others."""
    config = settings()
    first, model = next(classifier.train(config, tiny)), classifier.build(config, tiny)
    answers, labels = classifier.logits(model, tiny.train.images[::5]), torch.tensor(tiny.train.labels[::5])
    assert len(labels) == classifier.EVALUATE_AT_ONCE
    assert first.loss == pytest.approx(F.cross_entropy(answers, labels).item())
    assert first.accuracy == (answers.argmax(1) == labels).double().mean().item()


def test_a_record_is_the_mean_over_the_images_since_the_last(tiny, monkeypatch):
    config = settings(images=300, batch_size=64)  # the last batch has 44
    monkeypatch.setattr(classifier, "RECORD_EVERY", 1)
    each = list(classifier.train(config, tiny))[2:]
    monkeypatch.setattr(classifier, "RECORD_EVERY", 192)
    three, two = list(classifier.train(config, tiny))[2:]
    for name in ("loss", "accuracy"):
        values = [getattr(record, name) for record in each]
        assert getattr(three, name) == pytest.approx(np.mean(values[:3]))
        assert getattr(two, name) == pytest.approx(np.average(values[3:], weights=[64, 44]))


def test_records_are_plain_values_for_json(tiny):
    for record in classifier.train(settings(epochs=2), tiny):
        values = dataclasses.asdict(record)
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        assert isinstance(record, Progress)
        assert {type(v) for v in values.values()} <= {int, float, list, type(None)}
        assert type(record.epoch) is float


def test_modes_do_not_leak_to_whoever_reads_the_records(tiny):
    model = classifier.build(settings(), tiny)
    records = classifier.train(settings(epochs=2), tiny, model)
    for _ in range(4):
        next(records)
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert model.training
        assert (model[1].weight * 2).requires_grad
    assert list(records) == []


def test_a_training_can_be_left_at_any_record(tiny):
    records = classifier.train(settings(epochs=2), tiny)
    next(records)
    records.close()
    assert torch.is_grad_enabled()
    assert list(records) == []


@pytest.mark.parametrize("changes", [{}, {"batch_size": 1}, {"optimizer": "sgd_momentum"}], ids=str)
def test_a_loss_without_bounds_is_reported_with_its_step(changes, tiny):
    found = []
    with pytest.raises(Diverged, match=r"at step \d+: try a lower learning rate\.$") as caught:
        for record in classifier.train(settings(**{"optimizer": "sgd", "lr": 100.0, **changes}), tiny):
            found.append(record)
    assert 1 <= caught.value.step <= 10
    assert [record.step for record in found] == [0, 0]


def test_weights_that_became_infinite_in_the_last_step_of_an_epoch_are_reported(tiny):
    """The loss of a step is known before the step: only the measurement after it can show what it did."""

    class Explodes(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, 10))

        def forward(self, x):
            return x.mean((1, 2, 3))[:, None] * self.weight * (1 if self.weight.eq(0).all() else math.inf)

    found = []
    with pytest.raises(Diverged) as caught:
        for record in classifier.train(settings(images=32, epochs=2), tiny, Explodes()):
            found.append(record)
    assert caught.value.step == 1
    assert [record.step for record in found] == [0, 0]
