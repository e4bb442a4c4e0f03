"""Linked maps: what is sent to the browser is what was given, on one scale, in proportion."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from pages._shared.components import scrubber
from pages._shared.components.maps import Column, Map, panel

N = 40


def decoded(text: str, kind: type = np.uint16) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def made(*columns: Column, **changes) -> dict:
    options = {"stream": "x", "labels": np.arange(N) % 10, "classes": list("0123456789"), "colors": ["#000"] * 10,
               "sprite": "", "across": 10, "hint": "", **changes}  # fmt: skip
    return panel(columns, **options)


def places(seed: int, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).normal(size=(N, 2))


def column(*maps: Map, **more) -> Column:
    return Column("A", ["untrained"], maps, **more)


def sent(given: dict, view: int = 0) -> list[np.ndarray]:
    return [decoded(text).reshape(N, 2) / 65535 for text in given["columns"][0]["maps"][view]["frames"]]


def test_distances_keep_their_proportions_and_nothing_lies_outside() -> None:
    wide = places(0) * [10, 1]
    (got,) = sent(made(column(Map("PCA", [wide], [[]]))))
    assert got.min() >= 0 and got.max() <= 1
    ratio = np.linalg.norm(got[0] - got[1:], axis=1) / np.linalg.norm(wide[0] - wide[1:], axis=1)
    assert ratio == pytest.approx(np.full(N - 1, ratio[0]), rel=1e-3)
    assert np.ptp(got[:, 0]) == pytest.approx(1, abs=1e-4)
    assert np.corrcoef(got[:, 1], wide[:, 1])[0, 1] == pytest.approx(-1)  # up is up


@pytest.mark.parametrize(("together", "widths"), [(True, [0.1, 1.0]), (False, [1.0, 1.0])])
def test_frames_share_a_scale_where_motion_means_change(together: bool, widths: list[float]) -> None:
    small = places(1, 0.1)
    frames = sent(made(column(Map("t-SNE", [small, 10 * small], [[], []], together=together))))
    assert [np.ptp(frame, axis=0).max() for frame in frames] == pytest.approx(widths, abs=1e-3)


def test_the_viewers_own_image_is_on_the_scale_of_the_points() -> None:
    view = Map("PCA", [places(2)], [[]], mark=(100.0, 0.0))
    given = made(column(view))
    (mark,) = given["columns"][0]["maps"][0]["marks"]
    assert mark[0] == 1.0
    assert sent(given)[0][:, 0].max() < 0.2


def test_verdicts_and_neighbours_come_through() -> None:
    called, certainty = np.arange(N) % 7, np.linspace(0, 1, N)
    near = np.random.default_rng(0).integers(0, N, (N, 9))
    given = made(column(Map("PCA", [places(3)], [[]]), called=[called], certainty=[certainty], near=[near]))
    (said,), (around,) = given["columns"][0]["said"], given["columns"][0]["near"]
    assert (decoded(said, np.uint8)[:N] == called).all()
    assert decoded(said, np.uint8)[N:] / 255 == pytest.approx(certainty, abs=1 / 255)
    assert (decoded(around).reshape(N, given["k"]) == near[:, : given["k"]]).all()


def test_a_map_without_points_is_an_empty_one() -> None:
    given = made(column(Map("PCA", [], [["Not laid out yet"]])))
    assert sent(given) == []
    scrubber.check(["0", "1"], [given])


def test_lists_that_do_not_fit_the_frames_are_refused() -> None:
    given = made(column(Map("PCA", [places(4)] * 2, [[]])))
    scrubber.check(["0", "1"], [given])
    with pytest.raises(ValueError, match="has 2 entries, not 3"):
        scrubber.check(["0", "1", "2"], [given])


def test_newer_frames_alone_may_be_sent() -> None:
    given = made(column(Map("PCA", [places(4)] * 2, [[]])), first=5)
    scrubber.check([str(i) for i in range(7)], [given])
