"""The adversarial page without a browser: what it shows and sends, and what bad input does to it."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import __main__ as command_line
from core import course, runs
from core.adversarial import Config, attackable, attacks
from core.adversarial.rates import EPSILONS
from core.embeddings import Config as EmbeddingsConfig
from pages._adversarial import course_runs, curves, library, notice, numbers, picture, recorded, settings, start, walks
from pages._adversarial.library import TITLES, Known
from pages._adversarial.settings import ATTACKED, RANDOM, SEEN, Settings
from pages._adversarial.start import Start
from pages._shared.components.perturbation import END, Place, Ways, bounds
from tests.pages import driver
from tests.pages.driver import text

SMALL = Config(model="small", iterations=10)
NETWORKS = {name: (name, replace(SMALL, seed=seed)) for seed, name in enumerate(TITLES, start=1)}
RECORDED = ("course", "default")  # of these
DIGITS = runs.run_name("embeddings", EmbeddingsConfig())  # lends them its weights
CIFAR = "CIFAR-10 adam 0.001 leaky relu, seed 42"
TANH = "MNIST adam 0.001 tanh, seed 42"
METRICS = {
    "test_accuracy": 0.9927, "test_loss": 0.034, "pgd_accuracy": 0.01,
    "certainty_four": 0.96, "certainty_noise": 0.95, "certainty_zeros": 0.55,
    "matrix": [[None if i == j else (i + 2 * j) / 30 for j in range(10)] for i in range(10)],
    "curves": {"epsilon": [*EPSILONS], "fgsm": [1 - 2 * e for e in EPSILONS], "pgd": [1 - 2.5 * e for e in EPSILONS],
               "random": [1 - e / 4 for e in EPSILONS]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def networks(own_runs: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Known]:
    """Two of the page's networks as if they were recorded, with the weights of the embeddings' network."""
    shipped = [known for known in library._shipped() if not known.name.startswith("adversarial")]
    monkeypatch.setattr(library, "_shipped", lambda: shipped)
    for module in (attackable, library):
        monkeypatch.setattr(module, "NETWORKS", NETWORKS)
    for name in RECORDED:
        config = NETWORKS[name][1]
        path = own_runs / "adversarial" / runs.run_name("adversarial", config)
        shutil.copytree(runs.shipped_dir() / "embeddings" / DIGITS, path)
        told = json.loads((path / "run.json").read_text())
        told |= {"topic": "adversarial", "config": dataclasses.asdict(config), "metrics": METRICS}
        (path / "run.json").write_text(json.dumps(told))
    return library.networks()


def opened(**query: str) -> AppTest:
    return driver.opened("adversarial", query)


def chosen(networks: dict[str, Known], **changes) -> Settings:
    """What the page opens with, and changes to it."""
    first = networks[TITLES["course"]]
    usual = {"a": first, "b": first, "compare": RANDOM, "name": "course", "epsilon": 0.2, "steps": 5,
             "step_size": 0.0, "seed": 0, "start": of_class(4)}  # fmt: skip
    return Settings(**{**usual, **changes})


def of_class(label: int, dataset: str = "mnist") -> Start:
    split, classes = library.examples(dataset)
    return start._of(split, classes, int(np.flatnonzero(split.labels == label)[0]), "")


def noise(seed: int = 0) -> Start:
    return Start("noise", "noise", (1, 28, 28), seed=seed)


# What it opens with


def test_it_opens_on_a_four_towards_nine_on_the_courses_network(networks) -> None:
    app = opened()
    assert app.selectbox(key="adv_a").value == TITLES["course"] == next(iter(networks))
    assert "**differs:** direction · **same:** image, step size 0.04, steps" in text(app)
    assert not app.warning and not app.error
    settled = chosen(networks)
    found = picture.walked(settled)
    assert picture.targets(settled) == [*((str(k), k) for k in range(10)), ("≠4", -1)]
    assert found["A"].images.shape == (11, 6, 1, 28, 28) and found["B"].images.shape == (1, 6, 1, 28, 28)
    assert (settled.start.index, settled.start.label) == (4, 4)
    assert app.query_params == {}


def test_the_nine_is_reached_along_the_gradient_and_not_at_random(networks) -> None:
    settled = chosen(networks, epsilon=0.3)
    found = picture.walked(settled)
    last = {side: walk.probabilities[walk.point(9, 5)] for side, walk in found.items()}
    assert last["A"].argmax() == 9 and last["B"].argmax() == 4
    told = notice.notice(settled, found, Place(9))
    assert "**9**" in told and "**4**" in told and "It isn't the size" in told


def test_networks_that_are_missing_are_named_and_another_stands_in(own_runs: Path) -> None:
    shutil.rmtree(own_runs / "adversarial")
    library._own.clear()
    app = opened()
    (said,) = (info.value for info in app.info if "Not recorded yet" in info.value)
    assert all(title in said for title in TITLES.values()) and "stands in" in said
    assert "core record adversarial" in said
    opened(adv_tab="The course's runs")
    assert opened(adv_a=TITLES["course"]).selectbox(key="adv_a").value.startswith("MNIST")


# Where attacks lead


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_every_target_at_once_is_each_alone(networks, name: str) -> None:
    settled = chosen(networks, name=name, steps=3, epsilon=2.0 if name == "pgd-l2" else 0.2)
    walk = picture.walked(settled)["A"]
    for target in (3, 9, 10):
        aim = {} if target == 10 else {"target": target}
        report = attackable.report(library.network(settled.a), 4, attack=name, epsilon=settled.epsilon, steps=3, **aim)
        at = [walk.point(target, step) for step in range(walk.steps + 1)]
        np.testing.assert_allclose([walk.probabilities[i] for i in at], report["probabilities"], atol=2e-4)
        np.testing.assert_allclose([walk.sizes["linf"][i] for i in at], report["linf"], atol=1e-6)
    assert walk.sizes[settled.attack.norm].max() <= settled.epsilon + 1e-6


def test_random_changes_are_as_large_and_mean_nothing(networks) -> None:
    a, b = picture.walked(chosen(networks)).values()
    assert b.sizes["linf"][0, -1] == pytest.approx(a.sizes["linf"][9, -1], abs=1e-6)
    assert b.gradients is None and np.isnan(b.losses).all() and b.of == (0,) * 11


def test_epsilon_0_returns_the_image_itself(networks) -> None:
    for name in attacks.ATTACKS:
        settled = chosen(networks, name=name, epsilon=0.0)
        for walk in picture.walked(settled).values():
            assert (walk.images == walk.original).all()


def test_another_network_sees_the_same_pictures(networks) -> None:
    b = networks[TANH]
    settled = chosen(networks, compare=SEEN, b=b)
    found = picture.walked(settled)
    assert found["B"].images is found["A"].images
    alone = walks.judged(library.network(b).model, found["A"].images[9])
    np.testing.assert_allclose(found["B"].probabilities[9], alone, atol=1e-5)
    assert "which was never asked" in notice.notice(settled, found, Place(9))


def test_the_same_attack_on_a_network_of_another_size(networks) -> None:
    found = picture.walked(chosen(networks, compare=ATTACKED, b=networks[TANH]))
    assert found["A"].images.shape[-1] == 28 and found["B"].images.shape[-1] == 32
    assert (found["A"].original[0] == found["B"].original[0, 2:-2, 2:-2]).all()


def test_noise_has_no_true_class_and_no_epsilon(networks) -> None:
    settled = chosen(networks, start=noise(3))
    assert settled.attack.epsilon == float("inf") and picture.away(settled) is None
    assert len(picture.targets(settled)) == 10
    assert "no ε" in notice.caption(settled) and "fooling image" in notice.notice(settled, {}, Place(9))
    walk = picture.walked(settled)["A"]
    assert walk.original.max() <= 1 < walk.images[:, 0].max()  # the course's noise leaves [0, 1], but for its picture
    again = attackable.report(library.network(settled.a), target=9, start="noise", seed=3)
    np.testing.assert_allclose(walk.probabilities[9], again["probabilities"], atol=2e-4)


def test_an_image_without_a_label_gets_away_from_what_the_network_says(networks) -> None:
    seven = replace(of_class(7), label=None, index=None)
    assert picture.away(chosen(networks, start=seven)) == 7
    assert picture.targets(chosen(networks, start=seven))[-1] == ("≠7", -1)


# What is sent


def packed(row: dict, name: str, kind: type) -> np.ndarray:
    return np.frombuffer(base64.b64decode(row[name]), kind)


def ways(walk: walks.Walk) -> Ways:
    return Ways("A", "x", walk.original, walk.perturbations, walk.probabilities, walk.figures, walk.of, walk.gradients)


def test_pictures_are_sent_as_bytes_and_come_back_nearly_the_same(networks) -> None:
    walk = picture.walked(chosen(networks))["A"]
    row = ways(walk).packed()
    delta = packed(row, "delta", np.int8).reshape(walk.perturbations.shape) * row["most"] / 127
    assert np.abs(delta - walk.perturbations).max() <= row["most"] / 254 + 1e-6
    assert (packed(row, "image", np.uint8).reshape(1, 28, 28) == np.rint(255 * walk.original)).all()
    roots = packed(row, "gradient", np.int8).reshape(walk.gradients.shape)
    assert (np.sign(roots) == np.sign(walk.gradients)).all()  # however small
    slopes = np.array(row["slopes"]).reshape(11, 6, 1, 1, 1)
    back = np.sign(roots) * (roots / 127.0) ** 2 * slopes
    assert (np.abs(back - walk.gradients) <= 0.017 * slopes).all()
    assert (packed(row, "p", "<f4").reshape(11, 6, 10) == walk.probabilities).all()
    assert len(json.dumps(row)) < 160_000
    assert bounds([row])[0] == pytest.approx(0.2) and 0 < bounds([row])[1] <= slopes.max()


def test_twenty_steps_towards_all_targets_are_half_a_megabyte(networks) -> None:
    found = picture.walked(chosen(networks, steps=20))
    assert sum(len(json.dumps(ways(walk).packed())) for walk in found.values()) < 600_000


def test_nothing_is_divided_by_zero_where_nothing_changes(networks) -> None:
    row = ways(picture.walked(chosen(networks, steps=0))["B"]).packed()
    assert row["s"] == 1 and not packed(row, "delta", np.int8).any() and not row["gradient"]
    assert bounds([row])[1] == 1


@pytest.mark.parametrize("place", [Place(0), Place(9, 0), Place(10, None, 2, True), Place(3, 7, 1)])
def test_a_place_is_one_number(place: Place) -> None:
    assert Place.of(place.code) == place


@pytest.mark.parametrize("code", [-5, 0, 12345, 10**9, 2**60])
def test_forged_places_lie_within_the_picture(code: int) -> None:
    place = Place.of(code).within(11, 5)
    assert 0 <= place.target < 11 and 0 <= place.at(5) <= 5 and place.map in (0, 1, 2)


def test_the_last_step_stays_the_last_when_there_are_more() -> None:
    assert Place(9, 5).within(11, 5).step is None and Place.of(Place(9).code).at(20) == 20
    assert Place(9, 3).within(11, 5).step == 3 and Place(9).code % 1024 == END


def test_where_the_viewer_let_go_goes_into_the_link(networks) -> None:
    app = opened()
    app.session_state["adv_picture"] = {"place": [Place(2, 3, 1, True).code, 1.0]}
    app.run()
    assert not app.exception
    assert dict(app.query_params) == {
        "adv_target": "2", "adv_step": "3", "adv_map": "Gradient", "adv_scales": "own",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "target", "step"),
    [({"adv_target": "2", "adv_step": "3"}, 2, 3), ({"adv_target": "other"}, 10, None), ({"adv_target": "x"}, 9, None),
     ({"adv_step": "99"}, 9, None), ({"adv_step": "²"}, 9, None), ({"adv_map": "<b>", "adv_scales": "?"}, 9, None)],
)  # fmt: skip
def test_links_set_the_place_and_bad_ones_are_ignored(networks, monkeypatch, query, target, step) -> None:
    monkeypatch.setattr(picture.st, "query_params", query)
    place = picture._from_link(chosen(networks))
    assert (place.target, place.step, place.map, place.own) == (target, step, 0, False)


# Controls


def test_another_norm_brings_another_epsilon() -> None:
    app = opened()
    app.selectbox(key="adv_attack").select("PGD, L2").run()
    assert app.number_input(key="adv_epsilon").value == 2.0
    app.selectbox(key="adv_attack").select("FGSM, one step").run()
    assert app.number_input(key="adv_epsilon").value == 0.2 and app.number_input(key="adv_steps").disabled


def test_another_data_set_brings_its_images_and_a_smaller_epsilon() -> None:
    app = opened(adv_start="Noise", adv_b_network=TITLES["default"])
    app.selectbox(key="adv_a").select(CIFAR).run()
    assert not app.exception, app.exception[0].stack_trace
    assert app.number_input(key="adv_epsilon").value == 0.03
    assert app.selectbox(key="adv_b_network").value == settings.AS_A
    assert app.selectbox(key="adv_class_cifar10").value == "cat"
    assert "CIFAR-10 · ε 0.03" in text(app)
    app.selectbox(key="adv_class_cifar10").select("deer").run()  # there is none among the 20 samples
    assert not app.exception and "There is no deer among these 20 images" in text(app)


@pytest.mark.parametrize(
    "query",
    [{"adv_a": CIFAR, "adv_start": "Drawing", "adv_b_network": TITLES["default"]}, {"adv_epsilon": "nan"},
     {"adv_steps": "1e9", "adv_number": "-3"}, {"adv_drawing": "'><script>", "adv_start": "Drawing"},
     {"adv_noise_seed": "inf", "adv_start": "Noise"}, {"adv_tab": "?", "adv_b": "x", "adv_attack": ""}],
)  # fmt: skip
def test_wrong_links_open_the_page_all_the_same(query: dict[str, str]) -> None:
    assert "**differs:**" in text(driver.opened("adversarial", query))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [({"adv_epsilon": "0"}, "With ε = 0 every picture is the image itself"),
     ({"adv_epsilon": "0", "adv_start": "Noise"}, "With a size of 0 no step"),
     ({"adv_steps": "0"}, "With 0 steps nothing happens"),
     ({"adv_target": "4"}, "A calls this 4 before the first step"),
     ({"adv_b": SEEN}, "B is the same network as A"),
     ({"adv_number": "5000"}, "There are only 982 such images"),
     ({"adv_start": "Drawing"}, "Draw a digit with the button above"),
     ({"adv_start": "Upload"}, "Upload a picture with the button above")],
)  # fmt: skip
def test_what_changes_nothing_is_said_in_a_sentence(query: dict[str, str], sentence: str) -> None:
    assert sentence in text(driver.opened("adversarial", query))


def test_a_target_that_is_named_already_is_no_success(networks) -> None:
    settled = chosen(networks)
    assert notice.notice(settled, picture.walked(settled), Place(4)) == notice.DRAG


def test_a_target_too_far_away_is_not_called_a_success(networks) -> None:
    settled = chosen(networks, epsilon=0.01)
    told = notice.notice(settled, picture.walked(settled), Place(9))
    assert "still says **4**" in told
    assert "After step 0 of 5 A says **4**" in notice.notice(settled, picture.walked(settled), Place(9, 0))
    large = chosen(networks, epsilon=1.0, start=of_class(9))  # any other class: random changes of 1 do it as well
    assert "proves nothing" in notice.notice(large, picture.walked(large), Place(10))


def drawing() -> np.ndarray:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 13:16] = 255
    pixels[10, 5:9] = 77
    return pixels


def test_a_drawing_is_attacked_and_kept_in_the_link() -> None:
    app = opened(adv_start="Drawing")
    app.session_state["adv_pad"] = {"pixels": base64.b64encode(drawing().tobytes()).decode()}
    app.run()
    assert not app.exception
    link = app.query_params["adv_drawing"]
    assert len(link) < 300 and "Draw a digit with" not in text(app)
    shown = start.unpacked(link)
    assert (start.unpacked(start.linked(shown)) == shown).all() and abs(shown.astype(int) - drawing()).max() <= 8
    assert "Draw a digit with" not in text(opened(adv_start="Drawing", adv_drawing=link))


@pytest.mark.parametrize("forged", ["", "abc", "eJwDAAAAAAE", "é", "=" * 50, base64.b64encode(b"\0" * 784).decode()])
def test_a_forged_drawing_is_none(forged: str) -> None:
    assert start.unpacked(forged) is None


def png(value: int = 0, side: int = 40) -> bytes:
    pixels = np.full((side, side), 255, np.uint8)
    pixels[8:32, 18:23] = value
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(png(), None), (png(255), "This picture is blank"), (b"no picture", "not a PNG"), (png()[:60], ".")],
)
def test_uploads_are_attacked_or_refused_in_a_sentence(content: bytes, sentence: str | None) -> None:
    app = opened(adv_start="Upload")
    app.file_uploader(key="adv_upload").upload("picture.png", content, "image/png")
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    assert [sentence in warning.value for warning in app.warning] == ([] if sentence is None else [True])
    assert ("until then this is test image 4" in text(app)) == (sentence is not None)


# Commands


@pytest.mark.parametrize(
    ("changes", "target"),
    [({}, 9), ({"name": "pgd", "epsilon": 0.1, "seed": 5}, 2), ({"name": "pgd-l2", "epsilon": 1.5}, None),
     ({"start": noise(7)}, 9), ({"name": "fgsm"}, 3)],
)  # fmt: skip
def test_the_command_line_makes_the_same_numbers(networks, changes: dict, target: int | None, capsys) -> None:
    settled = chosen(networks, **changes)
    line = shlex.split(settings.command(settled, target))
    assert line[:3] == ["python", "-m", "core"]
    options = command_line.parser().parse_args(line[3:])
    assert options.run(options) == 0
    walk = picture.walked(settled)["A"]
    report = json.loads(capsys.readouterr().out)
    at = walk.point(10 if target is None else target, walk.steps)
    np.testing.assert_allclose(walk.probabilities[at], report["probabilities"][-1], atol=2e-4)


def test_what_the_command_line_has_no_words_for_has_no_command(networks) -> None:
    assert settings.command(chosen(networks, step_size=0.01), 9) is None
    assert settings.command(chosen(networks, start=replace(of_class(4), index=None)), 9) is None
    assert notice.NO_COMMAND in notice.commands(chosen(networks, step_size=0.01), Place(9)).values()


# Below the picture


@pytest.mark.parametrize(
    ("tab", "says"),
    [("Other images", "other test images that A names right"), ("Matrix", "on average; easiest target"),
     ("Accuracy against ε", "PGD is nowhere weaker than one step"), ("The course's runs", "began with weights of"),
     ("Numbers", "towards 9"), ("How it works", "must not be weaker than one step"),
     ("Source", "core/adversarial/attacks.py")],
)  # fmt: skip
def test_every_tab_says_its_own(tab: str, says: str) -> None:
    assert says in text(opened(adv_tab=tab, adv_b_network=TITLES["default"]))


@pytest.mark.parametrize("tab", ["Other images", "Matrix", "Accuracy against ε", "Numbers"])
@pytest.mark.parametrize("network", [CIFAR, TANH])
def test_tabs_work_for_the_classifiers(tab: str, network: str) -> None:
    app = opened(adv_a=network, adv_tab=tab)
    buttons = [button for button in app.button if button.key == "adv_measure_a"]
    assert bool(buttons) == (tab in ("Matrix", "Accuracy against ε"))
    if tab == "Matrix":
        assert f"Measure it on {20 if network == CIFAR else 100} test images" in buttons[0].label


def test_what_is_not_recorded_is_measured_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "MEASURED", 20)
    app = opened(adv_a=CIFAR, adv_tab="Accuracy against ε")
    app.button(key="adv_measure_a").click().run()
    assert not app.exception, app.exception[0].stack_trace
    assert "No larger ε is safer" in text(app) or "A larger ε is safer" in text(app)


def test_a_perturbation_for_one_image_does_little_to_others_a_universal_one_more(networks) -> None:
    def rates(spread: str) -> list[int]:
        app = opened(adv_spread=spread, adv_epsilon="0.4", adv_spread_k="200")
        (said,) = (line.value for line in app.markdown if line.value.startswith("Added to"))
        return [int(part.split("\u202f")[0]) for part in said.split("**")[3::2]]

    this, shuffled = rates("This perturbation")
    universal, _ = rates("A universal one")
    assert universal >= this + 15 and shuffled <= this


def test_other_images_need_a_class(networks) -> None:
    assert "Choose a target class above" in text(opened(adv_target="other"))
    assert "These are 9 already" in text(opened(adv_spread_class_mnist="9"))


def test_curves_that_cannot_be_believed_are_told() -> None:
    honest = METRICS["curves"]
    assert all("check" in sentence for sentence in curves.checks(honest))
    weak = {**honest, "pgd": [1.0] * len(EPSILONS)}
    assert "weaker than one step at ε 0.025" in curves.checks(weak)[0]
    bumpy = {**honest, "pgd": [*honest["pgd"][:-1], 0.5]}
    assert "safer under PGD at ε 0.4" in curves.checks(bumpy)[1]


@pytest.mark.parametrize("ends", [(0.7, 0.02, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.4, 0.5, 0.6)])
def test_names_beside_curves_stand_apart(ends: tuple[float, ...]) -> None:
    shares = {name: [1.0, end] for name, end in zip(curves.NAMES, ends, strict=True)}
    made = curves.rows({"epsilon": [0.0, 0.4], **shares})
    places = sorted(row["beside"] for row in made if row["beside"] is not None)
    assert len(places) == 3 and min(np.diff(places)) >= curves.APART - 1e-9 and places[0] >= 0


def test_a_click_shows_a_run_of_the_course_beside_default_initial_weights() -> None:
    app = opened(adv_tab="The course's runs", adv_steps="9", adv_target="2", adv_a=TITLES["default"])
    for key, share in course.ATTACK_CERTAINTIES.items():
        assert f"**{100 * share:.0f}\u202f%**" in text(app) and course.ATTACK_RUNS[key] in text(app)
    app.button(key="adv_run_noise").click().run()
    assert not app.exception, app.exception[0].stack_trace
    values = {key: app.selectbox(key=key).value for key in ("adv_a", "adv_b", "adv_b_network")}
    assert values == {"adv_a": TITLES["course"], "adv_b": ATTACKED, "adv_b_network": TITLES["default"]}
    assert app.number_input(key="adv_steps").value == 5 and "adv_target" not in app.query_params
    assert "A fooling image" in text(app)


def test_the_table_of_steepness_holds_the_first_step_of_the_attack(networks) -> None:
    known = networks[TITLES["course"]]
    steep = library.steepness(known.name, known.identity, known, course_runs.NINE)
    losses = [picture.walked(chosen(networks, start=noise(seed)))["A"].losses[9, 0] for seed in range(library.NOISES)]
    assert steep.loss == pytest.approx(np.mean(losses), rel=1e-4) and steep.fall > 0


def test_a_cell_of_the_matrix_can_be_opened_above() -> None:
    app = opened(adv_tab="Matrix", adv_start="Zeros", adv_attack="PGD, L2", adv_epsilon="1")
    assert "1 towards 0" in text(app)  # the hardest
    app.button(key="adv_show_a").click().run()
    assert not app.exception, app.exception[0].stack_trace
    assert app.selectbox(key="adv_class_mnist").value == "1" and app.query_params["adv_target"] == "0"
    assert app.number_input(key="adv_epsilon").value == 0.2 and app.selectbox(key="adv_attack").value[:6] == "Course"


def test_downloads_hold_what_is_on_the_screen(networks) -> None:
    settled = chosen(networks, steps=2)
    found = picture.walked(settled)
    rows = list(csv.DictReader(io.StringIO(numbers.table(settled, found))))
    assert len(rows) == 2 * 11 * 3
    row = next(r for r in rows if (r["side"], r["target"], r["step"]) == ("A", "9", "2"))
    at = found["A"].point(9, 2)
    assert float(row["p_9"]) == pytest.approx(found["A"].probabilities[at][9], rel=1e-4)
    assert float(row["linf"]) == pytest.approx(0.2) and float(row["loss_nats"]) > 0
    assert {r["target"] for r in rows} == {*map(str, range(10)), "other"}
    image = found["A"].images[at]
    assert (np.load(io.BytesIO(numbers.npy(image))) == image).all()
    assert (np.asarray(Image.open(io.BytesIO(numbers.png(image)))) == np.rint(255 * image[0])).all()


def test_what_is_recorded_is_told_with_every_network(networks) -> None:
    assert "99.3\u202f% right, 1.0\u202f% under PGD-40" in notice.accuracies(networks[TITLES["course"]])
    assert "under PGD" not in notice.accuracies(networks[TANH])
    assert list(recorded.sides(chosen(networks))) == ["A"]
