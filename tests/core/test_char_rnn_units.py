"""core/char_rnn/units: features mean what they say, a unit that keeps track of one is found among those that don't."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core import char_rnn
from core.char_rnn import Config, units
from core.char_rnn.measures import stretches
from core.char_rnn.units import FEATURES, rankings
from core.data import corpus
from core.data.vocabulary import VOCABULARY

MARKED = {  # feature → text, and for each of its characters where the feature is on
    "space": ("to be, or\n", "  1   1    "),
    "capital": ("Ay, SIR a\n", "1   111   "),
    "punctuation": ("a, b.\tc:d!", " 1  1  1 1"),
    "vowel": ("To bE, Io", " 1  1  11"),
    "speaker": ("Ay:\nno\n\nFirst Lord:\nSee: no\n\nwhat\n", "11      1111111111                  "),
    "quote": ('he said "Ay, no" \n', "        1111111   "),
}


@pytest.mark.parametrize("name, case", MARKED.items(), ids=MARKED)
def test_features_are_on_where_they_should_be(name, case):
    text, marks = case
    values = FEATURES[name].values(text)
    assert "".join("1" if value else " " for value in values) == marks[: len(text)].ljust(len(text))
    assert set(values) <= {0.0, 1.0}


@pytest.mark.parametrize(
    "text, on",
    [
        ("Cry, 'Welcome, ladies!'--", "Welcome, ladies!"),
        ("'Tis the king's, not his.", ""),
        ("say \"go\"", "go"),
        ("\"one\n\ntwo\"", ""),
    ],
)  # fmt: skip
def test_quotations_are_told_from_apostrophes(text, on):
    values = FEATURES["quote"].values(text)
    assert "".join(char for char, value in zip(text, values, strict=True) if value).strip("'\"") == on


def test_distances_count_up_from_the_last_beginning():
    assert FEATURES["line"].values("ab\n\ncd").tolist() == [1, 2, 0, 0, 1, 2]
    assert FEATURES["word"].values("it's, a\nbc").tolist() == [1, 2, 3, 4, 0, 0, 1, 0, 1, 2]
    assert FEATURES["line"].values("x" * 300).max() == units.FAR


def test_the_passage_is_where_the_feature_changes_most():
    text = "a b\n" * 100 + "SIR, AY\nAy, Sir\n" * 10 + "a b\n" * 100
    assert units.passage(text, "capital", 160) == "SIR, AY\nAy, Sir\n" * 10
    assert units.passage("short", "capital", 160) == "short"
    assert len(units.passage(TEXT, "speaker")) == 400


TEXT = corpus.load("shakespeare").heldout[:6000]


@pytest.fixture
def planted(monkeypatch) -> char_rnn.CharRNN:
    """A network of 2 × 6 units of noise, but for two that keep track of spaces, one of them upside down."""
    model = char_rnn.build(Config(hidden=6))
    codes, _ = stretches(TEXT)
    (t, n), space = (codes.shape[0] - 1, codes.shape[1]), (codes[:-1] == VOCABULARY.index(" ")).double()
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=(2, t, n, 6))).float()
    noise[1, :, :, 4] = 0.2 * noise[1, :, :, 4] + space
    noise[0, :, :, 2] = 0.5 * noise[0, :, :, 2] - space
    noise[0, :, :, 0] = 0.25  # one that never moves
    monkeypatch.setattr(units, "surprise", lambda model, x: (None, list(noise)))
    return model


def test_units_that_keep_track_are_found(planted):
    found = rankings(planted, TEXT)
    assert list(found) == list(FEATURES)
    best = found["space"].units
    assert [(unit.layer, unit.unit) for unit in best[:2]] == [(1, 4), (0, 2)]
    assert best[0].r > 0.8
    assert best[1].r < -0.5
    assert [abs(unit.r) for unit in best] == sorted((abs(unit.r) for unit in best), reverse=True)
    assert len({(unit.layer, unit.unit) for unit in best}) == len(best) == 12
    assert (best[-1].layer, best[-1].unit, best[-1].r) == (0, 0, 0.0)


def test_chance_is_what_units_reach_on_a_feature_that_means_nothing(planted):
    found = rankings(planted, TEXT)
    assert 0 < found["space"].chance < 0.1
    assert abs(found["space"].units[2].r) < 2 * found["space"].chance  # noise
    assert abs(found["line"].units[0].r) < 0.2 < abs(found["space"].units[1].r)


def test_what_is_too_rare_is_not_ranked(planted):
    found = rankings(planted, TEXT)["quote"]
    assert found.units == ()
    assert found.count == np.count_nonzero(FEATURES["quote"].values(TEXT[:-1])) < units.RARE


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_correlations_are_those_of_numpy_with_what_the_network_reads(cell):
    """A text of one stretch, read character by character."""
    from core.char_rnn.writing import Network, read

    model, text = char_rnn.build(Config(cell=cell, layers=2, hidden=5)), TEXT[:900]
    hidden = read(Network(model), text[:-1]).hidden
    found = rankings(model, text)["vowel"]
    for unit in found.units:
        wanted = np.corrcoef(hidden[:, unit.layer, unit.unit], FEATURES["vowel"].values(text[:-1]))[0, 1]
        assert unit.r == pytest.approx(wanted, abs=1e-4)
