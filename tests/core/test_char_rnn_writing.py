"""core/char_rnn, writing and expectation: one character at a time gives the numbers of the network, said rightly."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from core import char_rnn
from core.char_rnn import CharRNN, Config, measures
from core.char_rnn.expectation import BLOCK, choose, distribution, draw
from core.char_rnn.recurrent import MODULES
from core.char_rnn.writing import Network, Writer, read, write
from core.data.vocabulary import VOCABULARY, encode

TEXT = "First Citizen:\nWe know't, we know't.\n\tAnd so on, \"and\" on & on... 1602\r\x0b\x0c~"
SIZES = [(1, 5), (2, 20), (3, 7)]  # layers, hidden units


def lively(cell: str, layers: int = 2, hidden: int = 20, seed: int = 0) -> CharRNN:
    """An untrained network whose weights are large enough for its answers to differ from character to character."""
    model = char_rnn.build(Config(cell=cell, layers=layers, hidden=hidden, seed=seed))
    for parameter in model.requires_grad_(False).parameters():
        parameter.mul_(2)
    return model


@pytest.fixture(params=MODULES, scope="module")
def model(request) -> CharRNN:
    return lively(request.param)


@pytest.fixture
def network(model) -> Network:
    return Network(model)


def log_p(model: CharRNN, text: str) -> np.ndarray:
    """log p of every character of the vocabulary after each of the text, by the network as torch runs it: (T, V)."""
    return model(torch.from_numpy(encode(text)).long()[None]).double().log_softmax(-1)[0].numpy()


# The network


@pytest.mark.parametrize("layers, hidden", SIZES)
@pytest.mark.parametrize("cell", MODULES)
def test_step_by_step_is_the_same_as_the_whole_sequence_at_once(cell, layers, hidden):
    model = lively(cell, layers, hidden)
    reading = read(Network(model), TEXT)
    x = torch.from_numpy(encode(TEXT)).long()[None]
    np.testing.assert_allclose(reading.logits, model(x)[0], atol=2e-5)
    states, _ = model.rnn(model.embedding(x))
    np.testing.assert_allclose(reading.hidden[:, -1], states[0], atol=1e-5)
    _, every = measures.surprise(model, x.t())
    np.testing.assert_allclose(reading.hidden[:-1], torch.stack(every)[:, :, 0].permute(1, 0, 2), atol=1e-5)
    assert reading.hidden.shape == (len(TEXT), layers, hidden)


def test_reading_can_be_gone_on_with(network):
    whole, state = read(network, TEXT), read(network, TEXT[:30]).state
    for i, index in enumerate(encode(TEXT[30:]).tolist(), start=30):
        state, logits = network.step(state, index)
        assert np.array_equal(logits, whole.logits[i])


def test_a_network_does_not_change_with_the_model_it_was_made_of():
    model = lively("gru")
    network = Network(model)
    before = read(network, TEXT).logits
    for parameter in model.parameters():
        parameter.zero_()
    assert np.array_equal(read(network, TEXT).logits, before)


# Reading


def test_surprise_is_what_torch_says(model, network):
    reading = read(network, TEXT)
    wanted = -log_p(model, TEXT)[np.arange(len(TEXT) - 1), encode(TEXT)[1:]]
    assert math.isnan(reading.surprise[0])
    np.testing.assert_allclose(reading.surprise[1:], wanted, atol=1e-5)
    assert reading.expected(0) is None
    for i in (1, 2, len(TEXT) - 1):
        assert -math.log(reading.expected(i).of(TEXT[i])) == pytest.approx(reading.surprise[i])


def test_one_character_can_be_read(network):
    reading = read(network, "a")
    assert (reading.logits.shape, reading.hidden.shape) == ((1, 100), (1, 2, 20))
    assert len(reading.surprise) == 1


@pytest.mark.parametrize("text, words", [("", "There is no text to read."), ("é", "latin small letter e with acute")])
def test_what_cannot_be_read_is_refused(text, words, network):
    for attempt in (read, Writer, lambda network, text: write(network, text, 5)):
        with pytest.raises(ValueError, match=words):
            attempt(network, text)


# Distributions

LOGITS = np.random.default_rng(0).normal(size=100).astype(np.float32) * 3
LOGITS[LOGITS.argmax()] += 1  # clearly ahead


@pytest.mark.parametrize("temperature", [0.01, 0.2, 0.8, 1.0, 1.7, 10.0])
def test_temperature_divides_the_logits(temperature):
    found = distribution(LOGITS, temperature)
    wanted = torch.from_numpy(LOGITS).double().div(temperature).softmax(0).numpy()
    np.testing.assert_allclose(found.p, wanted, rtol=1e-12, atol=1e-300)
    assert found.p.sum() == pytest.approx(1)


def test_temperature_0_is_where_low_temperatures_lead():
    coldest, zero = distribution(LOGITS, 0.01), distribution(LOGITS, 0)
    assert zero.top(1) == [(VOCABULARY[LOGITS.argmax()], 1.0)]
    assert zero.entropy == 0
    np.testing.assert_allclose(coldest.p, zero.p, atol=1e-6)


def test_of_equally_probable_characters_temperature_0_takes_the_first():
    assert distribution(np.zeros(100, np.float32), 0).top(1) == [("0", 1.0)]


@pytest.mark.parametrize("k", [1, 2, 10, 99, 100])
def test_top_k_shares_everything_among_the_k_most_probable(k):
    every, some = distribution(LOGITS, 0.8), distribution(LOGITS, 0.8, k)
    kept = some.p > 0
    assert kept.sum() == k
    assert every.p[kept].min() >= every.p[~kept].max(initial=0)
    np.testing.assert_allclose(some.p[kept], every.p[kept] / every.p[kept].sum())
    assert np.array_equal(distribution(LOGITS, 0.8, 100).p, every.p)


def test_top_k_of_equally_probable_characters_are_k():
    assert np.flatnonzero(distribution(np.zeros(100, np.float32), 1.0, 3).p).tolist() == [0, 1, 2]


def test_entropy_and_alternatives():
    assert distribution(np.zeros(100, np.float32)).entropy == pytest.approx(math.log(100))
    found = distribution(LOGITS)
    assert found.entropy == pytest.approx(-(found.p * np.log(found.p)).sum())
    entropies = [distribution(LOGITS, temperature).entropy for temperature in (0.0, 0.2, 0.8, 1.0, 3.0)]
    assert entropies == sorted(entropies)
    top = found.top(10)
    assert [p for _, p in top] == sorted(found.p, reverse=True)[:10]
    assert all(found.of(char) == p for char, p in top)


@pytest.mark.parametrize("temperature, top_k", [(-1, 0), (0.005, 0), (11, 0), (math.nan, 0), (1, -1), (1, 101)])
def test_settings_out_of_range_are_refused_before_anything_is_written(temperature, top_k, network):
    with pytest.raises(ValueError, match=r"^(The temperature|top_k) must be .*\.$"):
        write(network, "The", 5, temperature, top_k)


# Drawing


def test_choice_follows_the_probabilities():
    p = distribution(LOGITS).p
    n = 20_000
    found = np.bincount([choose(p, (i + 0.5) / n) for i in range(n)], minlength=100) / n
    np.testing.assert_allclose(found, p, atol=1.5 / n)


@pytest.mark.parametrize("u", [0.0, 0.3, 0.5, np.nextafter(1, 0)])
def test_what_is_impossible_is_never_chosen(u):
    p = np.zeros(100)
    p[[7, 50]] = 0.5
    assert choose(p, u) == (7 if u < 0.5 else 50)


def test_draws_are_uniform_and_belong_to_their_seed():
    draws = [draw(3, i) for i in range(5 * BLOCK)]
    assert draws == [draw(3, i) for i in range(5 * BLOCK)]
    assert len(set(draws)) == len(draws)
    assert 0 <= min(draws) < 0.01 < 0.99 < max(draws) < 1
    assert np.mean(draws) == pytest.approx(0.5, abs=0.03)
    assert not set(draws) & {draw(4, i) for i in range(5 * BLOCK)}


# Writing


def written(network: Network, prime: str = "The", length: int = 300, **settings) -> str:
    return "".join(step.char for step in write(network, prime, length, **settings))


def test_the_same_seed_writes_the_same_text(network):
    assert written(network, seed=5) == written(network, seed=5) != written(network, seed=6)
    assert written(network, length=40, seed=5) == written(network, seed=5)[:40]
    assert written(network, length=0) == ""


def test_streaming_is_the_same_as_scoring_the_text_at_once(model, network):
    steps = list(write(network, TEXT, 100, temperature=1.3, seed=1))
    text = TEXT + "".join(step.char for step in steps)
    reading, torchs = read(network, text), log_p(model, text)
    for i, step in enumerate(steps, start=len(TEXT)):
        assert np.array_equal(step.before.p, reading.expected(i).p)
        assert step.surprise == pytest.approx(reading.surprise[i])
        assert np.array_equal(step.after.p, reading.expected(i, 1.3).p)
        assert step.surprise == pytest.approx(-torchs[i - 1, VOCABULARY.index(step.char)], abs=1e-4)


def test_each_character_is_the_one_its_draw_falls_on(network):
    for i, step in enumerate(write(network, "The", 50, temperature=0.9, top_k=20, seed=2)):
        assert step.draw == draw(2, i)
        shares = np.cumsum(step.after.p)
        index = VOCABULARY.index(step.char)
        assert (shares[index - 1] if index else 0) <= step.draw <= shares[index] + 1e-12
        assert step.probability == step.after.p[index] > 0
        assert (step.temperature, step.top_k) == (0.9, 20)


def test_temperature_0_takes_the_most_probable_character_each_time(network):
    state, logits = read(network, "The").state, read(network, "The").logits[-1]
    for step in write(network, "The", 60, temperature=0):
        index = int(logits.argmax())
        assert (step.char, step.probability) == (VOCABULARY[index], 1.0)
        state, logits = network.step(state, index)
    assert (
        written(network, temperature=0, seed=1) == written(network, temperature=0, seed=2) == written(network, top_k=1)
    )


@pytest.mark.parametrize("seed", range(4))
def test_with_the_same_draws_two_temperatures_differ_only_where_the_distributions_do(seed, network):
    """Up to the first difference both are in the same state; there, one draw falls on different characters' shares."""
    pair = zip(*(write(network, "The", 300, temperature=t, seed=seed) for t in (0.9, 1.0)), strict=True)
    for i, (cool, warm) in enumerate(pair):
        assert cool.draw == warm.draw == draw(seed, i)
        assert np.array_equal(cool.before.p, warm.before.p)
        assert cool.char == VOCABULARY[choose(distribution(warm.logits, 0.9).p, warm.draw)]
        if cool.char != warm.char:
            break
    assert cool.char != warm.char  # they do differ
    assert not np.array_equal(cool.after.p, warm.after.p)


@pytest.mark.parametrize("settings", [{"top_k": 100}, {"temperature": 0.8}], ids=str)
def test_with_the_same_draws_equal_distributions_write_the_same(settings, network):
    assert written(network, **settings) == written(network)


def test_settings_may_change_while_it_writes(network):
    writer, settings = Writer(network, "The", seed=4), [(0.5, 0), (1.5, 0), (0, 0), (1.0, 3)] * 5
    steps = [writer.step(*setting) for setting in settings]
    assert [(step.temperature, step.top_k) for step in steps] == settings
    text = "The" + "".join(step.char for step in steps)
    assert np.array_equal(writer.logits, read(network, text).logits[-1])
    assert np.array_equal(writer.hidden, read(network, text).hidden[-1])


def test_a_copy_of_a_writer_goes_on_by_itself(network):
    writer = Writer(network, "The", seed=4)
    for _ in range(10):
        writer.step()
    twin = copy.copy(writer)
    assert [writer.step().char for _ in range(50)] == [twin.step().char for _ in range(50)]
    assert twin.step(0).char == copy.copy(writer).step(0).char
