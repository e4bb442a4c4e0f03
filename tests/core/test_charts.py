"""Chart specs: constant while the rows change, and what the page relies on is in them."""

from __future__ import annotations

import json

import pytest

from core import charts

SPECS = {
    "curves": charts.curves(5, "accuracy (%)", (0, 100), 250),
    "losses": charts.curves(5, "loss (nats)", None, 250),
    "fair fight": charts.fair_fight((("SGD", charts.A), ("Adam", charts.B)), (1e-4, 0.3), 70, 300),
    "confusion": charts.confusion(("cat", "dog"), charts.A, "#333333", 380),
    "bars": charts.bars("right (%)", "#333333", 280),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_has_no_rows_and_a_fixed_height(name: str) -> None:
    spec = SPECS[name]
    assert "data" not in spec and "datasets" not in spec
    assert spec["height"] >= 190
    json.dumps(spec)


def test_the_same_chart_is_the_same_spec() -> None:
    assert charts.curves(5, "accuracy (%)", (0, 100), 250) is SPECS["curves"]


def test_the_epochs_have_a_fixed_domain_so_that_nothing_jumps() -> None:
    assert '"domain": [0, 5]' in json.dumps(SPECS["curves"])


def test_a_cell_can_be_picked_by_its_classes() -> None:
    pick = next(param for param in SPECS["confusion"]["params"] if param["name"] == "pick")
    assert pick["select"]["fields"] == ["true", "called"] and "value" not in pick


def test_a_cell_may_be_picked_from_the_start() -> None:
    spec = charts.confusion(("cat", "dog"), charts.A, "#333333", 380, first=("cat", "dog"))
    pick = next(param for param in spec["params"] if param["name"] == "pick")
    assert pick["value"] == [{"true": "cat", "called": "dog"}]


def test_the_sides_wear_their_colours() -> None:
    for name in ("curves", "bars"):
        assert f'"range": ["{charts.A}", "{charts.B}"]' in json.dumps(SPECS[name])
