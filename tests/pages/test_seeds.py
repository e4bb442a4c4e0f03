"""Bands over recorded seeds: one switch, the same on every page that has them."""

from __future__ import annotations

import pytest

from pages._char_rnn import library, loss
from pages._char_rnn.settings import FIRST
from pages._shared import seeds
from tests.pages.driver import opened


def bands(query: dict[str, str], page: str) -> int:
    """How many bands the pictures of a page show."""
    app = opened(page, query)
    assert [toggle.label for toggle in app.toggle if toggle.key == seeds.KEY] == ["Bands over recorded seeds"]
    sent = (element.proto.bytes.decode().replace(" ", "") for element in app.get("bidi_component"))
    return sum(data.count('"band":[[') for data in sent)


@pytest.mark.parametrize("page", ["classifier", "gan"])
def test_the_switch_takes_the_bands_away(page: str) -> None:
    assert bands({}, page) == 2  # of A and of B
    assert bands({seeds.KEY: "false"}, page) == 0


def test_a_band_holds_what_the_seeds_have() -> None:
    assert seeds.band([[1, 5, 2], [3, 4, 9], [2, 2, 2]], 2) == [[1, 3], [2, 5]]
    assert seeds.band([[1, 5, 2]], 2) is None  # one seed is no spread
    assert seeds.band([[1, 5, 2], [1]], 2) is None  # one has not come that far


def test_the_band_of_a_loss_holds_the_curve_of_every_seed() -> None:
    run = library.find(library.networks()[FIRST].name)
    rows = loss.rows({"A": run, "B": None}, bands=True)
    band = {row["step"]: (row["value"], row["high"]) for row in rows if row["kind"] == "band"}
    assert len(band) == len([record for record in run.history() if "heldout_loss" in record])
    assert len(library.seeds(run)) > 1
    for each in library.seeds(run):
        for record in each.history():
            if "heldout_loss" in record:
                low, high = band[record["step"]]
                assert low <= record["heldout_loss"] <= high
    assert not [row for row in loss.rows({"A": run, "B": None}) if row["kind"] == "band"]
