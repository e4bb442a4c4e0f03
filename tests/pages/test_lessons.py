"""Lessons: every link works, what they claim is what was recorded, and a question comes before its picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import runs
from core.adversarial.attackable import NETWORKS
from core.char_rnn import Config as CharRNN
from core.classifier import Config as Classifier
from core.embeddings import EVERY
from core.embeddings import Config as Embeddings
from core.gan import Config as GAN
from pages._shared import lessons
from pages._shared.lessons import Lesson, LessonError
from tests.pages.driver import ROUTER, opened, text

ALL = lessons.lessons()
STEPS = [pytest.param(lesson, i, id=f"{name}-{i}") for name, lesson in ALL.items()
         for i in range(1, len(lesson.steps) + 1)]  # fmt: skip
GOOD = """
title = "T"
question = "Q?"
minutes = 1
[[steps]]
link = "classifier?clf_a_lr=0.1"
say = "S."
"""


def link(app: AppTest) -> dict[str, str]:
    """The settings in the address."""
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def test_there_are_six_and_none_is_left_out() -> None:
    assert len(ALL) >= 6 and not lessons.problems()


@pytest.mark.parametrize("lesson", ALL.values(), ids=ALL.keys())
def test_a_lesson_is_as_long_as_a_lecture_has_time_for(lesson: Lesson) -> None:
    assert 5 <= len(lesson.steps) <= 8
    assert any(step.question for step in lesson.steps)
    assert all(len(step.say) <= 260 for step in lesson.steps)  # three lines at the lower edge


@pytest.mark.parametrize(("lesson", "number"), STEPS)
def test_a_step_opens_with_every_setting_that_it_names(lesson: Lesson, number: int) -> None:
    step = lesson.steps[number - 1]
    app = opened(step.page, {**step.settings, "lesson": lesson.name, "step": str(number), "preset": "1"})
    assert not app.error and not app.warning
    for name, value in {**step.settings, "lesson": lesson.name, "step": str(number)}.items():
        if name not in link(app):  # unknown, or not taken, or the default
            assert app.session_state[name] == value
        else:
            assert link(app)[name] == value
    said = text(app)
    if step.question:
        assert step.say not in said
        app.button(key=f"lesson_choice_{step.question.right + 1}").click().run()
        assert not app.exception
        said = text(app)
        assert f"**{step.question.choices[step.question.right]}: right.**" in said
    assert step.say in said


# What the lessons claim


def metric(topic: str, config: object, name: str = "test_accuracy") -> float:
    run = runs.of(topic, config)
    assert run, f"{config} isn't recorded"
    return run.metrics[name]


def test_a_fair_fight_says_what_was_measured() -> None:
    sgd, adam, hot, cold = (metric("classifier", Classifier(optimizer=o, lr=lr)) for o, lr in
                            (("sgd", 0.001), ("adam", 0.001), ("sgd", 0.1), ("adam", 0.01)))  # fmt: skip
    assert adam - sgd > 0.3  # more than 30 points
    assert adam - hot < 0.05  # close to Adam
    assert cold < adam - 0.1  # clearly worse


def test_is_one_seed_enough_says_what_was_measured() -> None:
    def spread(**setting) -> tuple[float, float]:
        found = [metric("classifier", Classifier(seed=seed, **setting)) for seed in range(42, 47)]
        return min(found), max(found)

    sgd, relu, tanh = spread(optimizer="sgd"), spread(optimizer="adam"), spread(optimizer="adam", activation="tanh")
    assert 0.065 < sgd[1] - sgd[0] < 0.075  # about 7 points
    assert tanh[1] < relu[0]  # the bands don't touch
    said = [step.say for step in lessons.lessons()["is-one-seed-enough"].steps]
    low, high = (" to ".join(f"{100 * end:.1f}" for end in ends) for ends in (relu, tanh))
    assert f"{low} % against {high} %" in said[1]
    gru = [metric("char_rnn", CharRNN(seed=seed), "heldout_loss") for seed in (42, 43, 44)]
    lstm = metric("char_rnn", CharRNN(cell="lstm"), "heldout_loss")
    assert min(gru) < lstm < max(gru)
    assert f"{min(gru):.3f} and {max(gru):.3f}" in said[2] and f"{lstm:.3f}" in said[2]


def test_the_gan_lessons_say_what_was_measured() -> None:
    def ones(seed: int) -> float:
        return runs.of("gan", GAN(objective="course", iterations=100_000, seed=seed)).metrics["digit_histogram"][1]

    assert ones(42) > 0.95 and ones(43) > 0.95  # nearly only ones
    assert 0.75 < ones(44) < 0.85  # about 80 %
    for seed in (42, 43, 44):  # with BCE no digit takes all
        assert max(metric("gan", GAN(objective="bce", iterations=100_000, seed=seed), "digit_histogram")) < 0.5
    leak, naive = (metric("gan", GAN(objective=o, iterations=100_000), "digit_entropy") for o in ("leak", "raw-log"))
    assert leak < 0.1 and naive > 0.6  # it is the leak
    bce = GAN(objective="bce", iterations=100_000)
    assert metric("gan", bce, "digit_entropy") < max(e["digit_entropy"] for e in runs.of("gan", bce).history()
                                                     if "digit_entropy" in e)  # fmt: skip


def test_what_tsne_shows_says_what_was_measured() -> None:
    usual, low = (metric("embeddings", Embeddings("tsne", epoch=EVERY, perplexity=p), "knn_plane") for p in (30.0, 5.0))
    assert abs(usual - low) < 0.02  # nearly the same kNN


def test_nine_out_of_nothing_says_what_was_measured() -> None:
    course, usual = (NETWORKS[name][1] for name in ("course", "default"))
    four, noise, zeros = (metric("adversarial", course, f"certainty_{start}") for start in ("four", "noise", "zeros"))
    assert noise > 0.9 and zeros < four - 0.2  # nearly certain; less sure
    assert metric("adversarial", usual, "certainty_noise") < 0.3  # resists
    app = opened("adversarial", {"adv_tab": "Source"})
    assert "A comes to say **9** (99" in text(app)  # sure of it
    app = opened("adversarial", {"adv_b": "A's picture", "adv_b_network": "Robust small CNN", "adv_tab": "Source"})
    assert "B, which was never asked, says **4**" in text(app)  # not fooled


# The format


def wrong(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(("content", "said"), [
    ("title = ", "can't be read"),
    (wrong('title = "T"', ""), "'title' is missing"),
    (wrong("minutes = 1", 'minutes = "1"'), "'minutes' must be a int"),
    (wrong("minutes = 1", "minutes = 1\nmodel = 2"), "'model' is unknown"),
    (GOOD.split("[[")[0] + "steps = []", "there is no step"),
    (GOOD.split("[[")[0] + "steps = [1]", "step 1: is no table"),
    (wrong("classifier", "resnet"), "step 1: the link 'resnet?clf_a_lr=0.1' leads to no page"),
    (wrong('say = "S."', ""), "step 1: 'say' is missing"),
    (GOOD + 'ask = "?"', "a question needs ask, choices and right"),
    (GOOD + 'ask = "?"\nchoices = ["a"]\nright = 1', "1 choices, but 2 to 4 are possible"),
    (GOOD + 'ask = "?"\nchoices = ["a", "b"]\nright = 3', "right = 3, but there are 2 choices"),
])  # fmt: skip
def test_a_wrong_file_is_named_and_the_others_stay(content: str, said: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "1_good.toml").write_text(GOOD)
    (tmp_path / "2_wrong.toml").write_text(content)
    with pytest.raises(LessonError, match=r"2_wrong\.toml"):
        lessons.read(tmp_path / "2_wrong.toml")
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    assert list(lessons.lessons()) == ["good"]
    [problem] = lessons.problems()
    assert said in problem


def test_a_new_file_is_there_without_a_restart(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    assert not lessons.lessons()
    (tmp_path / "05_my_own.toml").write_text(wrong('"classifier?', '"https://example.org/demo/classifier?'))
    found = lessons.lessons()["my-own"]
    assert (found.steps[0].page, found.steps[0].settings) == ("classifier", {"clf_a_lr": "0.1"})


# The lesson on a page


def test_an_answer_is_remembered_through_the_next_steps() -> None:
    app = opened("classifier", {"lesson": "a-fair-fight", "step": "1", "preset": "1"})
    app.button(key="lesson_choice_1").click().run()
    assert "**More than 30 points.** You bet “Hardly at all”." in text(app)
    app.query_params.update(lesson="a-fair-fight", step="1", preset="1")
    assert "You bet" in text(app.run())


def test_a_short_link_leads_to_the_setting_of_its_step() -> None:
    app = AppTest.from_file(ROUTER, default_timeout=90)
    app.query_params.update(lesson="a-fair-fight", step="4")
    app.switch_page("gan.py").run()
    assert not app.exception
    assert app.title[0].value == "Classifier" and link(app)["clf_a_lr"] == "0.1"


def test_what_the_viewer_changes_in_a_step_stays_changed() -> None:
    app = opened("classifier", {"clf_a_lr": "0.2", "lesson": "a-fair-fight", "step": "4"})
    assert link(app)["clf_a_lr"] == "0.2"
    app.selectbox(key="clf_a_lr").set_value(0.001).run()
    app.run()
    assert app.selectbox(key="clf_a_lr").value == 0.001


def test_the_end_leaves_the_page_as_it_is() -> None:
    app = opened("classifier", {"clf_a_lr": "0.2", "lesson": "a-fair-fight", "step": "4"})
    app.button(key="lesson_end").click().run()
    assert link(app) == {"clf_a_lr": "0.2"}
    assert "lesson" not in " ".join(button.key or "" for button in app.button)


@pytest.mark.parametrize("query", [{"lesson": "none"}, {"lesson": "a-fair-fight", "step": "x"},
                                   {"lesson": "a-fair-fight", "step": "-1"}, {"lesson": "a-fair-fight", "step": "²"},
                                   {"step": "2"}, {"lesson": "", "step": "9" * 30}])  # fmt: skip
def test_a_link_to_no_step_opens_the_page(query: dict[str, str]) -> None:
    opened("classifier", query)
