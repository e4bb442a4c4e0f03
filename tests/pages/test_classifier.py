"""The classifier page without a browser: what it shows, what it trains, and what bad input does to it."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import runs
from core.classifier import Config
from core.runs import run_name
from pages._classifier import live, notice, settings, tabs
from pages._shared.again import AGAIN
from tests.pages import driver
from tests.pages.driver import text

QUICK = {"clf_data": "MNIST", "clf_epochs": "1", "clf_images": "1000"}  # trains in a second


def opened(**query: str) -> AppTest:
    return driver.opened("classifier", query)


def test_it_opens_on_a_replay_of_sgd_and_adam() -> None:
    app = opened()
    assert "**differs:** optimizer · **same:** learning rate 0.001, activation LeakyReLU, seed 42" in text(app)
    assert app.button(key="clf_download").label == "Download CIFAR-10, 170 MB"  # without its images nothing is trained
    sgd, adam = (run_name("classifier", Config(optimizer=name)) for name in ("sgd", "adam"))
    assert f"A `{sgd}`" in text(app) and f"B `{adam}`" in text(app)
    assert "A over 5 seeds" in text(app) and "JPEG copies" in text(app)


@pytest.mark.parametrize("tab", tabs.NAMES)
@pytest.mark.parametrize("data", ["CIFAR-10", "MNIST", "Fashion-MNIST"])
def test_every_tab_runs_with_and_without_the_images(data: str, tab: str) -> None:
    app = opened(clf_data=data, clf_tab=tab)
    assert not app.error
    assert ("not on this machine" in text(app)) == (data != "MNIST")


@pytest.mark.parametrize(
    "query",
    [
        {"clf_a_lr": "nan"}, {"clf_a_lr": "7"}, {"clf_b_optimizer": "<b>x</b>"}, {"clf_seed": "-1"},
        {"clf_seed": "inf"}, {"clf_seed": "1e400"}, {"clf_epochs": "9999999"}, {"clf_epochs": "2.5"},
        {"clf_data": "../../etc"}, {"clf_tab": "Nowhere"}, {"clf_epoch": "-3"}, {"clf_epoch": "99999999999"},
        {"clf_epoch": "²"}, {"clf_overlay": "nothing"}, {"clf_image": "nan"}, {"bands": "perhaps"},
    ],
    ids=str,
)  # fmt: skip
def test_nonsense_in_the_link_means_the_default(query: dict[str, str]) -> None:
    app = opened(**query)
    assert not app.error
    assert app.selectbox(key="clf_a_lr").value == 0.001
    assert app.selectbox(key="clf_b_optimizer").value == "Adam"
    assert app.number_input(key="clf_seed").value == 42
    assert app.selectbox(key="clf_data").value == "cifar10"


def trained(app: AppTest) -> AppTest:
    """Press Train; the page follows the training to its end before it returns."""
    app.button(key="clf_train").click().run(timeout=90)
    assert not app.exception, app.exception[0].stack_trace
    return app


def test_training_live_ends_in_a_replay_that_others_see_at_once(own_runs: Path) -> None:
    app = opened(**QUICK)
    assert "Nothing is recorded with these settings yet" in text(app)
    assert app.button(key="clf_train").label == "Train live"
    trained(app)
    found = [runs.read(path) for path in (own_runs / "classifier").iterdir()]
    assert sorted(run.config["optimizer"] for run in found) == ["adam", "sgd"]
    assert all(run.status == "done" for run in found)
    assert app.button(key="clf_train").label == "Train again"

    other = opened(**QUICK)
    assert "Nothing is recorded" not in text(other)


def test_training_again_gives_the_same_numbers() -> None:
    app = trained(opened(**QUICK))
    assert "bit for bit" not in text(app)
    trained(app)
    assert text(app).count("the same numbers, bit for bit") == 2


def test_a_repetition_that_was_stopped_is_told_beside_the_recording(own_runs: Path) -> None:
    app = trained(opened(**QUICK))
    recorded = [*(own_runs / "classifier").iterdir()]
    for path in recorded:
        repetition = shutil.copytree(path, path.with_name(path.name + AGAIN)) / "run.json"
        told = json.loads(repetition.read_text()) | {"status": "stopped", "reason": "Stopped by its viewer."}
        repetition.write_text(json.dumps(told))
    app.session_state[live.REPEATED] = [path.name + AGAIN for path in recorded]
    app.run()
    for side in "AB":
        assert f"{side}, trained again: Stopped by its viewer. What is shown was recorded before." in text(app)
    assert "Nothing is recorded" not in text(app)


def test_a_run_that_diverges_keeps_its_chart_and_says_at_which_step() -> None:
    app = trained(opened(**QUICK, clf_a_lr="10", clf_tab="Numbers"))
    assert "A: diverged. The loss was no longer a finite number at step" in text(app)
    assert "lower learning rate" in text(app)
    assert len(app.get("vega_lite_chart")) + len(app.get("arrow_vega_lite_chart")) >= 2


@pytest.mark.parametrize("content", ["", "no json", "[]", "{}", json.dumps({"format": 99})])
def test_broken_run_folders_are_listed_with_the_reason(content: str, own_runs: Path) -> None:
    folder = own_runs / "classifier" / "broken"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(content)
    app = opened(clf_tab="Numbers")
    assert "broken" in text(app)


@pytest.mark.parametrize("damage", ["config", "history"])
def test_a_damaged_recording_of_these_settings_counts_as_none(damage: str, own_runs: Path) -> None:
    app = trained(opened(**QUICK))
    for path in (own_runs / "classifier").iterdir():
        if damage == "config":
            stored = json.loads((path / "run.json").read_text())
            (path / "run.json").write_text(json.dumps({**stored, "config": {"optimizer": 3}}))
        else:
            (path / "history.jsonl").write_text("rubbish\n" * 3)
    app = opened(**QUICK)
    assert "Nothing is recorded with these settings yet" in text(app)


def png(size: tuple[int, int] = (50, 40)) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(packed, "PNG")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(png(), None), (b"no picture", "not a PNG"), (png()[:60], "."), (png((9000, 10)), "8")],
    ids=["good", "text", "truncated", "too wide"],
)
def test_uploads_are_shown_or_refused_in_a_sentence(content: bytes, sentence: str | None) -> None:
    app = opened(clf_tab="Look inside", clf_source="Upload")
    app.file_uploader(key="clf_upload").upload("picture.png", content, "image/png")
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    assert [sentence in warning.value for warning in app.warning] == ([] if sentence is None else [True])
    assert ("What the networks say" in text(app)) == (sentence is None)


def chosen(a: dict, b: dict) -> settings.Settings:
    return settings.Settings(Config(**a), Config(**b), bands=True, overlay=[])


@pytest.mark.parametrize(
    ("a", "b", "differs", "says"),
    [
        ({"optimizer": "sgd"}, {}, ["optimizer"], "SGD has hardly begun"),
        ({"activation": "tanh"}, {}, ["activation"], "same weights"),
        ({"lr": 0.1}, {}, ["learning rate"], "One number"),
        ({}, {}, [], "bit for bit"),
        ({"optimizer": "sgd", "lr": 0.1}, {}, ["optimizer", "learning rate"], "a learning rate of its own"),
        ({"optimizer": "sgd", "activation": "tanh"}, {}, ["optimizer", "activation"], "2 things differ"),
    ],
)
def test_the_page_says_what_differs(a: dict, b: dict, differs: list[str], says: str) -> None:
    assert settings.differences(chosen(a, b))[0] == differs
    assert says in notice.notice(chosen(a, b))
    assert "initial weights" in settings.differences(chosen(a, b))[1]
