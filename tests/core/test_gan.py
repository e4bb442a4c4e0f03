"""core/gan: a training equal to a naive one, two objectives in lock-step, and records that mean what they say."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from core import data, gan, runs
from core.data import Dataset, Split
from core.gan import Config, Progress, latent, measures
from core.gan import match as gan_match
from core.gan.latent import LATENTS
from core.gan.match import Match, batches
from core.gan.objectives import OBJECTIVES
from core.rng import generator
from core.runs import Diverged, RunError, recorder

COUNT = 12  # iterations of a comparison


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return data.load("mnist")


@pytest.fixture(scope="module")
def small(mnist: Dataset) -> Dataset:
    """The first images of MNIST."""
    splits = {name: Split(s.images[:n], s.labels[:n]) for name, s, n in
              (("train", mnist.train, 200), ("test", mnist.test, 100))}  # fmt: skip
    return dataclasses.replace(mnist, **splits, identity="small")


def settings(**changes) -> Config:
    return Config(**{"iterations": COUNT, "batch_size": 16, "seed": 1, **changes})


def match_of(config: Config, dataset: Dataset) -> Match:
    return Match(config, dataset, gan.build(config, dataset), gan.build_discriminator(config))


# A naive loop


def losses(name: str, d: nn.Module, real: torch.Tensor, fake: torch.Tensor, share: float = 0.0):
    """The discriminator's loss, and the generator's given D's score of its images, written as in the literature."""
    a, b = d(real), d(fake)
    if name in ("bce", "raw-log", "minimax", "course", "leak"):
        d_loss = -((1 - share) * a.sigmoid().log() + share * (1 - a.sigmoid()).log() + (1 - b.sigmoid()).log()).mean()
    elif name == "least-squares":
        d_loss = 0.5 * ((a - 1 + share) ** 2).mean() + 0.5 * (b**2).mean()
    elif name == "hinge":
        d_loss = (1 - a).clamp(min=0).mean() + (1 + b).clamp(min=0).mean()
    else:
        d_loss = b.mean() - a.mean()
    return d_loss


def generators_loss(name: str, score: torch.Tensor) -> torch.Tensor:
    p = score.sigmoid()
    if name in ("bce", "raw-log"):
        return -p.log().mean()
    if name in ("course", "leak"):
        return -(p.log() + (1 - p).log()).mean()
    if name == "minimax":
        return (1 - p).log().mean()
    return 0.5 * ((score - 1) ** 2).mean() if name == "least-squares" else -score.mean()


def naive(config: Config, dataset: Dataset) -> tuple[list[list[float]], list[torch.Tensor]]:
    """The losses of both networks after each iteration, and the last weights, of a loop as in a tutorial."""
    nets = []
    for network, last in ((gan.build(config, dataset), True), (gan.build_discriminator(config), False)):
        out = (nn.Sigmoid() if config.output == "sigmoid" else nn.Tanh()) if last else nn.Identity()
        plain = nn.Sequential(nn.Linear(*network.first.weight.shape[::-1]), nn.ReLU(),
                              nn.Linear(*network.second.weight.shape[::-1]), out)  # fmt: skip
        with torch.no_grad():
            for mine, theirs in zip(plain.parameters(), network.parameters(), strict=True):
                mine.copy_(theirs)
        nets.append(plain)
    g, d = nets
    g_adam, d_adam = (torch.optim.Adam(n.parameters(), lr) for n, lr in ((g, config.lr_g), (d, config.lr_d)))
    x = torch.tensor(dataset.train.images).flatten(1) / 255
    x = x if config.output == "sigmoid" else 2 * x - 1
    order = batches(config, len(x))
    z_d, z_g, mix = (generator(config.seed, name) for name in ("z of D", "z of G", "penalty"))
    n, told = config.batch_size, []
    for _ in range(config.iterations):
        zs = LATENTS[config.z](torch.empty(config.d_steps * n, config.z_dim), z_d).split(n)
        fresh = zs[-1]
        if not OBJECTIVES[config.objective].shared_z:
            fresh = LATENTS[config.z](torch.empty(n, config.z_dim), z_g)
        for z in zs:
            real, fake = x[next(order)], g(z).detach()
            d_loss = losses(config.objective, d, real, fake, config.smoothing)
            if config.objective == "wgan-gp":
                share = torch.rand(n, 1, generator=mix)
                between = (share * real + (1 - share) * fake).requires_grad_()
                (slopes,) = torch.autograd.grad(d(between).sum(), between, create_graph=True)
                d_loss = d_loss + 10 * ((slopes.norm(dim=1) - 1) ** 2).mean()
            d_adam.zero_grad()
            d_loss.backward()
            d_adam.step()
        g_loss = generators_loss(config.objective, d(g(fresh)))
        g_adam.zero_grad()
        g_loss.backward()
        g_adam.step()
        told.append([d_loss.item(), g_loss.item()])
    return told, list(g.parameters())


CASES = {
    **{name: {"objective": name} for name in OBJECTIVES},
    "tanh": {"output": "tanh"},
    "on the sphere": {"z": "sphere", "z_dim": 9},
    "uniform z": {"z": "uniform"},
    "three steps of D": {"d_steps": 3},
    "three steps of D, its z again": {"d_steps": 3, "objective": "course"},
    "penalty, three steps of D": {"d_steps": 3, "objective": "wgan-gp", "output": "tanh"},
    "smoothed": {"smoothing": 0.1},
    "smoothed squares": {"smoothing": 0.1, "objective": "least-squares"},
    "learning rates": {"lr_d": 0.0003, "lr_g": 0.003},
    "an odd batch": {"batch_size": 13},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_training_equals_a_naive_loop(changes, small):
    config = settings(**changes)
    model = gan.build(config, small)
    match = Match(config, small, model, gan.build_discriminator(config))
    found = []
    for step in range(1, COUNT + 1):
        match.iterate()
        record = match.record(step)
        found.append([record["d_loss"], record["g_loss"]])
    expected, weights = naive(config, small)
    smoothed_squares = config.smoothing and config.objective == "least-squares"  # differ by a constant
    constant = 0.5 * config.smoothing * (1 - config.smoothing) if smoothed_squares else 0
    np.testing.assert_allclose(np.array(found) - [constant, 0], expected, atol=2e-3, rtol=2e-3)
    start = gan.build(config, small)
    for ours, theirs, before in zip(model.parameters(), weights, start.parameters(), strict=True):
        assert (ours - theirs).norm() < 0.02 * (ours - before).norm()


# Lock-step


def seen(name: str, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> tuple[list[list[int]], list[float]]:
    """The batches that a training takes, and a number that stands for each z that D is shown."""
    taken, zs = [], []

    def watched(config, images):
        for batch in batches(config, images):
            taken.append(batch.tolist())
            yield batch

    def fill(z, rng):
        filled = z.normal_(generator=rng)
        if rng.initial_seed() == generator(1, "z of D").initial_seed():
            zs.append(filled.sum().item())
        return filled

    monkeypatch.setattr(gan_match, "batches", watched)
    monkeypatch.setitem(LATENTS, "normal", fill)
    match = match_of(settings(objective=name), dataset)
    for _ in range(30):  # more than two epochs of 12 batches
        match.iterate()
    return taken, zs


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "bce"])
def test_two_objectives_see_the_same_batches_and_z(name, small, monkeypatch):
    expected = seen("bce", small, monkeypatch)
    assert seen(name, small, monkeypatch) == expected
    assert [len(part) for part in expected] == [30, 30]
    assert len(set(expected[1])) == 30


def test_another_seed_is_another_start_and_other_settings_are_not(small):
    for build in (gan.build, lambda config, _: gan.build_discriminator(config)):
        same, other = (build(settings(seed=seed), small).first.weight for seed in (1, 2))
        assert torch.equal(build(settings(objective="hinge", lr_g=0.1, smoothing=0.1), small).first.weight, same)
        assert not torch.equal(same, other)
    first = [next(batches(settings(seed=seed), 200)).tolist() for seed in (1, 1, 2)]
    assert first[0] == first[1] != first[2]


def test_every_epoch_shows_every_image_once_but_for_a_part_of_a_batch():
    taken = [batch.tolist() for batch in itertools.islice(batches(settings(batch_size=64), 200), 6)]
    epochs = [list(itertools.chain(*taken[start : start + 3])) for start in (0, 3)]
    for epoch in epochs:
        assert len(set(epoch)) == 192
        assert set(epoch) <= set(range(200))
    assert epochs[0] != epochs[1]


def test_a_batch_larger_than_the_data_is_refused(small):
    with pytest.raises(ValueError, match="A batch of 201 needs more than the 200 training images"):
        list(gan.train(settings(batch_size=201), small))


@pytest.fixture(scope="module")
def trained(mnist: Dataset) -> dict[str, list[Progress]]:
    """The records of 300 iterations, of "bce" twice."""
    short = {"bce": "bce", "again": "bce", "raw-log": "raw-log", "leak": "leak"}
    return {name: list(gan.train(Config(objective=o, iterations=300, seed=1), mnist)) for name, o in short.items()}


def numbers(record: Progress) -> dict[str, float]:
    values = dataclasses.asdict(record)
    return {name: value for name, value in values.items() if isinstance(value, int | float)}


def test_raw_log_is_bce_for_300_iterations_and_the_leak_is_not(trained):
    for ours, other in zip(trained["bce"], trained["raw-log"], strict=True):
        assert numbers(ours) == pytest.approx(numbers(other), abs=1e-4)
    assert trained["bce"][-1].g_loss != pytest.approx(trained["leak"][-1].g_loss, abs=0.01)


def test_training_twice_gives_the_same_records(trained):
    assert trained["again"] == trained["bce"]
    assert trained["bce"][1:] != trained["leak"][1:]
    assert trained["bce"][0] == trained["leak"][0]


# Records


def test_records_come_every_100_iterations_and_sheets_with_some(trained):
    for records in trained.values():
        assert [record.step for record in records] == [0, 100, 200, 300]
        assert [record.sample is not None for record in records] == [True, False, True, True]
        assert [record.frechet is not None for record in records] == [True, False, True, True]
        assert [record.g_loss is not None for record in records] == [False, True, True, True]
        assert [record.snapshot for record in records] == [True, False, False, True]
        assert {record.steps for record in records} == {300}


@pytest.mark.parametrize(
    "iterations, every, sheets",
    [(1, 200, 2), (300, 200, 3), (20_000, 200, 101), (25_000, 200, 126), (50_000, 500, 101), (100_000, 1000, 101),
     (1_000_000, 1000, 1001)],
)  # fmt: skip
def test_about_a_hundred_sheets(iterations, every, sheets):
    assert settings(iterations=iterations).sheet_every == every
    assert len({*range(0, iterations + 1, every), iterations}) == sheets
    assert every % gan.RECORD_EVERY == 0


def test_weights_are_kept_at_seven_steps_of_a_long_run():
    kept = [step for step in range(0, 100_001, 100) if Progress(step, 100_000).snapshot]
    assert kept == [0, 1000, 5000, 10_000, 20_000, 50_000, 100_000]
    assert Progress(345, 345).snapshot


def test_a_record_is_the_mean_over_the_iterations_since_the_last(small):
    one, many = (match_of(settings(), small) for _ in range(2))
    each = []
    for step in range(1, 8):
        many.iterate()
        one.iterate()
        each.append(one.record(step))
    mean = many.record(7)
    for name in ("d_loss", "g_loss", "d_real", "d_fake"):
        assert mean[name] == pytest.approx(np.mean([record[name] for record in each]), rel=1e-5)
    for name in ("d_grad", "g_grad"):
        assert mean[name] == each[-1][name] > 0


def test_records_are_plain_short_values_for_json(trained):
    for record in trained["raw-log"]:
        values = dataclasses.asdict(record)
        values.pop("sample")
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        assert {type(v) for v in values.values()} <= {int, float, list, type(None)}
        assert all(value == float(f"{value:.6g}") for value in numbers(record).values())
        assert record.log_zero == (None if record.step == 0 else 0)


def test_a_sheet_is_the_first_64_of_the_fixed_z(trained, mnist):
    model = gan.build(Config(seed=1), mnist)
    sheet = np.asarray(Image.open(io.BytesIO(trained["bce"][0].sample)).convert("L"))
    drawn = latent.images(model, latent.fixed(model.config, 64)).reshape(8, 8, 28, 28)
    assert sheet.shape == (224, 224)
    assert np.abs(sheet.reshape(8, 28, 8, 28).swapaxes(1, 2).astype(int) - drawn).max() <= 9  # 16 levels of grey


def test_histograms_count_2000_answers_each(trained):
    for record in (trained["bce"][0], trained["bce"][-1]):
        assert record.d_range == [0.0, 1.0]
        for counts in (record.d_real_histogram, record.d_fake_histogram):
            assert (len(counts), sum(counts)) == (20, 2000)
    first, last = (np.average(np.arange(20), weights=trained["bce"][i].d_real_histogram) for i in (0, -1))
    assert first < 14 < 18 < last  # D has learned what is real


def test_histograms_of_scores_say_their_range(small):
    config = settings(objective="wgan-gp")
    discriminator = gan.build_discriminator(config)
    real, fake = torch.ones(30, 1, 28, 28), torch.zeros(20, 1, 28, 28)
    found = gan.answers(config, discriminator, real, fake)
    ends = sorted([discriminator(real)[0].item(), 0.0])  # no biases yet
    assert found["d_range"] == pytest.approx(ends, rel=1e-5)
    counts = found["d_real_histogram"], found["d_fake_histogram"]
    assert sorted(part.index(sum(part)) for part in counts) == [0, 19]
    assert [sum(part) for part in counts] == [30, 20]
    same = gan.answers(config, discriminator, fake, fake)  # one score alone
    assert sum(same["d_real_histogram"]) == 20
    assert same["d_range"][0] < same["d_range"][1]


def test_log_0_is_counted_guarded_and_said(small):
    found = {}
    for name in ("course", "leak"):
        match = match_of(settings(objective=name, lr_d=100.0, lr_g=100.0), small)
        for _ in range(20):
            match.iterate()
        found[name] = match.record(20)
    assert found["course"]["log_zero"] > 100
    assert found["leak"]["log_zero"] == 0
    assert all(math.isfinite(value) for value in found["course"].values())


# Training, and what may go wrong


def test_it_learns_to_draw(mnist):
    """The penalty keeps D gentle, so that there is something to see early; with others it takes longer."""
    config = Config(objective="wgan-gp", iterations=400, seed=1)
    first, last = itertools.islice(gan.train(config, mnist), 0, None, 4)
    assert (first.step, last.step) == (0, 400)
    assert last.frechet < 0.8 * first.frechet
    assert last.unsure < 0.4 * first.unsure


def test_modes_do_not_leak_to_whoever_reads_the_records(mnist):
    model = gan.build(settings(iterations=200), mnist)
    for _ in gan.train(settings(iterations=200), mnist, model):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert model.training
        assert model(torch.zeros(1, 100)).requires_grad


def test_a_training_can_be_left_and_the_weights_are_in_hand(mnist):
    model = gan.build(settings(), mnist)
    before = model.second.weight.detach().clone()
    records = gan.train(settings(), mnist, model)
    next(records)
    assert torch.equal(model.second.weight, before)
    next(records)
    records.close()
    assert not torch.equal(model.second.weight, before)
    assert list(records) == []


@pytest.mark.parametrize("objective", ["least-squares", "wgan-gp"])
def test_a_diverging_training_says_so(objective, small):
    match = match_of(settings(objective=objective, lr_d=1e6, lr_g=1e6), small)
    with pytest.raises(Diverged, match=r"no longer a finite number at step \d+"):
        for step in range(1, 200):
            match.iterate()
            match.record(step)


def test_the_step_at_which_a_loss_was_lost_is_exact(small):
    match = match_of(settings(), small)
    for step in range(10):
        if step == 6:
            match._d.flat.fill_(math.nan)
        match.iterate()
    with pytest.raises(Diverged, match="at step 107") as caught:
        match.record(110)
    assert caught.value.step == 107


def test_a_diverged_run_keeps_its_samples(tmp_path):
    config = Config(objective="least-squares", iterations=500, lr_d=1e6, lr_g=1e6)
    lock = recorder.create(tmp_path / "run", "gan", config)
    run = recorder.perform(tmp_path / "run")
    lock.release()
    assert run.status == "diverged"
    assert run.reason.endswith("try a lower learning rate.")
    assert run.samples == [0]
    assert run.sample(0).startswith(b"\x89PNG")


# Weights


def test_a_restored_generator_draws_the_same_and_is_frozen(mnist):
    config = settings(output="tanh", z_dim=7)
    model = gan.build(config, mnist)
    restored = gan.restore(config, model.state_dict())
    z = latent.fixed(config, 5)
    assert torch.equal(restored(z), model(z))
    assert not any(p.requires_grad for p in restored.parameters())


DAMAGED = {  # what is wrong, and the end of the sentence about it
    "nothing": (lambda state: {}, "first.weight is missing."),
    "a layer missing": (lambda state: {name: state[name] for name in list(state)[:3]}, "second.bias is missing."),
    "a layer too many": (lambda state: {**state, "third.weight": torch.zeros(2)}, "third.weight is too much."),
    "z of another dimension": (lambda state: {**state, "first.weight": torch.zeros(128, 50)},
                               "first.weight has the shape (128, 50) instead of (128, 100)."),
    "no tensor": (lambda state: {**state, "first.bias": None}, "first.bias has the shape () instead of (128,)."),
}  # fmt: skip


@pytest.mark.parametrize("damage, end", DAMAGED.values(), ids=DAMAGED)
def test_weights_of_another_network_are_refused_in_a_sentence(damage, end, mnist):
    state = gan.build(settings(), mnist).state_dict()
    with pytest.raises(RunError) as caught:
        gan.restore(settings(), damage(state))
    assert str(caught.value) == f"The weights are not those of a generator that starts from 100 numbers: {end}"


# The config

REFUSED = {  # what is asked for, and words of the answer
    "unknown objective": ({"objective": "bcee"}, ["'bcee'", "bce, raw-log, minimax, course, leak", "wgan-gp"]),
    "unknown z": ({"z": "gauss"}, ["'gauss'", "normal, uniform, sphere"]),
    "unknown output": ({"output": "relu"}, ["'relu'", "sigmoid, tanh"]),
    "an objective in a list": ({"objective": ["bce"]}, ["objective", "['bce']"]),
    "z of no dimension": ({"z_dim": 0}, ["z_dim", "between 1 and 1024", "0"]),
    "huge z": ({"z_dim": 1_000_000}, ["z_dim", "1024", "1000000"]),
    "half a dimension": ({"z_dim": 0.5}, ["z_dim", "0.5"]),
    "no iterations": ({"iterations": 0}, ["iterations", "1"]),
    "endless iterations": ({"iterations": 10**9}, ["iterations", "1e+06"]),
    "all label taken off": ({"smoothing": 1.0}, ["smoothing", "0.5"]),
    "no step of D": ({"d_steps": 0}, ["d_steps", "between 1 and 10"]),
    "no images": ({"batch_size": 0}, ["batch_size", "1024"]),
    "learning rate 0": ({"lr_d": 0.0}, ["lr_d", "1e-07"]),
    "no number for a learning rate": ({"lr_g": math.nan}, ["lr_g", "nan"]),
    "words for a learning rate": ({"lr_g": "0.1"}, ["lr_g", "'0.1'"]),
    "true for a seed": ({"seed": True}, ["seed", "True"]),
    "negative seed": ({"seed": -1}, ["seed", "0"]),
}


@pytest.mark.parametrize("changes, words", REFUSED.values(), ids=REFUSED)
def test_a_wrong_setting_is_refused_with_what_is_possible(changes, words):
    with pytest.raises(ValueError, match=r"\.$") as caught:
        settings(**changes)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "changes",
    [{"z_dim": 1}, {"z_dim": 1024}, {"smoothing": 0}, {"smoothing": 0.5}, {"d_steps": 10}, {"iterations": 1_000_000}],
    ids=str,
)
def test_the_ends_of_the_ranges_are_allowed(changes):
    assert dataclasses.asdict(settings(**changes)).items() >= changes.items()


def test_whole_numbers_for_rates_name_the_same_run():
    assert settings(lr_d=1, smoothing=0) == settings(lr_d=1.0, smoothing=0.0)
    assert runs.run_name("gan", Config(lr_g=1)) == runs.run_name("gan", Config(lr_g=1.0))
    assert runs.run_name("gan", Config(objective="raw-log")).startswith("gan-raw-log-i20000-s42-")


def test_a_generator_is_measured_on_its_own_fixed_z(mnist):
    model = gan.build(settings(), mnist)
    assert gan.measure(model, mnist) == measures.of_pictures(model(latent.fixed(model.config)).detach(), mnist)
