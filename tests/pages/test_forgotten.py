"""A preset makes the page forget its controls; Streamlit may still call what was to happen when they change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import streamlit as st

from pages._adversarial import settings as adversarial
from pages._char_rnn import settings as char_rnn

CALLED = [
    (adversarial._other_network, ({},)),
    (adversarial._other_attack, ("mnist",)),
    (char_rnn._to_the_last, ("A", {})),
    (char_rnn._cut, ()),
    (char_rnn._take, ()),
]


@pytest.mark.parametrize(("callback", "arguments"), CALLED, ids=[callback.__name__ for callback, _ in CALLED])
def test_a_control_that_is_forgotten_changes_nothing(callback: Callable, arguments: tuple) -> None:
    before = dict(st.session_state.to_dict())
    callback(*arguments)
    assert st.session_state.to_dict() == before
