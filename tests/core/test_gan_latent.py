"""core/gan/latent and core/gan/sheets: z as it should be drawn, ways and directions through it, sheets."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from core import data, gan
from core.gan import Config, latent
from core.gan.latent import LATENTS, directions, fixed, images, lerp, moved, slerp, walk
from core.gan.networks import OUTPUTS, Generator
from core.gan.sheets import LEVELS, animation, cells, grey, sheet_png
from core.rng import generator


def model(**settings) -> Generator:
    return gan.build(Config(**settings), data.load("mnist"))


# z


def test_z_is_drawn_as_it_says():
    z = {name: fixed(Config(z=name)) for name in LATENTS}
    assert {part.shape for part in z.values()} == {(2000, 100)}
    assert z["normal"].std().item() == pytest.approx(1, abs=0.01)
    assert z["uniform"].abs().max() <= 1
    assert z["uniform"].std().item() == pytest.approx(1 / math.sqrt(3), abs=0.01)
    torch.testing.assert_close(z["sphere"].norm(dim=1), torch.full((2000,), 10.0))
    assert z["normal"].norm(dim=1).std() > 0.5
    assert all(abs(part.mean().item()) < 0.01 for part in z.values())


def test_the_fixed_z_depend_on_the_seed_and_not_on_how_many_are_asked_for_or_the_objective():
    assert torch.equal(fixed(Config(), 64), fixed(Config(objective="hinge", lr_g=0.1))[:64])
    assert not torch.equal(fixed(Config(), 64), fixed(Config(seed=1), 64))


@pytest.mark.parametrize("name", LATENTS)
def test_z_of_one_dimension(name):
    z = fixed(Config(z=name, z_dim=1))
    assert z.isfinite().all()
    assert z.mul(1e5).round().unique().numel() == (2 if name == "sphere" else pytest.approx(2000, abs=30))


def test_images_are_bytes_of_what_the_model_gives():
    g, z = model(), fixed(Config(), 5)
    drawn = images(g, z)
    assert (drawn.shape, drawn.dtype) == ((5, 1, 28, 28), np.uint8)
    assert np.abs(drawn / 255 - g(z).detach().numpy()).max() <= 0.5 / 255 + 1e-6
    assert (images(g, z.numpy()) == drawn).all()


# Ways


@pytest.fixture
def ends() -> torch.Tensor:
    return torch.randn(2, 100, generator=generator(0, "ends"))


@pytest.mark.parametrize("kind", ["lerp", "slerp"])
def test_a_walk_begins_and_ends_where_it_should_in_even_steps(kind, ends):
    way = walk(kind, *ends, 9)
    assert (way.shape, way.dtype) == ((9, 100), torch.float32)
    torch.testing.assert_close(way[[0, -1]], ends, atol=1e-5, rtol=1e-5)
    backwards = walk(kind, ends[1], ends[0], 9).flip(0)
    torch.testing.assert_close(way, backwards, atol=1e-5, rtol=1e-5)
    steps = way.diff(dim=0).norm(dim=1)
    assert steps.max() < 1.1 * steps.min()


def test_slerp_stays_among_the_z_that_are_drawn_and_lerp_does_not(ends):
    norms = {kind: walk(kind, *ends, 11).norm(dim=1) for kind in ("lerp", "slerp")}
    low = ends.norm(dim=1).min()
    assert norms["slerp"].min() >= low - 1e-4
    assert norms["lerp"].min() < 0.8 * low


def test_slerp_turns_at_an_even_rate(ends):
    way = torch.nn.functional.normalize(slerp(*ends, 7), dim=1)
    angles = torch.arccos((way[:-1] * way[1:]).sum(1))
    whole = torch.arccos((way[0] * way[-1]).sum())
    torch.testing.assert_close(angles, (whole / 6).expand(6), atol=1e-4, rtol=1e-4)


def test_slerp_halfway_between_two_axes():
    middle = slerp(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0]), 3)[1]
    torch.testing.assert_close(middle, torch.full((2,), math.sqrt(2)))


@pytest.mark.parametrize("other", [[1.0, 2.0], [3.0, 6.0], [-1.0, -2.0], [0.0, 0.0]], ids=str)
def test_slerp_is_straight_where_no_great_circle_is_the_one(other):
    a, b = torch.tensor([1.0, 2.0]), torch.tensor(other)
    assert torch.equal(slerp(a, b, 5), lerp(a, b, 5))


def test_a_walk_that_cannot_be_is_refused(ends):
    with pytest.raises(ValueError, match=r"walk 'arc' is unknown: choose one of slerp, lerp\."):
        walk("arc", *ends, 5)
    with pytest.raises(ValueError, match="at least 2 steps, not 1"):
        walk("lerp", *ends, 1)


# Directions


@pytest.mark.parametrize("output", OUTPUTS)
def test_directions_are_those_of_the_derivative(output):
    g = model(z_dim=12, output=output)
    z = fixed(g.config, 6)
    found, strengths = directions(g, z, 4)
    slopes = [torch.autograd.functional.jacobian(lambda one: g(one[None]).flatten(), each) for each in z]  # (P, Z) each
    expected = torch.stack([j.t() @ j for j in slopes]).double().mean(0)
    values, vectors = torch.linalg.eigh(expected)
    torch.testing.assert_close(strengths.double(), values.flip(0)[:4].sqrt(), atol=1e-5, rtol=1e-3)
    agree = (found.double() @ vectors.flip(1)[:, :4]).abs()
    torch.testing.assert_close(agree, torch.eye(4, dtype=torch.float64), atol=1e-2, rtol=0)


def test_a_step_along_the_first_direction_changes_the_picture_more_than_any_other():
    g = model(z_dim=50)
    z = fixed(g.config, 100)
    found, strengths = directions(g, z, 50)
    torch.testing.assert_close(found @ found.t(), torch.eye(50), atol=1e-5, rtol=0)
    assert (strengths.diff() <= 1e-6).all()

    def change(direction: torch.Tensor) -> float:
        with torch.no_grad():
            return (g(z + 0.01 * direction) - g(z)).flatten(1).norm(dim=1).square().mean().sqrt().item() / 0.01

    assert change(found[0]) == pytest.approx(strengths[0].item(), rel=0.05)
    assert change(found[0]) > 1.3 * change(found[25]) > 1.3 * change(found[49])


def test_directions_are_the_same_at_every_call_and_point_one_way():
    g = model()
    found, _ = directions(g, fixed(g.config, 20), 3)
    assert torch.equal(found, directions(g, fixed(g.config, 20), 3)[0])
    assert (found.gather(1, found.abs().argmax(1, keepdim=True)) > 0).all()


@pytest.mark.parametrize("z_dim, count, most", [(5, 6, 5), (5, 0, 5), (300, 129, 128)])
def test_more_directions_than_there_are_is_refused(z_dim, count, most):
    g = model(z_dim=z_dim)
    with pytest.raises(ValueError, match=f"There are {most} principal directions here: ask for 1 to {most}"):
        directions(g, fixed(g.config, 2), count)


def test_moving_adds_up():
    along = torch.eye(3)[:2]
    assert moved(torch.ones(3), along, [2.0, -1.0]).tolist() == [3, 0, 1]


# Sheets


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 1, 28, 28), np.uint8)


def test_a_sheet_gives_its_pictures_back_in_16_levels_of_grey(pictures):
    sheet = sheet_png(pictures)
    picture = Image.open(io.BytesIO(sheet))
    assert picture.size == (224, 224)
    back = cells(sheet)
    assert set(np.unique(back)) == set(LEVELS)
    assert np.abs(back.astype(int) - pictures).max() <= 8
    assert (cells(sheet_png(back)) == back).all()
    assert len(sheet) < 26_000  # noise is the worst there is


def test_the_pictures_of_a_sheet_lie_row_by_row(pictures):
    pictures[:] = 0
    pictures[1] = 255
    sheet = np.asarray(Image.open(io.BytesIO(sheet_png(pictures))).convert("L"))
    assert sheet[:28, 28:56].min() == 255
    assert sheet.sum() == 255 * 28 * 28


def test_grey_rounds_and_is_never_out_of_range():
    assert grey(torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 1.0])).tolist() == [0, 0, 1, 255]


def test_an_animation_shows_every_sheet_with_its_caption(pictures):
    sheets = [sheet_png(pictures), sheet_png(255 - pictures), sheet_png(pictures)]
    gif = Image.open(io.BytesIO(animation(sheets, ["iteration 0", "iteration 1,000", "iteration 2,000"], 100, 2)))
    assert gif.n_frames == 3
    assert gif.info["loop"] == 0
    times, frames = [], []
    for number in range(3):
        gif.seek(number)
        times.append(gif.info["duration"])
        frames.append(np.asarray(gif.convert("L")).astype(int))
    assert times == [100, 100, 1000]
    top = frames[0].shape[0] - 448
    assert frames[0].shape[1] == 448
    for frame, sheet in zip(frames, sheets, strict=True):
        assert np.abs(frame[top::2, ::2] - np.asarray(Image.open(io.BytesIO(sheet)).convert("L"))).max() <= 2
    captions = [frame[:top] for frame in frames]
    assert all(part.max() > 200 for part in captions)
    assert not (captions[0] == captions[1]).all()


@pytest.mark.parametrize("captions", [[], ["one", "two"]])
def test_an_animation_of_nothing_or_without_words_is_refused(captions, pictures):
    with pytest.raises(ValueError, match="at least one sheet, and a caption for each"):
        animation([sheet_png(pictures)] if captions else [], captions)


def test_all_of_it_uses_no_global_randomness():
    g, state = model(), torch.get_rng_state()  # PyTorch's layers draw weights when they are made
    directions(g, latent.fixed(Config(z="sphere"), 3), 2)
    assert torch.equal(torch.get_rng_state(), state)
