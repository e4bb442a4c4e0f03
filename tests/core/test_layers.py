"""core/layers and core/rng: our convolution is PyTorch's, our initial weights are distributed as PyTorch's are."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core import classifier, data
from core.layers import Conv2d, Normalise
from core.rng import generator, initialise


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed, "test"), dtype=torch.double)


# Convolution

SHAPES = {  # (N, C, H, W), output channels, kernel size, stride
    "first of the classifier": ((4, 3, 32, 32), 24, 5, 3),
    "second of the classifier": ((4, 24, 10, 10), 48, 3, 2),
    "third of the classifier": ((4, 48, 4, 4), 72, 3, 1),
    "grey": ((3, 1, 28, 28), 2, 5, 3),
    "batch of one": ((1, 3, 9, 9), 4, 3, 2),
    "one of everything": ((1, 1, 1, 1), 1, 1, 1),
    "kernel as large as the picture": ((2, 3, 5, 5), 4, 5, 1),
    "kernel of one, with gaps": ((2, 3, 7, 7), 4, 1, 3),
    "stride beyond the kernel": ((2, 2, 11, 11), 3, 2, 4),
    "pixels left over at the edge": ((2, 2, 8, 8), 3, 3, 3),
    "higher than wide": ((2, 3, 12, 7), 4, 3, 2),
    "wider than high": ((2, 3, 7, 12), 4, 3, 2),
}

LAYOUTS = {  # ways for the same numbers to lie in memory
    "contiguous": lambda x: x.contiguous(),
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "batch last": lambda x: x.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
    "turned": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "every other image of a larger batch": lambda x: torch.stack([x, x + 1], 1).flatten(0, 1)[::2],
    "cut out of larger pictures": lambda x: F.pad(x, (1, 2, 3, 4), value=9.0)[:, :, 3:-4, 1:-2],
    "behind other numbers": lambda x: torch.cat([x[:1] + 1, x])[1:],
}


def results(convolve, x: torch.Tensor, *parameters: torch.Tensor) -> list[torch.Tensor]:
    """The output, and the gradients for input and parameters of a sum in which every output weighs differently."""
    leaf = x.detach().requires_grad_()
    leaves = [leaf, *(p.detach().clone().requires_grad_() for p in parameters)]
    out = convolve(*leaves)
    return [out, *torch.autograd.grad((out * normal(*out.shape, seed=9)).sum(), leaves)]


def ours(kernel_size: int, stride: int):
    """core.layers.Conv2d as a function of input, weight and bias."""

    def convolve(x, weight, bias):
        layer = Conv2d(weight.shape[1], weight.shape[0], kernel_size, stride).double()
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    return convolve


@pytest.mark.parametrize("shape, channels, k, stride", SHAPES.values(), ids=SHAPES)
def test_value_and_all_gradients_are_those_of_torch(shape, channels, k, stride):
    x, weight, bias = normal(*shape), normal(channels, shape[1], k, k, seed=1), normal(channels, seed=2)
    expected = results(lambda *leaves: F.conv2d(*leaves, stride=stride), x, weight, bias)
    for got, wanted in zip(results(ours(k, stride), x, weight, bias), expected, strict=True):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_how_the_input_lies_in_memory_does_not_matter(layout, batch):
    x, weight, bias = normal(batch, 3, 9, 7), normal(4, 3, 3, 3, seed=1), normal(4, seed=2)
    laid = layout(x)
    assert torch.equal(laid, x)
    expected = results(lambda *leaves: F.conv2d(*leaves, stride=2), x, weight, bias)
    for got, wanted in zip(results(ours(3, 2), laid, weight, bias), expected, strict=True):
        torch.testing.assert_close(got, wanted)
    assert torch.equal(laid, x), "the input was changed"


@pytest.mark.parametrize("shape, channels, k, stride", [((2, 2, 7, 6), 3, 3, 2), ((1, 1, 5, 5), 2, 2, 1)])
def test_gradients_agree_with_finite_differences(shape, channels, k, stride):
    leaves = [normal(*shape), normal(channels, shape[1], k, k, seed=1), normal(channels, seed=2)]
    assert torch.autograd.gradcheck(ours(k, stride), [leaf.requires_grad_() for leaf in leaves])


def test_gradients_of_gradients_are_refused_and_not_wrong():
    x, weight, bias = normal(1, 1, 5, 5).requires_grad_(), normal(2, 1, 3, 3, seed=1), normal(2, seed=2)
    (slope,) = torch.autograd.grad(ours(3, 1)(x, weight, bias).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.square().sum().backward()


def test_a_frozen_layer_gives_the_gradient_of_its_input_alone():
    layer, x = Conv2d(3, 4, 3, 2), normal(2, 3, 9, 9).float().requires_grad_()
    expected = torch.autograd.grad(layer(x).sum(), x)[0]
    layer.requires_grad_(False)
    layer(x).sum().backward()
    assert torch.equal(x.grad, expected)
    assert layer.weight.grad is None
    assert layer.bias.grad is None


def test_it_has_the_state_of_torchs_layer():
    layer, plain = Conv2d(3, 24, 5, 3), nn.Conv2d(3, 24, 5, 3)
    shapes = [{name: tensor.shape for name, tensor in each.state_dict().items()} for each in (layer, plain)]
    assert shapes[0] == shapes[1]
    plain.load_state_dict(layer.state_dict())
    x = normal(2, 3, 32, 32).float()
    torch.testing.assert_close(layer(x), plain(x))


# Normalisation


def test_normalise_gives_each_channel_mean_0_and_standard_deviation_1():
    x = torch.rand(50, 3, 8, 8, generator=generator(0, "test")) * torch.tensor([1.0, 0.5, 0.1]).view(-1, 1, 1) + 0.2
    mean, std = x.mean((0, 2, 3)), x.std((0, 2, 3), correction=0)
    out = Normalise(tuple(mean.tolist()), tuple(std.tolist()))(x)
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_normalise_with_the_figures_of_a_data_set():
    mnist = data.load("mnist")
    x = torch.from_numpy(mnist.train.images[:].astype(np.float32)) / 255
    out = Normalise(mnist.mean, mnist.std)(x)
    assert out.mean().item() == pytest.approx(0, abs=1e-3)
    assert out.std().item() == pytest.approx(1, abs=1e-3)


def test_a_channel_in_which_nothing_differs_becomes_0_and_not_nan():
    x = torch.full((2, 1, 4, 4), 0.5)
    assert torch.equal(Normalise((0.5,), (0.0,))(x), torch.zeros(2, 1, 4, 4))


# Randomness


def draw(seed: int, purpose: str) -> list[float]:
    return torch.rand(8, generator=generator(seed, purpose)).tolist()


def test_the_same_seed_and_purpose_give_the_same_numbers():
    assert draw(42, "weights") == draw(42, "weights")


@pytest.mark.parametrize("other", [(43, "weights"), (42, "batches"), (42, ""), (4, "2/weights"), (0, "weights")])
def test_another_seed_or_purpose_gives_other_numbers(other):
    assert not set(draw(42, "weights")) & set(draw(*other))


def test_building_and_training_leave_the_global_random_states_alone():
    mnist = data.load("mnist")
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    config = classifier.Config(dataset="mnist", images=64, epochs=1)
    records = classifier.train(config, mnist, classifier.build(config, mnist))
    next(records), next(records)
    torch.rand(1)  # what a viewer draws in between
    states = (torch.get_rng_state(), *states[1:])
    assert next(records).step == 1
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]
    assert random.getstate() == states[2]


@pytest.mark.parametrize(
    "layer", [lambda: nn.Linear(300, 400), lambda: nn.Conv2d(24, 300, 5), lambda: Conv2d(30, 200, 5)],
    ids=["linear", "torch's convolution", "our convolution"],
)  # fmt: skip
def test_initial_weights_are_distributed_as_pytorchs_own(layer):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        default, drawn = layer(), layer()
    initialise(drawn, generator(0, "weights"))
    shares = torch.linspace(0, 1, 21)
    for name, tolerance in {"weight": 0.02, "bias": 0.25}.items():  # 20 quantiles, against the bound
        own, torchs = (getattr(each, name).detach().flatten() for each in (drawn, default))
        bound = 1 / default.weight[0].numel() ** 0.5
        assert own.abs().max() <= bound
        assert not torch.equal(own, torchs)
        difference = torch.quantile(own[:100_000], shares) - torch.quantile(torchs[:100_000], shares)
        assert difference.abs().max() < tolerance * bound


def test_initialise_reaches_every_layer_and_only_draws_from_its_generator():
    models = [nn.Sequential(Conv2d(1, 2, 3), nn.Sequential(nn.Linear(8, 4, bias=False))) for _ in range(2)]
    before = torch.get_rng_state()
    for model in models:
        initialise(model, generator(7, "weights"))
    assert torch.equal(torch.get_rng_state(), before)
    states = [model.state_dict() for model in models]
    assert states[0].keys() == {"0.weight", "0.bias", "1.0.weight"}
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
