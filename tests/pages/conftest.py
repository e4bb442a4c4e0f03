"""What tests of pages share: an empty folder of one's own runs for each, and one queue for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.jobs import trainings


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the runs trained in this test; pages that follow one look ten times a second."""
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path))
    monkeypatch.setattr("pages._shared.training.TICK", 0.1)
    return tmp_path


@pytest.fixture(scope="session", autouse=True)
def queue() -> Iterator[None]:
    """End the workers of the process-wide queue after the last test: once shut down, it trains nothing any more."""
    yield
    trainings.shut_down()
