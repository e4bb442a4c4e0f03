"""core/data/vocabulary and core/data/corpus: nothing that somebody types or uploads is changed without saying so."""

from __future__ import annotations

import string
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from core import data
from core.data import DataMissing, corpus, vocabulary

# The vocabulary


def test_every_printable_character_survives_the_way_there_and_back():
    codes = vocabulary.encode(string.printable)
    assert codes.tolist() == list(range(100))
    assert vocabulary.decode(codes) == string.printable
    assert vocabulary.decode(vocabulary.encode("To be,\n\tor not\r\x0b\x0c")) == "To be,\n\tor not\r\x0b\x0c"
    assert vocabulary.encode("").shape == (0,)


@pytest.mark.parametrize("char", ["é", "’", "\0", "\x7f", "\x80", "😀", "\ud800"])
def test_other_characters_are_refused_by_name(char):
    with pytest.raises(ValueError, match="Not in the vocabulary of 100 characters: ") as caught:
        vocabulary.encode(f"a{char}b{char}")
    assert "(2 times)" in str(caught.value)
    str(caught.value).encode("utf-8")  # a message that can be shown


NAMES = {
    "’": "’ right single quotation mark",
    "é": "é latin small letter e with acute",
    "\0": "U+0000",
    "\x07": "U+0007",
    "\x7f": "U+007F",
    "\ud800": "U+D800",
    "\u200b": "zero width space",
    "\xa0": "no-break space",
    "😀": "😀 grinning face",
    "\U000f0000": "U+F0000",
}


@pytest.mark.parametrize("char, name", NAMES.items(), ids=NAMES.values())
def test_characters_are_named_so_that_one_can_tell_them_apart(char, name):
    assert vocabulary.spelled(Counter(char)) == name


def test_the_most_frequent_characters_are_named_and_the_others_counted():
    said = vocabulary.spelled(Counter("ééé" + "ü" * 9 + "äößàç"))
    assert said.startswith(
        "ü latin small letter u with diaeresis (9 times), é latin small letter e with acute (3 times)"
    )
    assert said.endswith(", 2 others")
    assert vocabulary.spelled(Counter("äöüßàç")).endswith(", 1 other")


PRIMES = {  # what is typed, what is used, words of each note
    "as it is": ("The", "The", []),
    "with a newline at its end": ("First Citizen:\n", "First Citizen:\n", []),
    "empty": ("", "\n", ["The prime is empty, so the text starts from a newline"]),
    "emoji alone": ("😀😀", "\n", ["😀 grinning face (2 times)", "Nothing is left of the prime"]),
    "with control characters": ("a\0b\x07", "ab", ["Left out 2 characters that the network does not know"]),
    "with one accent": ("café", "caf", ["Left out 1 character that the network does not know: é latin"]),
    "as long as allowed": ("x" * 1000, "x" * 1000, []),
    "too long": ("a" + "x" * 1000, "x" * 1000, ["Only the last 1,000 of 1,001 characters are used."]),
    "a megabyte": ("ab" * 2**19, "ab" * 500, ["Only the last 1,000 of 1,048,576 characters are used."]),
    "a megabyte of emoji": ("😀" * 2**20, "\n", ["1,048,576 characters", "Nothing is left"]),
    "too long and foreign": ("é" * 5 + "y" * 2000, "y" * 1000, ["5 times", "of 2,000 characters"]),
}


@pytest.mark.parametrize("typed, used, words", PRIMES.values(), ids=PRIMES)
def test_what_is_done_to_a_prime_is_said(typed, used, words):
    prime = vocabulary.prime(typed)
    assert prime.text == used
    assert len(prime.notes) == len(words)
    assert all(word in note and note.endswith(".") for word, note in zip(words, prime.notes, strict=True))


# The embedded text


def test_the_plays_are_there_whole_and_in_the_vocabulary():
    plays = corpus.load("shakespeare")
    assert len(plays.text) == 1_035_163
    assert plays.text.startswith("First Citizen:\n")
    assert vocabulary.foreign(plays.text) == Counter()
    assert plays.train + plays.heldout == plays.text
    assert len(plays.heldout) == round(0.05 * len(plays.text))
    assert corpus.load("shakespeare") is plays


# Texts of one's own

LONG = "All the world's a stage,\nand all the men and women merely players.\n" * 40


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(data, "data_dir", lambda: tmp_path)
    return tmp_path / "texts"


def test_a_text_that_fits_is_taken_as_it_is():
    for content in (LONG, LONG.encode(), b"\xef\xbb\xbf" + LONG.encode(), "\ufeff" + LONG):
        assert corpus.own(content) == corpus.Own(LONG, ())


def test_what_is_done_to_a_text_is_said_with_counts():
    typographic = LONG.replace("'", "’").replace("\n", "\r\n") + "é"
    for content in (typographic, typographic.encode()):
        own = corpus.own(content)
        assert own.text == LONG.replace("'", "")
        assert own.notes == (
            "Left out 41 characters that the network does not know: ’ right single quotation mark (40 times), "
            "é latin small letter e with acute.",
            "80 line ends of another system (carriage returns) became newlines.",
        )
    assert corpus.own(LONG.replace("\n", "\r")).text == LONG


UNFIT = {
    "nothing": (b"", "The text has 0 characters, but training needs at least 2,000."),
    "too short": ("x" * 1999, "The text has 1,999 characters, but training needs at least 2,000."),
    "too short for what is known": ("é" * 5000, "0 characters that the network knows, but training needs"),
    "too long": (b"x" * 5_000_001, "The text has 5.0 MB, more than the 5 MB allowed: take a part."),
    "too many bytes for its characters": ("é" * 2_500_001, "more than the 5 MB allowed"),
    "Latin-1": (LONG.encode() + "é".encode("latin-1"), "The file is not UTF-8 text (byte 2,681 does not fit)"),
    "UTF-16": (LONG.encode("utf-16"), "The file is not UTF-8 text (byte 1 does not fit)"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(3000), "The file is not UTF-8 text (byte 1 does not fit)"),
}


@pytest.mark.parametrize("content, words", UNFIT.values(), ids=UNFIT)
def test_an_unfit_text_is_refused_in_a_sentence(content, words):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$|.*try again\.$") as caught:
        corpus.own(content)
    assert words in str(caught.value)
    assert type(caught.value) is ValueError


def test_the_ends_of_the_range_are_allowed():
    assert corpus.own("x" * 2000).notes == corpus.own(b"x" * 5_000_000).notes == ()


def test_a_kept_text_is_found_by_its_name_as_it_was(folder):
    own = corpus.own(LONG.replace("stage", "st\tage"))
    name = corpus.keep(own)
    assert corpus.keep(own) == name == own.name
    kept = corpus.load(name)
    assert (kept.text, f"own-{kept.identity}") == (own.text, name)
    assert [file.name for file in folder.iterdir()] == [f"{name}.txt"]
    assert corpus.own(LONG).name != name
    assert data.names() == list(data.TITLES)  # the folder of texts is no data set


def test_a_text_that_is_gone_or_changed_is_missed(folder):
    with pytest.raises(DataMissing, match=r"The text own-0{16} is not on this machine: upload it once more\."):
        corpus.load("own-" + "0" * 16)
    name = corpus.keep(corpus.own(LONG))
    (folder / f"{name}.txt").write_bytes(LONG.encode() + b"\xff")
    with pytest.raises(DataMissing, match="is not the one that was kept"):
        corpus.load(name)


@pytest.mark.parametrize(
    "name", ["", "mnist", "../texts/own-0000000000000000", "own-0", "shakespeare\n", "own-" + "G" * 16]
)
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=r"There is no text .* Known: shakespeare"):
        corpus.load(name)


@pytest.mark.parametrize("length", [2000, 2001, 12_345])
def test_a_twentieth_of_a_text_is_held_out(length):
    text = corpus.Corpus("own-", "", vocabulary.decode(np.arange(length) % 100), "")
    assert len(text.heldout) == round(length / 20)
    assert text.train + text.heldout == text.text
