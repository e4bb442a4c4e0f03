"""Primes of any text: the network writes on, what it does not know is named, and nothing of it becomes HTML."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.data import vocabulary
from tests.pages import driver
from tests.pages.driver import text

PRIMES = {
    "empty": "", "spaces": " \t\n ", "one character": "x", "201 characters": "ab " * 67,
    "emoji": "\U0001f600\u200d\U0001f525", "Arabic": "\u0645\u0631\u062d\u0628\u0627",
    "combining": "e\u0301a\u0308\u0323", "NUL": "a\0b", "ESC": "\x1b[31mred",
    "right to left": "abc\u202egnp.exe", "a megabyte": "x" * 1_000_000, "only unknown": "\u4f60\u597d\uffff",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "Markdown": "**a** [b](javascript:alert(1)) $x$ :red[x]",
    "a lone surrogate": "a\udcffb",
}  # fmt: skip
TYPED = ("spaces", "201 characters", "NUL", "ESC", "right to left", "only unknown", "HTML", "Markdown")


@pytest.mark.parametrize("prime", PRIMES.values(), ids=PRIMES)
def test_a_prime_becomes_characters_that_the_network_knows(prime: str) -> None:
    found = vocabulary.prime(prime)
    assert set(found.text) <= set(vocabulary.VOCABULARY)
    assert len(found.text) <= vocabulary.MOST_PRIME
    assert all(note.endswith(".") and note.isprintable() and len(note) < 400 for note in found.notes)
    assert found.notes or found.text == prime  # what is changed is said


@pytest.mark.parametrize("name", TYPED)
def test_the_page_writes_on_from_any_prime(name: str) -> None:
    app: AppTest = driver.opened("char_rnn", {"rnn_length": "10"})
    app.text_input(key="rnn_prime").set_value(PRIMES[name]).run()
    assert not app.exception, app.exception[0].stack_trace
    assert not app.error
    pages = [block.proto.body for block in app.get("html")] + [line.value for line in app.markdown if line.allow_html]
    assert not any("<script>" in body or "<img src=x" in body for body in pages)
    told = [note for note in vocabulary.prime(PRIMES[name]).notes if note.split()[0] in ("Left", "Only")]
    assert all(note.split(".")[0].split(":")[0] in text(app) for note in told)
