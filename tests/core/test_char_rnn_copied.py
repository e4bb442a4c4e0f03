"""core/char_rnn/copied: the suffix search finds what a naive one finds, and says where it stands."""

from __future__ import annotations

import random

import numpy as np
import pytest

from core.char_rnn import copied
from core.char_rnn.copied import Index, suffix_array
from core.data import corpus

TEXTS = {
    "two letters": "".join(random.Random(0).choices("ab", k=700)),
    "words": "".join(random.Random(1).choices(["the ", "king ", "and ", "a", "\n"], k=200)),
    "one letter": "a" * 300,
    "a period": "abcabcab" * 40,
    "one character": "x",
    "as long as the first look": "abcdefgh",
    "a little longer": "abcdefgha",
}


def longest(query: str, text: str) -> list[int]:
    """The naive search."""
    return [next(n for n in range(len(query) - i, -1, -1) if query[i : i + n] in text) for i in range(len(query))]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_places_are_in_the_order_of_what_follows(text):
    order = suffix_array(text.encode())
    assert [text[i:] for i in order] == sorted(text[i:] for i in range(len(text)))
    assert order.dtype == np.int32


def test_texts_equal_for_long_are_ordered_as_far_as_promised():
    text = "b" + "a" * 3000
    order = suffix_array(text.encode())
    assert sorted(order) == list(range(len(text)))
    assert [text[i : i + copied.DEPTH] for i in order] == sorted(text[i : i + copied.DEPTH] for i in range(len(text)))


def test_an_empty_text_holds_nothing():
    matches = Index("").matches("abc")
    assert matches.lengths.tolist() == [0, 0, 0]
    assert Index("").passages(matches) == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("seed", range(3))
def test_the_search_finds_what_a_naive_one_finds(text, seed):
    rng = random.Random(seed)
    cut = rng.randrange(len(text))
    query = text[cut : cut + 40] + "".join(rng.choices("ab kxz", k=30)) + text[:20]
    matches = Index(text).matches(query)
    assert matches.lengths.tolist() == longest(query, text)
    for i, (n, place) in enumerate(zip(matches.lengths, matches.places, strict=True)):
        assert text[place : place + n] == query[i : i + n]


def test_nothing_is_found_in_nothing():
    matches = Index("abc").matches("")
    assert matches.lengths.shape == matches.places.shape == (0,)
    assert Index("abc").passages(matches) == []


PLAY = (
    "Alonso:\nGood boatswain, have care.\n\nBoatswain:\nI pray now, keep below.\nYou mar our labour.\n\nAll:\nLost!\n"
)


def test_passages_are_the_longest_stretches_with_their_places():
    index = Index(PLAY)
    text = "xx have care.\n\nBoatswain zz keep below.\nYou mar yy Lost! qq"
    found = index.passages(index.matches(text), most=3, least=5)
    assert [(p.text, p.start) for p in found] == [
        (" have care.\n\nBoatswain", 2),
        (" keep below.\nYou mar ", 27),
        ("Lost!", 51),
    ]
    for passage in found:
        assert PLAY[passage.offset : passage.offset + passage.length] == passage.text
        assert passage.line == PLAY[: passage.offset].count("\n") + 1
    assert [passage.speaker for passage in found] == ["Alonso", "Boatswain", "All"]


def test_passages_do_not_overlap_and_short_ones_are_left_out():
    index = Index(PLAY)
    matches = index.matches(PLAY)
    whole = index.passages(matches, least=5)
    assert [(p.start, p.length, p.offset) for p in whole] == [(0, len(PLAY), 0)]
    assert index.passages(index.matches("keep zz belov"), least=6) == []
    assert len(index.passages(index.matches("keep below? mar our? Lost!"), most=2, least=4)) == 2


def test_a_text_without_speakers_has_none():
    index = Index("once upon a time: there was\n\na king")
    assert [p.speaker for p in index.passages(index.matches("there was\n\na king"))] == [None]


@pytest.fixture(scope="module")
def plays() -> Index:
    return copied.index("shakespeare")


def test_what_was_copied_from_the_plays_is_found(plays):
    train = corpus.load("shakespeare").train
    text = "qxz " + train[300_000:300_400] + " zxq"
    passage = plays.passages(plays.matches(text))[0]
    assert passage.length >= 400
    assert text[4:404] in passage.text
    assert train[passage.offset : passage.offset + passage.length] == passage.text


def test_matches_in_the_plays_are_there_and_cannot_be_longer(plays):
    corpus_ = corpus.load("shakespeare")
    text = corpus_.heldout[1000:1060]
    matches = plays.matches(text)
    for i, (n, place) in enumerate(zip(matches.lengths, matches.places, strict=True)):
        assert corpus_.train[place : place + n] == text[i : i + n]
        assert i + n == len(text) or text[i : i + n + 1] not in corpus_.train
    assert 5 < matches.lengths.mean() < 12  # what plays that were held out share with the others


def test_an_index_is_made_once_and_of_the_training_text_alone(plays):
    assert copied.index("shakespeare") is plays
    assert len(plays.order) == len(corpus.load("shakespeare").train)
