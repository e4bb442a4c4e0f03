"""The char-RNN page without a browser: what it writes, what it makes of bad input, and trainings of one's own."""

from __future__ import annotations

import base64
import csv
import io
import math
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import __main__ as command_line
from core import char_rnn, runs
from core.char_rnn import Config, writing
from core.char_rnn.expectation import BIT
from core.data import corpus, vocabulary
from core.data.vocabulary import VOCABULARY, Prime
from pages._char_rnn import colours, copy, library, live, loss, picture, settings, tabs, takes, unit_strip
from pages._char_rnn.settings import Settings
from pages._shared import words
from pages._shared.components import writer
from tests.pages import driver
from tests.pages.driver import text

TINY = {"rnn_tab": "Your text", "rnn_t_layers": "1", "rnn_t_hidden": "8", "rnn_t_iterations": "10", "rnn_t_chunk": "10",
        "rnn_t_batch": "2"}  # fmt: skip
TITLE = "GRU 1×8, seed 42, 10 iterations"
VERSE = "Double, double toil and trouble;\nFire burn and cauldron bubble.\n" * 50


def opened(**query: str) -> AppTest:
    return driver.opened("char_rnn", query)


def shown(**changes) -> Settings:
    gru = library.networks()[settings.FIRST]
    default = {"mode": settings.SIDE_BY_SIDE, "networks": {"A": gru, "B": gru}, "steps": {"A": gru.steps[-1], "B": 100},
               "prime": vocabulary.prime("The"), "temperature": 0.8, "seed": 0, "length": 60, "top_k": 0,
               "speed": 25}  # fmt: skip
    return Settings(**{**default, **changes})


def first(**changes) -> list[picture.Shown]:
    return picture.takes(shown(**changes))[0][1]


# What is written


def test_it_opens_with_the_prime_of_the_course_continued_by_two_checkpoints() -> None:
    app = opened()
    assert "**differs:** iteration · **same:** temperature 0.8, seed 0, so the same random draws" in text(app)
    assert not app.warning and not app.error and not app.info
    a, b = first()
    assert a.take.text.startswith("The") and b.take.text.startswith("The")
    assert (a.step, b.step) == (library.networks()[settings.FIRST].steps[-1], 100)
    assert a.take.text != b.take.text


def test_the_text_is_that_of_the_command_line(capsys: pytest.CaptureFixture) -> None:
    chosen = shown(prime=vocabulary.prime("What is"), temperature=0.6, seed=3, top_k=5, length=40)
    arguments = live.sample_command(chosen, chosen.networks["A"], 100).removeprefix("python -m core ")
    assert command_line.main(shlex.split(arguments)) == 0
    took = first(prime=chosen.prime, temperature=0.6, seed=3, top_k=5, length=40, steps={"A": 100, "B": 100})[0]
    assert capsys.readouterr().out == took.take.text + "\n"


def test_the_numbers_of_a_take_are_those_of_the_network() -> None:
    one = first(temperature=1.3, top_k=7)[0]
    network = char_rnn.network(runs.find(one.network.name), one.step)
    steps = list(writing.write(network, "The", 60, 1.3, 7))
    assert one.take.text == "The" + "".join(step.char for step in steps)
    assert one.take.surprise[3:] == pytest.approx([step.surprise / BIT for step in steps], rel=1e-4, abs=1e-5)
    assert one.take.probability[3:] == pytest.approx([step.probability for step in steps], rel=1e-5)
    assert one.take.entropy[3:, 0] == pytest.approx([step.before.entropy / BIT for step in steps], rel=1e-4)
    assert one.take.entropy[3:, 1] == pytest.approx([step.after.entropy / BIT for step in steps], rel=1e-4, abs=1e-6)
    for i, step in enumerate(steps, 3):
        best = step.before.top(10)
        assert [VOCABULARY[code] for code in one.take.top[i]] == [char for char, _ in best]
        assert one.take.shares[i, 0] == pytest.approx([p for _, p in best])
        assert one.take.shares[i, 1] == pytest.approx([step.after.of(char) for char, _ in best])


def test_given_characters_have_a_surprise_but_were_not_drawn() -> None:
    take = first()[0].take
    reading = writing.read(char_rnn.network(runs.find(first()[0].network.name), first()[0].step), "The")
    assert take.surprise[1:3] == pytest.approx(reading.surprise[1:] / BIT, rel=1e-4)
    assert math.isnan(take.surprise[0]) and np.isnan(take.probability[:3]).all() and np.isnan(take.entropy[:3, 1]).all()
    assert (take.shares[:3, 1] == 0).all()


def test_a_take_is_packed_as_the_browser_reads_it() -> None:
    packed = first()[0].take.packed()
    n = len(packed["text"])
    numbers = np.frombuffer(base64.b64decode(packed["numbers"]), "<f4").reshape(n, 4)
    assert numbers[:, 0] == pytest.approx(first()[0].take.surprise, nan_ok=True)
    assert len(base64.b64decode(packed["top"])) == n * takes.TOP
    assert len(base64.b64decode(packed["shares"])) == n * 2 * takes.TOP * 2
    js = (Path(writer.__file__).parent / "writer.js").read_text("utf-8")
    line = next(line for line in js.splitlines() if line.startswith("const VOCABULARY"))
    escaped = line.split(" = ")[1][1:-1].replace("\\v", "\\x0b").replace("\\f", "\\x0c")
    assert escaped.encode().decode("unicode_escape") == VOCABULARY


def test_three_temperatures_part_where_the_distributions_do() -> None:
    three = first(mode=settings.TEMPERATURES)
    assert [one.temperature for one in three] == ["0.4", "0.8", "1.2"]
    at = takes.parting([one.take.text for one in three])
    assert 3 <= at < 63
    assert len({one.take.text[:at] for one in three}) == 1
    assert np.ptp([one.take.surprise[1:at] for one in three], axis=0).max(initial=0) == 0  # one network, one text
    alike = first(mode=settings.TEMPERATURES, temperature=0.0)
    assert takes.parting([one.take.text for one in alike]) is None


def test_iterations_show_what_each_kept_checkpoint_writes() -> None:
    frames = picture.takes(shown(mode=settings.ITERATIONS))
    steps = library.networks()[settings.FIRST].steps
    assert [label for label, _ in frames] == [words.count(step) for step in steps]
    assert [one.step for _, shown in frames for one in shown] == list(steps)  # A and B are one network: shown once
    again = first(steps={"A": steps[1], "B": steps[1]})[0]
    assert frames[1][1][0].take.text == again.take.text


# The temperature moved while a text is written


def switch(chosen: Settings, moved: object, monkeypatch: pytest.MonkeyPatch) -> takes.Schedule:
    state = {picture.KEY: {"switch": [writer.digest(picture.about(chosen)), moved, 1]}}
    monkeypatch.setattr(writer.st, "session_state", state)
    return writer.schedule(picture.KEY, picture.about(chosen), chosen.temperature, chosen.length)


def test_what_is_written_stays_when_the_temperature_is_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    cool, hot = first(temperature=0.5), first(temperature=1.5)
    chosen = shown(temperature=1.5)
    assert switch(chosen, [[0, 0.5], [20, 1.5]], monkeypatch) == ((0, 0.5), (20, 1.5))
    for one, before, other in zip(picture.takes(chosen)[0][1], cool, hot, strict=True):
        assert one.take.text[:23] == before.take.text[:23]
        assert one.take.text not in (before.take.text, other.take.text)
        assert one.temperature == "0.5 → 1.5"


@pytest.mark.parametrize(
    "moved",
    [None, [], "x", [[0, 0.5]], [[1, 1.5]], [[0, 0.5], [20, 1.4]], [[0, 0.5], [-1, 1.5]], [[0, 0.5], [60, 1.5]],
     [[0, math.nan], [20, 1.5]], [[0, 99], [20, 1.5]], [[0, 0.5], [20.5, 1.5]], [[0, 0.5], [0, 1.5]], [[0], [20, 1.5]],
     [[0, 0.5], [20, "1.5x"]], [[i, 1.5] for i in range(0, 201)]],
    ids=str,
)  # fmt: skip
def test_a_forged_switch_is_none(moved: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert switch(shown(temperature=1.5), moved, monkeypatch) == ((0, 1.5),)


def test_a_switch_of_another_text_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {picture.KEY: {"switch": [writer.digest("another"), [[0, 0.5], [20, 1.5]], 1]}}
    monkeypatch.setattr(writer.st, "session_state", state)
    assert writer.schedule(picture.KEY, picture.about(shown()), 1.5, 60) == ((0, 1.5),)


# Tabs


@pytest.mark.parametrize("mode", settings.MODES)
@pytest.mark.parametrize("tab", tabs.NAMES)
def test_every_tab_runs_in_every_view(tab: str, mode: str) -> None:
    app = opened(rnn_tab=tab, rnn_mode=mode, rnn_length="50")
    assert not app.error and not app.warning and not app.info


def test_the_curves_are_the_recorded_losses_and_the_course_s() -> None:
    found = {"A": library.find(library.networks()[settings.FIRST].name), "B": None}
    rows = loss.rows(found)
    history = found["A"].history()
    held = {row["step"]: row["value"] for row in rows if row["kind"] == "held out"}
    assert held == {record["step"]: record["heldout_loss"] for record in history if "heldout_loss" in record}
    reported = [row["value"] for row in rows if row["side"] == "course"]
    assert (reported[0], reported[-1], len(reported)) == (1.7783, 1.3524, 20)
    perplexity = [row["value"] for row in loss.rows(found, loss.PERPLEXITY) if row["side"] == "course"]
    assert (perplexity[0], perplexity[-1]) == pytest.approx((5.92, 3.87), abs=0.01)


def test_what_was_copied_is_found_with_its_place_and_held_beside_chance() -> None:
    whole = corpus.load("shakespeare").train
    found = library.copy("shakespeare", "zzz" + whole[5000:5120] + "zzz")
    assert (found.passages[0].start, found.passages[0].length, found.passages[0].offset) == (3, 120, 5000)
    assert copy.verdict(found).startswith("**More than chance**")
    wrote = library.copy("shakespeare", first()[0].take.text)
    assert wrote.usual <= wrote.most < 60
    assert copy.verdict(wrote).startswith("**No more than chance**")


def test_a_written_text_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(colours.st, "html", told.append)
    colours.draw("<b>&\n# *x*\x0b", ["red", "red", "red", "", "", "", "", "", "", "", ""], 100)
    assert "&lt;b&gt;&amp;↵\n# *x*␋</div>" in told[0].replace("</span>", "")
    assert "<b>" not in told[0]


def test_the_warning_about_units_says_how_many_were_searched() -> None:
    app = opened(rnn_tab="Units", rnn_length="50")
    assert "**Most units mean nothing that one could name**: 200 were searched for 8 features" in text(app)
    assert "that the best of all units reaches by chance" in text(app)


def test_units_are_shown_along_text_that_has_the_feature() -> None:
    unseen, wrote = (opened(rnn_tab="Units", rnn_along=along) for along in (unit_strip.HELDOUT, unit_strip.WRITTEN))
    assert library.heldout_passage("shakespeare", "speaker").splitlines()[0] in drawn(unseen)
    assert "Therein was" in drawn(wrote)


def drawn(app: AppTest) -> str:
    """The text that is drawn as HTML, without its markup."""
    return "".join(re.sub("<[^>]*>", "", element.proto.body) for element in app.get("html"))


def test_a_unit_that_is_no_better_than_chance_is_called_so() -> None:
    ranking = unit_strip.Ranking("quote", (unit_strip.Unit(0, 3, 0.05),), 0.06, 200)
    assert "no better than the 0.06" in unit_strip._sentence(ranking, ranking.units[0])
    rare = unit_strip.Ranking("quote", (), None, 12)
    assert "too rare in the held-out text (12 characters)" in unit_strip._sentence(rare, unit_strip.Unit(0, 0, 0.0))


def test_the_table_to_take_home_has_a_line_a_character() -> None:
    frames = picture.takes(shown())
    table = list(csv.DictReader(io.StringIO(loss.characters(frames))))
    a, b = frames[0][1]
    assert "".join(row["character"] for row in table) == a.take.text + b.take.text
    assert [row["given"] for row in table[:4]] == ["1", "1", "1", "0"]
    assert float(table[10]["surprise_bits"]) == pytest.approx(a.take.surprise[10], rel=1e-3)
    assert a.take.text in loss.texts(frames)


# Bad input


@pytest.mark.parametrize(
    "query",
    [
        {"rnn_a_network": "<b>x</b>"}, {"rnn_b_network": "../../etc"}, {"rnn_a_step": "99"}, {"rnn_b_step": "nan"},
        {"rnn_temperature": "nan"}, {"rnn_temperature": "1e400"}, {"rnn_temperature": "-1"}, {"rnn_seed": "-1"},
        {"rnn_seed": "inf"}, {"rnn_length": "1e9"}, {"rnn_length": "nan"}, {"rnn_top_k": "101"}, {"rnn_mode": "x"},
        {"rnn_speed": "warp"}, {"rnn_tab": "x"}, {"rnn_along": "x"}, {"rnn_feature": "x"}, {"rnn_source": "x"},
        {"rnn_t_lr": "7"}, {"rnn_t_clip": "nan"}, {"rnn_t_layers": "99"}, {"rnn_t_cell": "x"}, {"rnn_course": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_nonsense_in_the_link_means_the_default(query: dict[str, str]) -> None:
    app = opened(**query)
    assert not app.error and not app.warning
    assert app.selectbox(key="rnn_a_network").value == app.selectbox(key="rnn_b_network").value == settings.FIRST
    assert app.selectbox(key="rnn_b_step").value == 100
    assert app.slider(key="rnn_temperature").value == 0.8
    assert (app.number_input(key="rnn_seed").value, app.number_input(key="rnn_length").value) == (0, 200)


@pytest.mark.parametrize(
    "prime, said",
    [
        ("", "The prime is empty, so the text starts from a newline."),
        ("\U0001f600", "Left out 1 character that the network does not know: \U0001f600 grinning face."),
        ("caf\u00e9", "\u00e9 latin small letter e with acute"),
        ("a\x00b", "Left out 1 character that the network does not know: U+0000."),
    ],
)
def test_what_was_done_to_a_prime_is_said(prime: str, said: str) -> None:
    app = opened()
    app.text_input(key="rnn_prime").set_value(prime).run()
    assert not app.exception and not app.error
    assert said in next(line.value for line in app.markdown if line.value.startswith(":orange[:material/info:] "))
    app.text_input(key="rnn_prime").set_value("The").run()
    assert ":material/info:" not in text(app)


def test_a_prime_of_a_megabyte_is_cut_with_a_note() -> None:
    app = opened(rnn_length="10")
    app.text_input(key="rnn_prime").set_value("x" * 1_000_000 + "The end").run()
    assert not app.exception
    assert "Only the last 1,000 of 1,000,007 characters are used." in text(app)
    kept = app.text_input(key="rnn_prime").value
    assert len(kept) == 1000 and kept.endswith("xThe end")
    app.text_input(key="rnn_prime").set_value("The").run()
    assert "Only the last" not in text(app)


def test_a_prime_of_the_course_is_one_press_away() -> None:
    app = opened()
    app.button_group(key="rnn_course").select("bg09Z").run()
    assert app.text_input(key="rnn_prime").value == "bg09Z"
    assert "sets its state" in text(app)


def test_damaged_weights_are_told_in_a_sentence(own_runs: Path) -> None:
    shipped = runs.find(library.networks()[settings.FIRST].name)
    copied = own_runs / "char_rnn" / "char-rnn-shakespeare-gru-lr0.01-i2000-s42-damaged"
    shutil.copytree(shipped.path, copied)
    for file in (copied / "snapshots").iterdir():
        file.write_bytes(b"rubbish")
    library.forget()
    damaged = f"{settings.FIRST}, -damaged"
    app = opened(rnn_a_network=damaged)
    assert app.selectbox(key="rnn_a_network").value == damaged
    assert "are not those that were recorded" in text(app)
    (copied / "run.json").write_text("{")
    library.forget()
    assert opened(rnn_a_network=damaged).selectbox(key="rnn_a_network").value == settings.FIRST


def test_without_any_recorded_network_a_sentence_says_what_to_do(
    own_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "shipped_dir", lambda: own_runs / "nowhere")
    library._shipped.clear()
    library.forget()
    try:
        assert "`python -m core record char_rnn` makes" in text(opened())
    finally:
        library._shipped.clear()


# Training


def press(app: AppTest) -> AppTest:
    """Press Train; the page follows the training to its end before it returns."""
    app.button(key="rnn_train").click().run(timeout=60)
    assert not app.exception, app.exception[0].stack_trace
    return app


def test_a_network_trained_from_the_page_writes_as_a() -> None:
    app = press(opened(**TINY))
    assert app.selectbox(key="rnn_a_network").value == TITLE
    assert app.selectbox(key="rnn_a_step").value == 10
    assert "**differs:** network, iteration" in text(app)
    assert live.NAME not in app.session_state
    config = Config(layers=1, hidden=8, iterations=10, chunk=10, batch=2)
    assert runs.of("char_rnn", config).status == "done"
    assert app.selectbox(key="rnn_b_step").value == 100
    assert "is trained already" not in text(app)
    assert "is trained already: it writes as A" in text(press(app))
    app.selectbox(key="rnn_b_network").set_value(TITLE).run()
    assert app.selectbox(key="rnn_b_step").value == 10  # another network is compared at its end
    assert "**differs:** nothing" in text(app)


@pytest.mark.parametrize("last", [0, 1000])
def test_a_network_whose_training_was_stopped_is_named_by_what_it_had(own_runs: Path, last: int) -> None:
    shipped = runs.find(library.networks()[settings.FIRST].name)
    stopped = shutil.copytree(shipped.path, own_runs / "char_rnn" / "stopped")
    for step in shipped.steps:
        if step > last:
            (stopped / "snapshots" / f"{step}.safetensors").unlink()
    told = (stopped / "run.json").read_text().replace('"status": "done"', '"status": "stopped"')
    (stopped / "run.json").write_text(told)
    library.forget()
    name = f"{settings.FIRST}, {last} iterations"
    assert name in library.networks()
    assert opened(rnn_a_network=name).selectbox(key="rnn_a_step").value == last


def test_a_text_of_ones_own_is_trained_on() -> None:
    app = opened(**TINY, rnn_source="Paste a text")
    assert app.button(key="rnn_train").disabled
    app.text_area(key="rnn_paste").set_value("x" * 1999).run()
    assert "The text has 1,999 characters, but training needs at least 2,000." in text(app)
    assert app.button(key="rnn_train").disabled
    app.text_area(key="rnn_paste").set_value(VERSE + "\u2014").run()
    assert "Left out 1 character that the network does not know: — em dash." in text(app)
    press(app)
    name = corpus.own(VERSE).name
    assert app.selectbox(key="rnn_a_network").value == f"{TITLE}, text {name[4:8]}"
    assert runs.of("char_rnn", Config(text=name, layers=1, hidden=8, iterations=10, chunk=10, batch=2)).status == "done"
    assert not opened(rnn_a_network=f"{TITLE}, text {name[4:8]}", rnn_tab="Did it copy?").info


def test_a_text_shorter_than_a_chunk_is_told_before_training() -> None:
    app = opened(**{**TINY, "rnn_t_chunk": "2000"}, rnn_source="Paste a text")
    app.text_area(key="rnn_paste").set_value(VERSE[:2100]).run()
    assert "The text has 1,995 characters to train on, too few for chunks of 2,000" in text(app)
    assert app.button(key="rnn_train").disabled


def test_a_file_that_is_not_utf8_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="The file is not UTF-8 text"):
        corpus.own(b"\xff\xfe" + b"abc" * 2000)


def test_settings_that_need_too_much_memory_are_refused_in_a_sentence() -> None:
    app = opened(rnn_tab="Your text", rnn_t_layers="4", rnn_t_hidden="512", rnn_t_batch="500")
    assert "choose a smaller batch" in app.warning[0].value
    assert app.button(key="rnn_train").disabled


def test_the_prime_of_a_setting_is_a_prime() -> None:
    assert shown().prime == Prime("The", ())
