"""The overview: pictures made from the records, a table that says what the records say, and links that open."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import course, reported, runs
from core.gan.sheets import cells
from core.reported import FIGURES
from pages._home import cards, overview, pictures, recorded, rows
from pages._shared import words
from tests.pages.driver import ROUTER, opened, text

PAGES = ["classifier", "embeddings", "char_rnn", "gan", "adversarial"]
PREFIX = dict(zip(PAGES, ("clf_", "emb_", "rnn_", "gan_", "adv_"), strict=True))
MOST = 400_000  # bytes of all pictures


@pytest.fixture(scope="module")
def home() -> AppTest:
    app = AppTest.from_file(ROUTER, default_timeout=60).run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def links(app: AppTest) -> list[tuple[str, dict[str, str]]]:
    """Page and query of the links of the cards and of the table, in their order."""
    found = [(link.proto.page, dict(parse_qsl(link.proto.query_string))) for link in app.get("page_link")]
    return [(page, query) for page, query in found if "lesson" not in query]


def settings() -> Iterator[tuple[str, dict[str, str]]]:
    """Every setting that the overview leads to, once."""
    seen = []
    for page, (_, _, found) in cards.CARDS.items():
        seen += [(page, setting) for setting in found.values()]
    seen += [(figure.topic, rows.LINKS[figure.name]) for figure in FIGURES]
    for i, each in enumerate(seen):
        if each not in seen[:i]:
            yield each


def test_the_overview_shows_a_card_for_each_page(home: AppTest) -> None:
    assert home.title[0].value == "Deep Learning Demo Explorer"
    titles = [card.value for card in home.subheader]
    assert [title for title in titles if title in words.TITLES.values() or title == "Embeddings"] == [
        "Classifier", "Embeddings", "Char-RNN", "GAN", "Adversarial",
    ]  # fmt: skip
    assert [page for page, _ in links(home)[:15]] == [page for page in PAGES for _ in range(3)]


def test_every_link_sets_its_own_page_and_forgets_what_was_chosen_before(home: AppTest) -> None:
    found = links(home)
    assert len(found) == 15 + len(FIGURES)
    assert [page for page, _ in found[15:]] == [figure.topic for figure in FIGURES]
    for page, query in found:
        assert query.pop("preset") == "1"
        assert query
        assert all(key.startswith(PREFIX[page]) for key in query)
        assert (page, query) in [*settings()]


@pytest.mark.parametrize(("page", "setting"), [*settings()])
def test_every_link_opens_its_page_at_that_setting(page: str, setting: dict[str, str]) -> None:
    app = opened(page, setting)
    for key, value in setting.items():
        assert said(app, key) == value


def said(app: AppTest, key: str) -> str:
    """What a control says, as it stands in a link."""
    for box in app.selectbox:
        if box.key == key:
            return box.options[box.index]
    return str(app.session_state[key]).lower() if isinstance(app.session_state[key], bool) else app.session_state[key]


# The table


def test_every_number_of_the_table_is_what_the_records_say(home: AppTest) -> None:
    """tests/core/test_reported.py holds these values to the JSON of the runs."""
    shown = [part.proto.body for part in home.get("html")]
    for figure in FIGURES:
        ours = reported.ours(figure)
        assert rows.cells(figure, ours) in shown
        said = rows.row(figure, ours)
        assert all(html.escape(said[name], quote=False) in rows.cells(figure, ours) for name in rows.ROW)
        scale = 100 if figure.unit == reported.SHARE else 1
        half = 0.5000001 * 10.0 ** -rows.decimals(figure)
        assert abs(float(said["mean"].rstrip("\u202f%")) - scale * ours.mean) <= half
        count, *spread = (float(n) for n in re.findall(r"\d+\.?\d*", said["seeds"]))
        assert count == len(ours.values)
        if count > 1:
            assert np.allclose(spread, [scale * value for value in ours.range], rtol=0, atol=half)
        assert said["why"] == ours.why


def test_the_course_is_quoted_as_it_reported() -> None:
    told = {figure.name: rows.row(figure, None)["theirs"].replace("\u202f", " ") for figure in FIGURES}
    assert [told[name] for name in ("sgd", "adam", "tanh")] == ["23.11 %", "60.45 %", "52.94 %"]
    assert (told["loss"], told["perplexity"], told["attacked"]) == ("1.3524", "3.87", "97.2 %")
    assert [told[name] for name in ("four", "noise", "zeros")] == ["99 %", "99 %", "59 %"]
    assert told["course-100000"] == "only 1s"


def test_no_number_of_ours_is_typed_in() -> None:
    """Nowhere in the sources stands a number that the table shows as ours."""
    files = ("core/reported.py", "pages/_home/table.py", "pages/_home/rows.py", "pages/home.py")
    sources = [(runs.ROOT / name).read_text() for name in files]
    for figure in FIGURES:
        said = rows.row(figure, reported.ours(figure))
        for number in re.findall(r"\d+\.\d+", " ".join(said[name] for name in ("mean", "seeds", "why"))):
            assert not any(number in source for source in sources), number


def test_a_figure_whose_runs_are_gone_is_not_recorded() -> None:
    said = rows.row(FIGURES[0], None)
    assert (said["mean"], said["seeds"], said["why"]) == ("", "not recorded", "")
    assert "23.11" in rows.cells(FIGURES[0], None)


# The pictures


@pytest.fixture(scope="module")
def made() -> dict[str, dict]:
    return {page: pictures.of(page) for page in PAGES}


def test_every_picture_is_there_says_what_it_shows_and_is_small(made: dict[str, dict]) -> None:
    assert all(len(picture["alt"]) > 40 for picture in made.values())
    assert sum(len(json.dumps(picture)) for picture in made.values()) < MOST


def test_the_curves_are_those_of_the_runs(made: dict[str, dict]) -> None:
    picture = made["classifier"]
    assert picture["refs"] == [course.TEST_ACCURACY["sgd", "leaky_relu"], course.TEST_ACCURACY["adam", "leaky_relu"]]
    for line, figure in zip(picture["lines"], FIGURES, strict=False):
        ends = [curve[-1] for curve in (line["y"], *line["seeds"])]
        assert ends == pytest.approx([*reported.ours(figure).values.values()], abs=0.002)
        assert len(line["y"]) == picture["last"] + 1


def test_the_map_is_the_recorded_layout_before_training_and_after_every_epoch(made: dict[str, dict]) -> None:
    picture = made["embeddings"]
    assert (picture["names"][0], picture["names"][-1], len(picture["names"])) == ("untrained", "epoch 10 of 10", 11)
    first, last = (np.frombuffer(base64.b64decode(picture["frames"][i]), "<u2").reshape(-1, 2) for i in (0, -1))
    labels = np.frombuffer(base64.b64decode(picture["labels"]), np.uint8)
    assert len(first) == len(last) == len(labels) == pictures.POINTS
    assert spread(last, labels) < 0.5 * spread(first, labels)


def spread(places: np.ndarray, labels: np.ndarray) -> float:
    """How far the points of a class lie from its middle, of how far all lie from theirs."""
    inside = [np.linalg.norm(places[labels == k] - np.median(places[labels == k], 0), axis=1) for k in range(10)]
    return np.median(np.concatenate(inside)) / np.median(np.linalg.norm(places - np.median(places, 0), axis=1))


def test_the_digits_are_those_of_the_recorded_sheets(made: dict[str, dict]) -> None:
    picture = made["gan"]
    sizes = (picture["cols"] * picture["cell"], picture["rows"] * picture["cell"] * len(picture["names"]))
    for side, objective in zip(picture["sides"], ("bce", "course"), strict=True):
        strip = Image.open(io.BytesIO(base64.b64decode(side["strip"].partition(",")[2]))).convert("L")
        assert strip.size == sizes
        [run] = [run for run in reported.recorded("gan", gan_config(objective)) if run.config["seed"] == 42]
        for i, step in ((0, 0), (-1, 100_000)):
            frame = np.asarray(strip)[-168:] if i else np.asarray(strip)[:168]
            assert np.array_equal(frame[:28, :28], cells(run.sample(step))[0, 0])


def gan_config(objective: str):  # -> core.gan.Config
    return FIGURES[[figure.name for figure in FIGURES].index(f"{objective}-100000")].wanted


def test_what_the_networks_said_is_what_they_say() -> None:
    """recorded.json is what its module makes of the recorded runs: `python -m pages._home.recorded` makes it anew."""
    kept = recorded.read()
    written, attacked = recorded.written(), recorded.attacked()
    assert kept.keys() == {"written", "attacked"}
    assert {**kept["written"], "surprise": None} == {**written, "surprise": None}
    assert np.allclose(kept["written"]["surprise"], written["surprise"], atol=0.02)
    assert {**kept["attacked"], "images": None, "probabilities": None} == {
        **attacked, "images": None, "probabilities": None,
    }  # fmt: skip
    assert np.abs(np.subtract(kept["attacked"]["images"], attacked["images"])).max() <= 1
    assert np.allclose(kept["attacked"]["probabilities"], attacked["probabilities"], atol=0.005)
    said = np.argmax(attacked["probabilities"], axis=1)
    assert (said[0], said[-1]) == (4, 9)


def test_a_picture_without_its_runs_leaves_a_card_that_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> dict:
        raise runs.RunError("There is no run.")

    monkeypatch.setitem(pictures.PICTURES, "gan", gone)
    monkeypatch.setattr(overview, "stamp", lambda: "of other runs")
    overview.shown.clear()
    app = AppTest.from_file(ROUTER, default_timeout=60).run()
    overview.shown.clear()
    assert not app.exception
    assert "cannot be read" in text(app)
    assert len(links(app)) == 15 + len(FIGURES)


# What is kept


def test_the_overview_that_is_kept_is_what_the_runs_make() -> None:
    """If this fails, `python -m pages._home.overview` makes the file anew."""
    kept, made = json.loads(overview.FILE.read_text("utf-8")), overview.made()
    assert kept["stamp"] == made["stamp"] == overview.stamp()
    assert kept["rows"] == made["rows"]
    for found in (kept, made):  # another Pillow may pack the same pixels otherwise
        for side in found["pictures"]["gan"]["sides"]:
            packed = base64.b64decode(side["strip"].partition(",")[2])
            side["strip"] = np.asarray(Image.open(io.BytesIO(packed)).convert("L")).tolist()
    assert kept["pictures"] == made["pictures"]


def test_of_other_runs_or_a_damaged_file_it_is_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = {"stamp": overview.stamp(), "pictures": {}, "rows": []}
    monkeypatch.setattr(overview, "FILE", tmp_path / "overview.json")
    overview.FILE.write_text(json.dumps(kept))
    overview.shown.clear()
    assert overview.shown() == kept
    for content in (json.dumps({**kept, "stamp": "of other runs"}), "<<<<<<< HEAD", "[]"):
        overview.FILE.write_text(content)
        overview.shown.clear()
        assert len(overview.shown()["rows"]) == len(FIGURES)
    overview.shown.clear()


def test_a_run_that_changes_changes_the_stamp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = tmp_path / "gan" / "one"
    run.mkdir(parents=True)
    monkeypatch.setattr(runs, "shipped_dir", lambda: tmp_path)
    stamps = [overview.stamp()]
    for name, content in (("run.json", "{}"), ("history.jsonl", ""), ("history.jsonl", "{}\n"), ("run.json", "[]")):
        (run / name).write_text(content)
        stamps.append(overview.stamp())
    assert len(set(stamps)) == len(stamps)


def test_the_overview_loads_neither_torch_nor_what_draws_charts() -> None:
    """They take seconds, and the first page of a lecture waits for none of them."""
    script = (
        "import sys; from pages._home import cards, lesson_cards, overview, table; overview.shown()\n"
        "print([name for name in ('torch', 'altair', 'pandas', 'sklearn') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], cwd=runs.ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
