"""Pictures stay on the screen from run to run: what their viewer did to them lives in the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from tests.pages.driver import opened

PICTURES = {
    "classifier": "explorer_scrubber",
    "embeddings": "explorer_scrubber",
    "char_rnn": "explorer_writer",
    "gan": "explorer_scrubber",
    "adversarial": "explorer_perturbation",
}


@pytest.fixture
def sent() -> Iterator[list[ForwardMsg]]:
    """All that the server puts into the queue for a browser, one message after the other, none left out."""
    messages: list[ForwardMsg] = []
    ForwardMsgQueue.on_before_enqueue_msg(lambda message: messages.append(message))
    yield messages
    ForwardMsgQueue.on_before_enqueue_msg(None)


@pytest.mark.parametrize("page", PICTURES)
def test_no_run_empties_the_place_of_the_picture_before_it_fills_it(page: str, sent: list[ForwardMsg]):
    opened(page, {})
    pictures, emptied = [], set()
    for message in (message for message in sent if message.WhichOneof("type") == "delta"):
        path, element = tuple(message.metadata.delta_path), message.delta.new_element
        if element.WhichOneof("type") == "empty":
            emptied.add(path)
        elif PICTURES[page] in element.bidi_component.component_name:
            pictures.append(path)
    assert pictures
    assert {path[-1] for path in pictures} == {0}  # where a training's first container replaces it
    assert not {path[:depth] for path in pictures for depth in range(1, len(path) + 1)} & emptied
