"""EXPLORER_READONLY: everything is shown, drawings are taken, and nothing is trained, downloaded or uploaded."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from streamlit.testing.v1 import AppTest

from core import limits
from core.classifier import Config
from pages._shared import training
from pages._shared.server import serving
from tests.pages import driver
from tests.pages.driver import text

STARTS = {"clf_train", "clf_download", "emb_layout", "emb_train", "rnn_train", "gan_train", "adv_measure_a"}
TRAINING = {  # page → links to places where a training, a download or a measurement is offered
    "classifier": [{}, {"clf_data": "MNIST", "clf_seed": "7"}],
    "embeddings": [{}, {"emb_seed": "7"}],
    "char_rnn": [{"rnn_tab": "Your text"}],
    "gan": [{}, {"gan_seed": "7"}],
}
UPLOADS = {
    "classifier": {"clf_tab": "Look inside", "clf_source": "Upload"},
    "embeddings": {"emb_tab": "Your digit", "emb_source": "Upload"},
    "char_rnn": {"rnn_tab": "Your text", "rnn_source": "Upload a text"},
    "adversarial": {"adv_start": "Upload"},
}
PLACES = [(page, query) for page, queries in TRAINING.items() for query in queries]


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_READONLY", "1")


def buttons(app: AppTest) -> set[str]:
    return {button.key for button in app.button} & STARTS


@pytest.mark.parametrize(("page", "query"), PLACES, ids=str)
def test_a_sentence_stands_in_place_of_the_buttons(page: str, query: dict[str, str], monkeypatch) -> None:
    assert buttons(driver.opened(page, query))
    monkeypatch.setenv("EXPLORER_READONLY", "1")
    app = driver.opened(page, query)
    assert not buttons(app)
    assert text(app).count(limits.REPLAYS) == 1
    assert "Train live" not in text(app) and "Lay out live" not in text(app)


@pytest.mark.parametrize("page", UPLOADS)
def test_no_upload_is_offered(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(driver.opened(page, UPLOADS[page]).get("file_uploader")) == 1
    monkeypatch.setenv("EXPLORER_READONLY", "1")
    app = driver.opened(page, UPLOADS[page])
    assert not app.get("file_uploader") and not app.error and not app.warning


@pytest.mark.parametrize(
    ("page", "query", "asks"),
    [
        ("classifier", {"clf_data": "MNIST", "clf_tab": "Look inside", "clf_source": "Draw"}, None),
        ("embeddings", {"emb_tab": "Your digit"}, "Draw a digit to see it on the map."),
        ("adversarial", {"adv_start": "Drawing"}, "Draw a digit with the button above"),
    ],
)
@pytest.mark.usefixtures("read_only")
def test_drawings_are_taken(page: str, query: dict[str, str], asks: str | None) -> None:
    app = driver.opened(page, query)
    assert asks is None or asks in text(app)


@pytest.mark.usefixtures("read_only")
def test_a_button_forged_by_a_browser_starts_nothing(own_runs: Path) -> None:
    assert training.submit("classifier", [Config(dataset="mnist")]) == []
    assert list(own_runs.iterdir()) == []


def answered(path: str, method: str = "PUT") -> int:
    """The status with which the server's middleware answers; 200 is what lies behind it."""
    sent = []

    async def receive() -> dict:
        raise AssertionError("the file was read")

    async def send(message: dict) -> None:
        sent.append(message)

    app = serving.NoUploads(PlainTextResponse("taken"))
    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": []}, receive, send))
    return sent[0]["status"]


def test_the_server_itself_refuses_files(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = "/_stcore/upload_file/session/file"
    assert answered(upload) == 200
    monkeypatch.setenv("EXPLORER_READONLY", "1")
    assert answered(upload) == answered("/explorer" + upload) == 403
    assert answered("/_stcore/health", "GET") == 200
    assert serving.NoUploads in [entry.cls for entry in serving.MIDDLEWARE]
