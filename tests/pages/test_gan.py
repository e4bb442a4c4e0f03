"""The GAN page without a browser: what it shows, what it trains, and what bad input does to it."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import runs
from core.gan import Config
from core.gan import latent as gan_latent
from core.gan.sheets import cells
from core.runs import Run, recorder
from pages._gan import bet, latent, library, numbers, over_time, picture, same, sample, settings, tabs
from pages._gan.settings import Settings
from tests.pages import driver
from tests.pages.driver import text

SEED = 7  # nothing of it is shipped
SHORT = {"gan_iterations": "300", "gan_seed": str(SEED)}
SIDES = {side: Config(objective=objective, iterations=300, seed=SEED) for side, objective in settings.FIRST.items()}


def opened(**query: str) -> AppTest:
    return driver.opened("gan", query)


def press(app: AppTest, key: str) -> AppTest:
    """Press a button; the page follows what it starts to its end before it returns."""
    app.button(key=key).click().run(timeout=120)
    assert not app.exception, app.exception[0].stack_trace
    return app


def shown(**changes) -> Settings:
    return Settings(**{**{"curve": settings.VARIETY}, **{side.lower(): config for side, config in SIDES.items()},
                       **changes})  # fmt: skip


def full(**changes) -> Settings:
    """What the page opens with."""
    return shown(a=Config(iterations=100_000), b=Config(objective="course", iterations=100_000), **changes)


def of(chosen: Settings) -> dict[str, Run | None]:
    return {side: library.shown(config) for side, config in chosen.sides.items()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of 300 iterations."""
    folder = tmp_path_factory.mktemp("trained") / "gan"
    for config in SIDES.values():
        path = folder / runs.run_name("gan", config)
        lock = recorder.create(path, "gan", config)
        assert recorder.perform(path).status == "done"
        lock.release()
    return folder


@pytest.fixture
def short(trained: Path, own_runs: Path) -> dict[str, Run]:
    """Both runs, among one's own."""
    shutil.copytree(trained, own_runs / "gan")
    library._own.clear()
    return of(shown())


# What is recorded


def test_it_opens_on_bce_and_the_courses_notebook_over_100_000_iterations() -> None:
    app = opened()
    assert "**differs:** objective · **same:** seed 42, z, initial weights, batches" in text(app)
    assert "Nothing is recorded" not in text(app) and not app.warning and not app.error
    chosen = full()
    labels = picture.frames(chosen, of(chosen))
    assert labels == list(range(0, 100_001, 1000))
    sheets, right = picture.panels(chosen, of(chosen), labels, {"A": 0, "B": 0})
    shelved, _ = picture.panels(chosen, of(chosen), labels)
    assert [(side["title"], len(side["pngs"])) for side in sheets["sides"]] == [
        ("BCE with logits", 101), ("Course notebook", 101),
    ]  # fmt: skip
    assert all(side["at"] == list(range(101)) for side in sheets["sides"])
    for at_once, apart, (side, run) in zip(sheets["sides"], shelved["sides"], of(chosen).items(), strict=True):
        name, content = picture._sheets_of(picture._name(side, run, 100_000), run, 100_000).split(b"\n")
        assert (json.loads(name), json.loads(content)) == (apart["shelved"], at_once["pngs"])
        assert {**apart, "shelved": "", "pngs": at_once["pngs"]} == at_once
    assert [panel["type"] for panel in right["panels"]] == ["bars", "curves"]


def test_bars_and_curve_are_what_the_records_say() -> None:
    chosen, found = full(), of(full())
    labels = picture.frames(chosen, found)
    bars, line = picture.digits(chosen, found, labels), picture.curve(chosen, found, labels)
    for side, run in found.items():
        records = library.measured(run, 100_000)
        (series,) = (series for series in bars["series"] if series["name"] == side)
        assert series["values"] == [record["digit_histogram"] for record in records]
        (series,) = (series for series in line["series"] if series["name"] == side)
        assert series["y"] == [record["digit_entropy"] for record in records]
        assert len(library.seeds(chosen.sides[side])) == 3
        assert all(low <= y <= high for y, (low, high) in zip(series["y"], series["band"], strict=True))
        assert any(low < high for low, high in series["band"])
    assert line["refs"] == []


@pytest.mark.parametrize("curve", settings.CURVES)
def test_every_curve_is_drawn_with_its_own_range(curve: str) -> None:
    chosen, found = full(curve=curve), of(full())
    line = picture.curve(chosen, found, picture.frames(chosen, found))
    low, high = line["y_domain"] or (0, np.inf)
    assert all(low <= y <= high for series in line["series"] for y in series["y"])
    assert [ref["label"] for ref in line["refs"]] == (["course: only 1s"] if curve == settings.ONES else [])
    assert not opened(gan_curve=curve).error


def test_a_longer_run_shows_the_beginning_of_what_was_asked_for() -> None:
    chosen = shown(a=Config(iterations=20_000), b=Config(objective="course", iterations=20_000))
    found = of(chosen)
    assert {run.config["iterations"] for run in found.values()} == {100_000}
    assert picture.frames(chosen, found)[-1] == 20_000
    app = opened(gan_iterations="20\u202f000")
    assert text(app).count("(its first 20\u202f000)") == 2


def test_a_shorter_run_stands_still_where_it_ends() -> None:
    chosen = shown(a=Config(iterations=100_000), b=Config(objective="least-squares", iterations=100_000))
    found = of(chosen)
    labels = picture.frames(chosen, found)
    b = picture.panels(chosen, found, labels, {"A": 0, "B": 0})[0]["sides"][1]
    assert b["at"][-1] == len(b["pngs"]) - 1 == b["at"][labels.index(20_000)]
    assert (b["about"][0], b["about"][-1]) == ("", "after 20\u202f000")
    assert "(only 20\u202f000)" in text(opened(gan_b="least squares".capitalize()))


def test_what_is_not_recorded_asks_to_be_trained() -> None:
    app = opened(**SHORT)
    assert "Nothing is recorded with these settings yet" in text(app)
    assert app.button(key="gan_train").label == "Train live"


@pytest.mark.parametrize("tab", tabs.NAMES)
@pytest.mark.parametrize("query", [{}, SHORT], ids=["recorded", "nothing recorded"])
def test_every_tab_runs(tab: str, query: dict[str, str]) -> None:
    app = opened(gan_tab=tab, **query)
    assert not app.error and not app.warning


@pytest.mark.parametrize("part", same.PARTS)
def test_every_part_of_the_story_runs(part: str) -> None:
    app = opened(gan_part=part, gan_bet=bet.ANSWER)
    assert not app.error and not app.warning and not app.info


@pytest.mark.parametrize("story", ["Digits", "D's answers", "Gradients", "Losses"])
@pytest.mark.parametrize("objective", ["Course notebook", "Hinge"])
def test_every_story_over_time_runs(story: str, objective: str) -> None:
    app = opened(gan_tab="Over time", gan_story=story, gan_b=objective)
    assert not app.error and not app.warning and not app.info


@pytest.mark.parametrize(
    "query",
    [
        {"gan_a": "<b>x</b>"}, {"gan_b": "../../etc"}, {"gan_iterations": "7"}, {"gan_seed": "-1"},
        {"gan_seed": "nan"}, {"gan_curve": "9"}, {"gan_a_z": "x"}, {"gan_b_z_dim": "1e400"}, {"gan_a_lr_d": "nan"},
        {"gan_at": "-3"}, {"gan_at": "²"}, {"gan_at": "9" * 30}, {"gan_tab": "x"}, {"gan_bet": "x"},
        {"gan_part": "5"}, {"gan_from": "99"}, {"gan_latent": "x"}, {"gan_span": "inf"}, {"gan_direction_0": "nan"},
    ],
    ids=str,
)  # fmt: skip
def test_nonsense_in_the_link_means_the_default(query: dict[str, str]) -> None:
    app = opened(**query)
    assert not app.error and not app.warning
    assert (app.selectbox(key="gan_a").value, app.selectbox(key="gan_b").value) == ("bce", "course")
    assert app.selectbox(key="gan_iterations").value == 100_000
    assert app.number_input(key="gan_seed").value == 42
    assert "Nothing is recorded" not in text(app)


@pytest.mark.parametrize("z_dim", ["0", "1025", "1000000"])
def test_an_impossible_dimension_of_z_is_refused_in_a_sentence(z_dim: str) -> None:
    app = opened(gan_b_z_dim=z_dim)
    assert app.warning[0].value == f"B: the z dimension must be between 1 and 1024, not {z_dim}."
    assert app.number_input(key="gan_b_z_dim").value == int(z_dim)  # and the control is still there
    app.number_input(key="gan_b_z_dim").set_value(100).run()
    assert not app.warning and "Nothing is recorded" not in text(app)


def test_of_a_short_run_no_1s_are_told() -> None:
    said = text(opened(gan_iterations="2\u202f000"))
    assert "It is too early for the 1s" in said and "So what differs?" not in said
    assert "99.5" in text(opened()) and "It is too early" not in text(opened())


def test_what_differs_is_said() -> None:
    assert settings.differences(shown(b=SIDES["A"])) == ([], [f"seed {SEED}", "z", "initial weights", "batches"])
    other = dataclasses.replace(SIDES["A"], z="sphere", z_dim=20, batch_size=32)
    assert settings.differences(shown(b=other)) == (["z", "z dimension", "batch size"], [f"seed {SEED}"])
    assert settings.short(other) == "BCE with logits, z on a sphere, z of 20, batch 32"
    assert "3 things differ at once" in text(opened(gan_b="BCE with logits", gan_b_z="on a sphere", gan_b_z_dim="20",
                                                    gan_b_batch_size="32"))  # fmt: skip


# Training


def test_training_live_shows_sheets_and_training_again_gives_the_same_numbers() -> None:
    app = press(opened(**SHORT), "gan_train")
    assert "Nothing is recorded" not in text(app)
    assert picture.frames(shown(), of(shown())) == [0, 200, 300]
    assert app.button(key="gan_train").label == "Train again"
    press(app, "gan_train")
    told = [info.value for info in app.info if "trained again" in info.value]
    assert told == [f"{side}, trained again, gave the same numbers, bit for bit." for side in "AB"]


def test_a_training_that_diverges_keeps_its_sheets() -> None:
    rates = {f"gan_{side}_lr_{who}": "1\u202f000\u202f000" for side in "ab" for who in "dg"}
    app = press(opened(**SHORT, gan_a="Least squares", gan_b="Least squares", **rates), "gan_train")
    told = [warning.value for warning in app.warning]
    assert len(told) == 2 and all("diverged" in line and "try a lower learning rate" in line for line in told)
    assert all("Its sheets up to iteration 0 are kept" in line for line in told)
    assert "Nothing is recorded" not in text(app)


@pytest.mark.parametrize("cure", ["inputs in [−1, 1]", "z on a sphere", "another loss"])
def test_a_cure_sets_the_courses_notebook_beside_itself_with_one_change(cure: str) -> None:
    app = press(opened(gan_a="Hinge", gan_a_smoothing="0.1"), f"gan_cure_{cure}")
    assert app.selectbox(key="gan_a").value == "course"
    assert app.selectbox(key="gan_a_smoothing").value == 0.0
    assert "**differs:** " in text(app) and "things differ" not in text(app)
    values = [app.selectbox(key=f"gan_b{name}").value for name in ("", "_z", "_output")]
    assert sum(a != b for a, b in zip(values, ["course", "normal", "sigmoid"], strict=True)) == 1
    assert app.selectbox(key="gan_iterations").value == 20_000


# Damage


def test_a_damaged_sheet_is_told_in_a_sentence(short: dict[str, Run]) -> None:
    (short["A"].path / "samples" / "200.png").write_bytes(b"rubbish")
    library._uri.clear()
    picture._sheets_of.clear()
    app = opened(**SHORT)
    assert "The samples 200.png" in app.info[0].value and "not those that were recorded" in app.info[0].value


def test_a_damaged_history_counts_as_none(short: dict[str, Run]) -> None:
    for run in short.values():
        (run.path / "history.jsonl").write_text("rubbish\n" * 3)
    assert "Nothing is recorded with these settings yet" in text(opened(**SHORT))


def test_a_generator_of_another_shape_is_told_in_a_sentence(short: dict[str, Run]) -> None:
    file = short["B"].path / "run.json"
    stored = json.loads(file.read_text())
    config = Config(objective="course", iterations=300, seed=SEED, z_dim=50)
    stored["config"] = dataclasses.asdict(config)
    file.write_text(json.dumps(stored))
    short["B"].path.rename(short["B"].path.with_name(runs.run_name("gan", config)))
    app = opened(**SHORT, gan_b_z_dim="50", gan_tab="Latent space", gan_walk_of="B")
    assert "not those of a generator that starts from 50 numbers" in text(app)


# A sample, walks and directions


def test_a_clicked_sample_is_shown_large_with_its_nearest_training_images(
    short: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "picked", lambda key: ("B", 12, 2))
    app = opened(**SHORT)
    assert "B, Course notebook, after 300 iterations: sample 12" in text(app)
    assert "The judge says" in text(app)
    press(app, "gan_walk_to")
    assert app.number_input(key="gan_to").value == 12
    assert app.session_state["gan_walk_of"] == "B"


@pytest.mark.parametrize("forged", [("C", 0, 0), ("A", 64, 0), ("A", -1, 0), ("A", 0, 3), ("A", 0, -1)])
def test_a_forged_click_opens_nothing(short: dict[str, Run], forged: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "picked", lambda key: forged)
    assert "The judge says" not in text(opened(**SHORT))


def test_a_walk_begins_and_ends_with_its_samples(short: dict[str, Run]) -> None:
    run = short["A"]
    made = latent._walks(run.name, 300, library.checksum(run, "snapshots/300.safetensors"), 3, 8)
    sheet = cells(run.sample(300)).astype(int)
    for one in made.values():
        strip = one["strip"][0]
        assert len(one["pngs"]) == latent.STEPS
        assert np.abs(strip[:, :28] - sheet[3, 0]).max() <= 12  # float16 weights, and 16 levels of grey
        assert np.abs(strip[:, -28:] - sheet[8, 0]).max() <= 12
    ends = made["slerp"]["lengths"][0], made["slerp"]["lengths"][-1]
    assert min(made["slerp"]["lengths"]) == pytest.approx(min(ends))
    assert min(made["lerp"]["lengths"]) < 0.85 * min(ends)


def test_directions_move_the_sample_and_can_be_undone(short: dict[str, Run]) -> None:
    query = {**SHORT, "gan_tab": "Latent space", "gan_latent": "Directions"}
    app = opened(**query, gan_direction_0="3", gan_direction_5="-2")
    assert [slider.value for slider in app.slider] == [3.0, 0.0, 0.0, 0.0, 0.0, -2.0]
    press(app, "gan_direction_reset")
    assert not any(slider.value for slider in app.slider)


def test_a_short_z_has_fewer_directions(short: dict[str, Run]) -> None:
    app = press(opened(**SHORT, gan_a_z_dim="2", gan_b_z_dim="2", gan_tab="Latent space", gan_latent="Directions"),
                "gan_train")  # fmt: skip
    assert len(app.slider) == 2


# Numbers


def test_the_animation_has_a_frame_a_sheet(short: dict[str, Run]) -> None:
    with Image.open(io.BytesIO(numbers.animation(short["A"], 300))) as gif:
        assert gif.n_frames == 3


def test_the_table_to_take_home_has_a_line_a_record(short: dict[str, Run]) -> None:
    table = list(csv.DictReader(io.StringIO(numbers.table(short))))
    assert len(table) == sum(len(run.history()) for run in short.values())
    last = short["B"].history()[-1]
    assert float(table[-1]["digit_entropy"]) == last["digit_entropy"]
    assert [float(table[-1][f"share_of_{k}"]) for k in range(10)] == last["digit_histogram"]


def test_the_weights_to_take_home_are_those_of_the_run(short: dict[str, Run]) -> None:
    from safetensors.numpy import load

    weights = load(numbers.weights(short["A"], 300))
    assert {name: value.shape for name, value in weights.items()} == {
        "first.weight": (128, 100), "first.bias": (128,), "second.weight": (784, 128), "second.bias": (784,),
    }  # fmt: skip


def test_the_commands_to_reproduce_make_the_runs_on_the_page() -> None:
    commands = [runs.command("gan", config) for config in full().sides.values()]
    assert commands == ["python -m core train gan --iterations 100000",
                        "python -m core train gan --objective course --iterations 100000"]  # fmt: skip


# What is said of the recordings


def test_the_bet_is_decided_by_the_recorded_losses() -> None:
    gaps = bet.apart(bet.runs_of())
    assert max(gap for step, gap in gaps if step <= 300) < 1e-4
    assert max(gap for _, gap in gaps) > 0.1
    assert "log of 0" in bet.verdict(gaps, bet.zeros(bet.runs_of()["raw-log"]))
    assert "rounding in float32" in bet.verdict([(100, 0.0), (200, 1e-3)], [])
    assert "rounding in float32" in bet.verdict([(100, 0.0), (200, 1e-3)], [300])
    assert bet.verdict([(100, 0.0), (200, 1e-7)], []).startswith("They never part")


def test_the_areas_add_up_and_name_what_is_large_enough() -> None:
    rows = over_time.share_rows(library.shown(Config(iterations=100_000)), 100_000)
    last = [row for row in rows if row["x"] == 100_000]
    assert sum(row["share"] for row in last) == pytest.approx(1)
    assert {row["label"] for row in rows if row["x"] < 100_000} == {""}
    assert {row["name"] for row in last if row["label"]} == {row["name"] for row in last if row["share"] >= 0.12}


def test_fixed_z_are_those_of_the_sheets(short: dict[str, Run]) -> None:
    model = library.generator(short["A"], 300)
    drawn = gan_latent.images(model, gan_latent.fixed(SIDES["A"], 64))
    assert np.abs(drawn.astype(int) - cells(short["A"].sample(300))).max() <= 12
