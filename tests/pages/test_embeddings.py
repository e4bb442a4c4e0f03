"""The embeddings page without a browser: what it shows, what it lays out and trains, and what bad input does to it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import runs
from core.embeddings import Config
from pages._embeddings import library, live, numbers, picture, readings, settings, tabs
from pages._embeddings.settings import Settings
from tests.pages import driver
from tests.pages.driver import text

QUICK = {"emb_points": "500", "emb_iterations": "50"}  # laid out in seconds


def opened(**query: str) -> AppTest:
    return driver.opened("embeddings", query)


def press(app: AppTest, key: str) -> AppTest:
    """Press a button; the page follows what it starts to its end before it returns."""
    app.button(key=key).click().run(timeout=120)
    assert not app.exception, app.exception[0].stack_trace
    return app


def shown(**changes) -> Settings:
    shipped = library.networks()[settings.FIRST]
    tsne = {"perplexity": 30.0, "iterations": 750, "exaggeration": 12.0, "init": "pca"}
    default = {"networks": {"A": shipped, "B": shipped}, "epoch": 0, "layer": "features", "points": 2000, "seed": 42,
               "pixels": False, "unfold": False, "tsne": tsne}  # fmt: skip
    return Settings(**{**default, **changes})


def layouts(chosen: Settings) -> picture.Found:
    return {place: library.find(config) for place, config in chosen.configs().items()}


def test_it_opens_on_untrained_and_trained_by_pca_and_tsne() -> None:
    app = opened()
    assert "**differs:** epoch · **same:** 2\u202f000 images, features, perplexity 30" in text(app)
    assert "Nothing is laid out" not in text(app)
    found = layouts(shown())
    epochs = picture.frames(shown(), found)
    assert epochs == list(range(11))
    (given,) = json.loads(picture.recorded(shown(), found, epochs).json)
    assert [(column["side"], [view["title"] for view in column["maps"]]) for column in given["columns"]] == [
        ("A", ["PCA", "t-SNE"]), ("B", ["PCA", "t-SNE"]),
    ]  # fmt: skip
    assert [len(view["frames"]) for column in given["columns"] for view in column["maps"]] == [1, 1, 11, 11]
    assert given["columns"][0]["titles"] == ["untrained"]
    assert given["sprite"].startswith("data:image/png")


def test_the_raw_pixels_are_a_third_column() -> None:
    chosen = shown(pixels=True)
    (given,) = json.loads(picture.recorded(chosen, layouts(chosen), list(range(11))).json)
    assert [column["titles"][0] for column in given["columns"]] == ["raw pixels", "untrained", "untrained"]
    assert not opened(emb_pixels="true").error


@pytest.mark.parametrize("tab", tabs.NAMES)
def test_every_tab_runs(tab: str) -> None:
    app = opened(emb_tab=tab)
    assert not app.error and not app.warning


@pytest.mark.parametrize("tab", tabs.NAMES)
def test_every_tab_runs_where_nothing_is_laid_out(tab: str) -> None:
    app = opened(emb_tab=tab, emb_points="1000")
    assert "Nothing is laid out with these settings yet" in text(app)
    assert not app.error


@pytest.mark.parametrize(
    "query",
    [
        {"emb_a_network": "<b>x</b>"}, {"emb_b_network": "../../etc"}, {"emb_a_epoch": "99"}, {"emb_layer": "9"},
        {"emb_perplexity": "nan"}, {"emb_perplexity": "31"}, {"emb_seed": "-1"}, {"emb_seed": "inf"},
        {"emb_scrub": "Nowhere"}, {"emb_frame": "-3"}, {"emb_frame": "99999999"}, {"emb_frame": "²"},
        {"emb_points": "7"}, {"emb_iterations": "1e400"}, {"emb_exaggeration": "nan"}, {"emb_tab": "x"},
        {"emb_pixels": "perhaps"}, {"emb_train_epochs": "999"}, {"emb_real": "x"}, {"emb_init": "sideways"},
    ],
    ids=str,
)  # fmt: skip
def test_nonsense_in_the_link_means_the_default(query: dict[str, str]) -> None:
    app = opened(**query)
    assert not app.error
    assert app.selectbox(key="emb_a_network").value == app.selectbox(key="emb_b_network").value == settings.FIRST
    assert app.selectbox(key="emb_perplexity").value == 30
    assert app.selectbox(key="emb_points").value == 2000
    assert app.number_input(key="emb_seed").value == 42
    assert "Nothing is laid out" not in text(app)


def test_a_perplexity_from_a_third_of_the_points_on_is_warned_of() -> None:
    assert not opened(emb_points="500", emb_perplexity="100").warning
    app = opened(emb_points="500", emb_perplexity="200")
    assert "from a third of them on" in app.warning[0].value


def test_a_perplexity_of_all_points_is_refused_in_a_sentence() -> None:
    app = opened(emb_points="500", emb_perplexity="500")
    assert "perplexity must be below the number of points" in app.warning[0].value
    assert app.selectbox(key="emb_perplexity").value == 500  # and the control is still there


def test_laying_out_live_ends_in_maps_that_others_see_at_once() -> None:
    app = press(opened(**QUICK), "emb_layout")
    assert "Nothing is laid out" not in text(app)
    assert app.button(key="emb_layout").label == "Unfold"
    other = opened(**QUICK)
    assert "Nothing is laid out" not in text(other)


def test_unfolding_shows_every_tenth_iteration() -> None:
    press(opened(**QUICK, emb_scrub=settings.UNFOLDING), "emb_layout")
    chosen = shown(points=500, unfold=True, tsne={"perplexity": 30.0, "iterations": 50, "exaggeration": 12.0,
                                                  "init": "pca"})  # fmt: skip
    found = layouts(chosen)
    assert picture.frames(chosen, found) == [0, 10, 20, 30, 40, 50]
    (given,) = json.loads(picture.recorded(chosen, found, picture.frames(chosen, found)).json)
    assert [len(view["frames"]) for view in given["columns"][1]["maps"]] == [1, 6]


def test_swapping_what_is_the_same_is_told() -> None:
    app = opened()
    app.button(key="swap").click().run()
    assert [toast.value for toast in app.toast] == ["What can be swapped is the same in A and in B."]


def test_a_network_of_ones_own_is_trained_and_laid_out() -> None:
    app = opened(**QUICK, emb_train_epochs="1", emb_train_images="1\u202f000")
    press(app, "emb_train")
    own = "Small CNN, seed 7, 1 epochs, 1000 images"
    assert app.selectbox(key="emb_a_network").value == app.selectbox(key="emb_b_network").value == own
    assert "Nothing is laid out" not in text(app)
    chosen = shown(points=500, networks=dict.fromkeys("AB", library.networks()[own]),
                   tsne={"perplexity": 30.0, "iterations": 50, "exaggeration": 12.0, "init": "pca"})  # fmt: skip
    assert picture.frames(chosen, layouts(chosen)) == [0, 1]
    assert live.NETWORK not in app.session_state


@pytest.mark.parametrize(
    ("layer", "named", "said"),
    [
        ("Logits", "logits, perplexity", "where two clumps touch, it hesitates"),
        ("Convolution 1", "convolution 1, perplexity", "This layer is not the last"),
    ],
)
def test_a_layer_is_named_as_in_its_list_and_told_for_what_it_is(layer: str, named: str, said: str) -> None:
    told = text(opened(emb_layer=layer))
    assert named in told and said in told


def test_recorded_classifiers_can_be_looked_at() -> None:
    titles = list(library.networks())
    assert "MNIST adam 0.001 tanh, seed 42" in titles
    app = opened(emb_b_network="MNIST adam 0.001 tanh, seed 42", **QUICK)
    assert "**differs:** network, epoch" in text(app)
    press(app, "emb_layout")
    assert "Nothing is laid out" not in text(app)


def test_a_damaged_layout_counts_as_none(own_runs: Path) -> None:
    press(opened(**QUICK), "emb_layout")
    for path in (own_runs / "embeddings").iterdir():
        (path / "history.jsonl").write_text("rubbish\n" * 3)
    assert "Nothing is laid out with these settings yet" in text(opened(**QUICK))


def test_damaged_points_are_told_in_a_sentence(own_runs: Path) -> None:
    press(opened(**QUICK), "emb_layout")
    for file in (own_runs / "embeddings").rglob("*.safetensors"):
        file.write_bytes(b"rubbish")
    library.points.clear()
    picture._recorded.clear()
    app = opened(**QUICK)
    assert "not those that were recorded" in text(app)


def test_the_table_to_take_home_has_a_line_an_image() -> None:
    found = layouts(shown())
    table = list(csv.DictReader(io.StringIO(numbers._csv(shown(), found, 10))))
    assert len(table) == 2000
    points = library.points_of(found["B", "tsne"], 10)
    assert [int(row["class"]) for row in table] == points.labels.tolist()
    assert [float(row["b_tsne_x"]) for row in table] == pytest.approx(points.places[:, 0], rel=1e-4, abs=1e-4)
    assert np.mean([row["b_prediction"] == row["class"] for row in table]) > 0.98
    assert np.mean([row["a_prediction"] == row["class"] for row in table]) < 0.3


def test_the_readings_follow_from_the_figures() -> None:
    assert readings.reading(0.98, 0.985) != readings.reading(0.95, 0.985) != readings.reading(0.5, 0.985)
    assert "48.0 points" in readings.reading(0.5, 0.98)


def test_the_commands_to_reproduce_make_the_layouts_on_the_page() -> None:
    chosen = shown()
    command = runs.command("embeddings", chosen.config("B", "tsne"))
    assert command.startswith("python -m core train embeddings --layout tsne")
    assert chosen.config("B", "pca") == Config(layout="pca", epoch=-2)
