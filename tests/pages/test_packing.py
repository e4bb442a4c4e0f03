"""What a component gets is JSON that the browser can read, whatever numbers are in it, and however it was encoded."""

from __future__ import annotations

import json

import numpy as np

from pages._shared.components.packing import encoded, plain, told


def test_numbers_become_plain_and_gaps_none() -> None:
    given = {"y": np.array([1.5, np.nan], np.float32), "x": (np.int64(1), float("inf")), "label": "cat", "thin": True}
    assert plain(given) == {"y": [1.5, None], "x": [1, None], "label": "cat", "thin": True}


def test_what_was_encoded_before_is_sent_as_if_it_had_not_been() -> None:
    panels = [{"title": 'a "quoted" ✓ title', "y": np.array([1.0, np.inf])}, {"type": "curves"}]
    at_once, before = told({"at": 1, "panels": panels}), told({"at": 1, "panels": encoded(panels)})
    assert json.loads(at_once) == {"at": 1, "panels": plain(panels)}
    assert before == at_once
