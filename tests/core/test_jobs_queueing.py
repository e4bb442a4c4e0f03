"""The model of the queue, against what can be worked out by hand."""

from __future__ import annotations

import json

import pytest

from core import __main__ as command_line
from core.jobs.queueing import HOUR, Hall, simulate, waits


@pytest.mark.parametrize(
    ("arrivals", "lengths", "cores", "expected"),
    [
        ([], [], 2, []),
        ([0, 0, 0, 0], [10, 10, 10, 10], 2, [0, 0, 10, 10]),
        ([0, 1, 2], [10, 2, 5], 2, [0, 0, 1]),  # the third takes the core of the second, which is free first
        ([0, 1, 2], [10, 10, 10], 1, [0, 9, 18]),
        ([0, 100], [10, 10], 1, [0, 0]),
    ],
)
def test_first_come_first_served(arrivals, lengths, cores, expected):
    assert waits(arrivals, lengths, cores) == expected


def test_one_viewer_never_waits():
    seen = simulate(Hall(viewers=1, cores=1, length=20, pause=30, hours=50))
    assert seen["wait_p50_s"] == seen["wait_p95_s"] == 0
    assert seen["trainings_an_hour"] == pytest.approx(HOUR / 50, rel=0.05)
    assert seen["busy"] == pytest.approx(20 / 50, rel=0.05)


def test_more_viewers_than_cores_can_serve_keep_them_all_busy():
    seen = simulate(Hall(viewers=100, cores=2, length=20, pause=30, hours=5))
    assert seen["busy"] > 0.99
    assert seen["trainings_an_hour"] == pytest.approx(2 * HOUR / 20, rel=0.03)
    # Little's law: viewers = trainings a second × (pause + wait + training)
    assert seen["wait_p50_s"] == pytest.approx(100 * 20 / 2 - 30 - 20, rel=0.05)


def test_the_same_seed_gives_the_same_hour():
    assert simulate(Hall(seed=3)) == simulate(Hall(seed=3)) != simulate(Hall(seed=4))


def test_more_cores_wait_less():
    late = [simulate(Hall(viewers=60, cores=cores, pause=120, hours=5))["wait_p95_s"] for cores in (4, 8, 16)]
    assert late[0] > late[1] > late[2] == 0


@pytest.mark.parametrize(
    "wrong", [{"viewers": 0}, {"cores": -1}, {"length": float("nan")}, {"pause": 0.0}, {"hours": 1e9}]
)
def test_a_hall_that_cannot_be(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be above 0"):
        Hall(**wrong)


def test_the_command_line_tells_what_the_model_says(capsys):
    assert command_line.main(["simulate", "--viewers", "1000", "--cores", "16", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["wait_p95_s"] == pytest.approx(simulate(Hall(viewers=1000, cores=16))["wait_p95_s"], abs=0.001)
    assert command_line.main(["simulate", "--viewers", "1000"]) == 0
    assert "busy 100% of the time" in capsys.readouterr().out
    assert command_line.main(["simulate", "--cores", "0"]) == 2
    assert capsys.readouterr().err == "cores must be above 0 and at most 1,024, not 0.\n"
