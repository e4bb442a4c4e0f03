"""Pages that follow a training whose folder or process is gone all at once: they say so, and go on."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import runs
from core.jobs import trainings
from core.runs import Run
from pages._shared import training
from tests.pages import driver
from tests.pages.driver import text

PATIENCE = 150  # seconds: a sample of the char-RNN takes 20 on a slow machine, and a page may miss two
# Page, link, and key of the button: trainings that last longer than any test
TRAININGS = {
    "classifier": ({"clf_data": "MNIST", "clf_epochs": "50", "clf_seed": "9"}, "clf_train"),
    "embeddings": ({"emb_train_epochs": "10", "emb_train_seed": "9"}, "emb_train"),
    "char_rnn": ({"rnn_tab": "Your text", "rnn_t_iterations": "20000", "rnn_t_seed": "9"}, "rnn_train"),
    "gan": ({"gan_seed": "9", "gan_iterations": "100000"}, "gan_train"),
}


FOLLOWED = 3  # looks at a training, until the page surely follows it


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a page follows a training."""
    looks, event = [], threading.Event()

    def watch(names: Sequence[str], plain=training.watch) -> None:
        looks.append(names)
        if len(looks) >= FOLLOWED:
            event.set()
        plain(names)

    monkeypatch.setattr(training, "watch", watch)
    return event


def running(folder: Path) -> list[Run]:
    """The runs below the folder that have a first record and weights, and go on."""
    found = [run for run in runs.listing(folder=folder) if isinstance(run, Run)]
    return [run for run in found if run.status == "running" and run.history() and run.steps]


def meanwhile(folder: Path, act: Callable[[Run], None], following: threading.Event, over: threading.Event,
              errors: list[BaseException]) -> threading.Thread:  # fmt: skip
    """Once a page follows trainings, act on each of them, and again on all that is recorded later, until it is over."""

    def wait() -> None:
        try:
            assert following.wait(PATIENCE), "nothing was followed"
            done = set()
            while not over.wait(0.02):
                for run in running(folder):
                    if (run.name, len(run.checksums)) not in done:
                        act(run)
                        done.add((run.name, len(run.checksums)))
            assert done, "no training began"
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.fixture
def watched(own_runs: Path, following: threading.Event) -> Iterator[Callable[..., AppTest]]:
    """Press Train on a page, and act on the runs while the page follows them; gives the page afterwards."""

    def watch(page: str, act: Callable[[Run], None]) -> AppTest:
        query, key = TRAININGS[page]
        app = driver.opened(page, query)
        over, errors = threading.Event(), []
        acting = meanwhile(own_runs, act, following, over, errors)
        try:
            app.button(key=key).click().run(timeout=PATIENCE)
        finally:
            over.set()
            acting.join()
        assert not errors, errors[0]
        assert not app.exception, app.exception[0].stack_trace
        return app

    yield watch
    for job in list(trainings.QUEUE._jobs.values()):
        trainings.QUEUE.stop(job.name, job.owner)
    until = time.monotonic() + PATIENCE
    while trainings.QUEUE._jobs:
        assert time.monotonic() < until, "a training goes on"
        time.sleep(0.02)


def remove(run: Run) -> None:
    aside = run.path.with_name(f".{run.name}.gone")
    os.rename(run.path, aside)
    shutil.rmtree(aside, ignore_errors=True)


def kill(run: Run) -> None:
    for worker in trainings.QUEUE._workers:
        if worker.path == run.path:
            os.kill(worker._process.pid, signal.SIGKILL)


def damage(run: Run) -> None:
    for name in run.checksums:
        (run.path / name).write_bytes(b"no longer what it was")


@pytest.mark.parametrize("page", TRAININGS)
def test_a_run_that_is_removed_while_it_is_watched_leaves_a_page_that_works(page: str, watched) -> None:
    app = watched(page, remove)
    app.run()
    assert not app.exception
    assert app.title[0].value.lower().replace("-", "_") == page
    assert not app.error and not app.warning


@pytest.mark.parametrize("page", ["embeddings", "char_rnn", "gan"])
def test_files_that_are_damaged_while_they_are_watched_are_told_in_a_sentence(page: str, watched) -> None:
    app = watched(page, damage)
    assert "are not those that were recorded." in text(app)


@pytest.mark.parametrize("page", ["char_rnn"])
def test_a_killed_process_is_told_on_the_page_and_what_it_recorded_stays(page: str, watched, own_runs: Path) -> None:
    app = watched(page, kill)
    found = [run for run in runs.listing(folder=own_runs) if isinstance(run, Run)]
    assert {run.status for run in found} == {"interrupted"}
    assert all(run.history() and run.weights() for run in found)
    assert "Its process ended before the training did." in text(app)
