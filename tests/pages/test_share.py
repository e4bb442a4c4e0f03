"""Share and reproduce: the link, the commands, and a script for every training among them."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core import runs, script
from core.classifier import Config

NETWORK = Config("mnist", "tanh")
TRAIN = runs.command("classifier", NETWORK)


def drawn(commands: dict[str, str]) -> AppTest:
    def page(commands: dict[str, str]) -> None:
        from pages._shared import share

        share.popover(commands)

    app = AppTest.from_function(page, kwargs={"commands": commands}, default_timeout=60)
    app.session_state["share"] = True  # it is open
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def test_every_training_has_a_script() -> None:
    app = drawn({"A": TRAIN, "B": runs.command("classifier", Config("mnist")), "A writes": "python -m core sample x"})
    codes = [code.value for code in app.code]
    assert f"{TRAIN}   # A" in codes
    assert codes[-2:] == [script.of(config).strip() for config in (NETWORK, Config("mnist"))]
    assert [tab.label for tab in app.tabs] == ["Link and commands", "Python script", "A", "B", "Open a run folder"]
    buttons = app.get("download_button")
    assert [button.proto.label for button in buttons] == ["Download", "Download"]


def test_without_a_training_there_is_none() -> None:
    app = drawn({"A's attack": "python -m core attack --index 4"})
    assert "Nothing is trained here." in [caption.value for caption in app.caption]
    assert not app.get("download_button")


def test_a_network_that_is_gone_ends_in_a_sentence() -> None:
    app = drawn({"A": "python -m core train embeddings --layout pca --network gone"})
    assert [caption for caption in app.caption if caption.value.startswith("There is no run 'gone'")]


def test_a_server_that_only_replays_takes_no_run_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_READONLY", "1")
    assert [tab.label for tab in drawn({"A": TRAIN}).tabs] == ["Link and commands", "Python script", "A"]
