"""core/gan/networks: the passes written out by hand are autograd's, Adam is PyTorch's, the sizes are the course's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.gan import Config
from core.gan.networks import (
    HIDDEN,
    OUTPUTS,
    PIXELS,
    Adam,
    Discriminator,
    Generator,
    Pass,
    squash_,
    to_range,
    unsquash_,
)
from core.rng import generator


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed, "test"))


def drawn(kind: type, **settings):
    """A network with weights and biases drawn at random."""
    network = kind(Config(**settings))
    network.initialise(generator(3, "weights"))
    for layer in (network.first, network.second):
        nn.init.normal_(layer.bias, std=0.1, generator=generator(4, "biases"))
    return network


def plain(network: nn.Module) -> nn.Sequential:
    """The two layers as PyTorch's own, with the same weights and without what comes after."""
    layers = nn.Sequential(nn.Linear(network.first.in_features, HIDDEN), nn.ReLU(),
                           nn.Linear(HIDDEN, network.second.out_features))  # fmt: skip
    layers.load_state_dict({name.replace("first", "0").replace("second", "2"): tensor.clone()
                            for name, tensor in network.state_dict().items()})  # fmt: skip
    return layers


# The networks


@pytest.mark.parametrize("z_dim, weights", [(100, 114_064), (2, 101_520), (1024, 232_336)])
def test_the_networks_have_the_sizes_of_the_course(z_dim, weights):
    g, d = Generator(Config(z_dim=z_dim)), Discriminator(Config())
    assert sum(p.numel() for p in g.parameters()) == weights == (z_dim + 1) * 128 + 129 * 784
    assert sum(p.numel() for p in d.parameters()) == 785 * 128 + 129


def test_initial_weights_are_normal_with_the_variance_of_the_course():
    network = Generator(Config())
    network.initialise(generator(0, "weights"))
    for layer, inputs in ((network.first, 100), (network.second, 128)):
        assert layer.weight.std().item() == pytest.approx((1 / (inputs / 2)) ** 0.5, rel=0.02)
        assert abs(layer.weight.mean().item()) < 0.003
        assert not layer.bias.any()


def test_generators_of_another_z_share_the_second_layer():
    one, other = (Generator(Config(z_dim=z)) for z in (100, 7))
    for network in (one, other):
        network.initialise(generator(0, "weights"))
    assert torch.equal(one.second.weight, other.second.weight)


@pytest.mark.parametrize("output", OUTPUTS)
def test_pictures_lie_between_0_and_1_whatever_d_sees(output):
    g, d, z = drawn(Generator, output=output), drawn(Discriminator, output=output), random(50, 100) * 3
    pictures, raw = g(z), plain(g)(z)
    assert pictures.shape == (50, 1, 28, 28)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    seen = torch.sigmoid(raw) if output == "sigmoid" else torch.tanh(raw)
    torch.testing.assert_close(to_range(pictures.flatten(1), output), seen, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(d(pictures), plain(d)(seen)[:, 0], atol=1e-4, rtol=1e-4)


# Passes written out


@pytest.mark.parametrize("kind", [Generator, Discriminator])
@pytest.mark.parametrize("last", [1, 5, 16])
def test_a_pass_gives_the_gradients_of_autograd(kind, last):
    network = drawn(kind)
    reference = plain(network)
    x, grad = random(16, network.first.in_features), random(last, network.second.out_features, seed=1)
    ours = Pass(network, 20)
    out = ours.forward(x, torch.empty(16, network.second.out_features))
    torch.testing.assert_close(out, reference(x), atol=1e-4, rtol=1e-4)
    tail = x[-last:].clone().requires_grad_()
    reference(tail).backward(grad)
    ours.grad.fill_(7)  # must be replaced, not added to
    ours.backward(grad)
    pairs = zip((p.grad for p in network.parameters()), (p.grad for p in reference.parameters()), strict=True)
    for found, expected in pairs:
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    back = ours.backward_to_input(grad, torch.empty(last, network.first.in_features))
    torch.testing.assert_close(back, tail.grad, atol=1e-4, rtol=1e-4)


def test_a_pass_owns_the_weights_of_the_network():
    network = drawn(Discriminator)
    ours = Pass(network, 4)
    x = random(4, PIXELS)
    before = network(x.view(4, 1, 28, 28)).clone()
    ours.flat.mul_(0.5)
    assert ours.flat.numel() == ours.grad.numel() == sum(p.numel() for p in network.parameters())
    assert (network(x.view(4, 1, 28, 28)) - before).abs().min() > 1e-3
    assert not ours.forward(x, torch.empty(4, 1)).requires_grad


def test_the_gradient_penalty_is_that_of_autograd():
    network = drawn(Discriminator)
    reference, x = plain(network), torch.rand(12, PIXELS, generator=generator(1, "x"))
    ours = Pass(network, 12)
    ours.grad.copy_(random(ours.grad.numel()))
    before = ours.grad.clone()
    value = ours.add_penalty(x, 10.0)
    images = x.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(reference(images).sum(), images, create_graph=True)
    penalty = 10 * ((slopes.norm(dim=1) - 1) ** 2).mean()
    wanted = torch.autograd.grad(penalty, list(reference.parameters()), allow_unused=True)
    assert value.item() == pytest.approx(penalty.item(), rel=1e-5)
    flat = torch.cat([torch.zeros_like(p).flatten() if g is None else g.flatten()
                      for g, p in zip(wanted, reference.parameters(), strict=True)])  # fmt: skip
    torch.testing.assert_close(ours.grad - before, flat, atol=1e-4, rtol=1e-4)
    assert flat.norm() > 1


def test_a_discriminator_without_any_slope_has_a_penalty_too():
    ours = Pass(Discriminator(Config()), 3)
    ours.flat.zero_()
    assert ours.add_penalty(torch.ones(3, PIXELS), 10.0).item() == pytest.approx(10)
    assert ours.grad.isfinite().all()


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_last_function_and_its_gradient_are_autograds(output):
    x = (random(6, 10) * 3).requires_grad_()
    y = torch.sigmoid(x) if output == "sigmoid" else torch.tanh(x)
    grad = random(6, 10, seed=1)
    y.backward(grad)
    squashed = squash_(x.detach().clone(), output)
    torch.testing.assert_close(squashed, y.detach(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(unsquash_(grad.clone(), squashed, output), x.grad, atol=1e-6, rtol=1e-4)


def test_adam_takes_the_steps_of_torchs():
    start, gradients = random(1000), [random(1000, seed=i) * 10 ** (i % 5 - 3) for i in range(30)]
    weights = nn.Parameter(start.clone())
    reference = torch.optim.Adam([weights], 0.01, foreach=False)
    flat, grad = start.clone(), torch.empty(1000)
    ours = Adam(flat, grad, 0.01)
    for each in gradients:
        weights.grad = each
        reference.step()
        grad.copy_(each)
        ours.step()
    torch.testing.assert_close(flat, weights.detach(), atol=1e-6, rtol=1e-5)
    assert (flat - start).abs().mean() > 0.01
