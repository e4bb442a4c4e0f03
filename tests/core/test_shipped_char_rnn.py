"""The char-RNN's runs that come with the project: all there, whole, as good as the course's, and exactly repeatable."""

from __future__ import annotations

import math
import statistics

import pytest

from core import char_rnn, course, runs, shipped
from core.char_rnn import Config
from core.char_rnn.writing import read, write
from core.data import corpus, vocabulary
from core.runs import Run, recorder

MOST_BYTES = 10 * 2**20  # of the 60 MB for all topics
SNAPSHOTS = [0, 100, 200, 500, 1000, 2000]
CONFIGS = [Config(), Config(seed=43), Config(seed=44), Config(cell="lstm"), Config(cell="rnn")]


def of(config: Config) -> Run:
    return runs.read(runs.shipped_dir() / "char_rnn" / runs.run_name("char_rnn", config))


@pytest.fixture(params=CONFIGS, ids=lambda config: f"{config.cell}-{config.seed}")
def run(request) -> Run:
    return of(request.param)


def test_every_recording_is_there_and_done() -> None:
    assert [recording.config for recording in shipped.recordings("char_rnn")] == CONFIGS
    found = {entry.name for entry in runs.listing("char_rnn") if entry.path.is_relative_to(runs.shipped_dir())}
    assert found == {of(config).name for config in CONFIGS}
    assert {of(config).status for config in CONFIGS} == {"done"}


def test_weights_and_samples_of_the_steps_to_scrub_are_kept(run: Run) -> None:
    assert run.steps == SNAPSHOTS
    assert run.samples == list(range(0, 2001, 50))
    for step in SNAPSHOTS:
        assert run.sample(step).startswith(b"The")
        assert len(vocabulary.encode(run.sample(step).decode("ascii"))) == 303
        char_rnn.restore(recorder.config_of(run), run.weights(step))


def test_the_gru_is_as_good_as_the_courses() -> None:
    """The course's losses at 1,600 to 2,000 iterations were single batches of another edition, all of it trained on."""
    metrics = [of(Config(seed=seed)).metrics for seed in (42, 43, 44)]
    assert abs(statistics.mean(m["train_loss"] for m in metrics) - statistics.mean(course.LOSSES[-5:])) < 0.02
    assert metrics[0]["train_loss"] < 1.361
    for m in metrics:
        assert m["train_perplexity"] == pytest.approx(math.exp(m["train_loss"]))
        assert m["train_loss"] < m["heldout_loss"] < 1.65


def test_cells_with_gates_learn_more() -> None:
    losses = {cell: of(Config(cell=cell)).metrics for cell in ("gru", "lstm", "rnn")}
    for name in ("train_loss", "heldout_loss"):
        assert max(losses[cell][name] for cell in ("gru", "lstm")) < losses["rnn"][name] - 0.03


def test_held_out_text_becomes_less_surprising_from_snapshot_to_snapshot(run: Run) -> None:
    losses = {record["step"]: record["heldout_loss"] for record in run.history() if "heldout_loss" in record}
    assert list(losses) == list(range(0, 2001, 100))
    kept = [losses[step] for step in SNAPSHOTS]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > 4.5
    assert kept[-1] < 1.8


def test_the_stored_figures_are_what_weights_and_history_give(run: Run) -> None:
    text = corpus.load("shakespeare")
    assert run.data["identity"] == text.identity
    measured = recorder.measure(run.path, char_rnn, recorder.config_of(run), text)
    assert measured["train_loss"] == run.metrics["train_loss"]
    assert measured["heldout_loss"] == pytest.approx(
        run.metrics["heldout_loss"], rel=1e-5
    )  # differs between processors


def test_gibberish_is_recovered_from_within_a_few_characters() -> None:
    """What follows a gibberish prime is soon as likely as what follows a plain one; the gibberish itself is not."""
    network = char_rnn.network(of(Config()))
    means = []
    for prime in ("X087hNYB BHN BYFVuhsdbs", "What is"):
        written = "".join(step.char for step in write(network, prime, 200, seed=1))
        surprise = read(network, prime + written).surprise
        means.append((surprise[1 : len(prime)].mean(), surprise[len(prime) + 10 :].mean()))
    (gibberish, after), (_, plain) = means
    assert after < plain + 0.3
    assert gibberish > 3 * after


def test_they_are_small() -> None:
    files = (runs.shipped_dir() / "char_rnn").rglob("*")
    assert sum(file.stat().st_size for file in files if file.is_file()) < MOST_BYTES
