"""How the app is served, as far as no browser is needed."""

from __future__ import annotations

import asyncio
import http.client
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import streamlit as st
import uvloop
from streamlit import config, net_util
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state import SafeSessionState
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.web.server import server_util

from pages._shared.server import launch, serving, tuning
from tests.pages.driver import opened

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {
    "server.address": "0.0.0.0",  # as asked for on the command line, all others from config.toml
    "server.port": 8765,
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 10,
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "browser.gatherUsageStats": False,
    "theme.light.primaryColor": "#1c67ab",
}


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.mark.parametrize("loop", LOOPS)
def test_connections_do_not_wait_for_acknowledgements(loop: str) -> None:
    async def accepted() -> int:
        nodelay = asyncio.get_running_loop().create_future()

        async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            nodelay.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
            await writer.wait_closed()

        listening = launch.bind("127.0.0.1", 0)
        async with await asyncio.start_server(look, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                return await nodelay
            finally:
                writer.close()
                await writer.wait_closed()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(accepted()) != 0


def test_who_opens_the_printed_address_is_answered_at_once(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "streamlit_app.py"), "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        address = next(line for line in server.stdout if "http://" in line).split(": ")[1].strip()
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
            assert answer.read() == b"ok"
        server.terminate()


def test_what_the_first_page_does_without_waits_until_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "DRAWN", threading.Event())
    opened("home", {})
    assert serving.DRAWN.is_set()


def test_pages_wait_until_what_they_need_is_loaded_and_the_overview_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "DRAWN", threading.Event())
    monkeypatch.setattr(serving, "LOADED", threading.Event())
    monkeypatch.setattr(serving, "NEEDED", threading.Event())
    opened("home", {})
    assert not serving.NEEDED.is_set()
    serving.DRAWN.clear()
    page = threading.Thread(target=opened, args=("gan", {}), daemon=True)
    page.start()
    assert serving.NEEDED.wait(30) and serving.DRAWN.is_set()  # it is loaded at once
    page.join(1.0)
    assert page.is_alive()
    serving.LOADED.set()
    page.join(60)
    assert not page.is_alive()


def test_a_taken_port_gives_way_to_the_next() -> None:
    with launch.bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with launch.bind("127.0.0.1", port) as second:
            assert port < second.getsockname()[1] <= port + launch.PORTS_TRIED
            assert launch.address(second) == f"http://127.0.0.1:{second.getsockname()[1]}"


def test_an_unknown_address_is_refused_in_words() -> None:
    with pytest.raises(SystemExit, match="Cannot listen on 203"):
        launch.bind("203.0.113.1", 8501)


def test_only_this_machine_is_served_unless_asked() -> None:
    assert launch.parse([]).host == "127.0.0.1"
    assert launch.parse(["--public"]).host == "0.0.0.0"


def test_settings_hold_from_any_folder(tmp_path: Path) -> None:
    script = (
        "import json, os, sys; from pages._shared.server import launch; from streamlit import config\n"
        "launch.configure('0.0.0.0', 8765)\n"
        "print(json.dumps([{name: config.get_option(name) for name in sys.argv[1:]}, os.environ['EXPLORER_RUNS']]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EXPLORER_RUNS": "here"}
    command = [sys.executable, "-c", script, *OPTIONS]
    out = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    options, runs = json.loads(out)
    assert options == OPTIONS
    assert Path(runs) == tmp_path / "here"  # a path means what it meant where the app was started


REPLACED = (
    (AppSession, "register_file_watchers"),
    (net_util, "get_external_ip"),
    (app_session, "_populate_theme_msg"),
    (SafeSessionState, "filtered_state"),
)


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Streamlit is again as it was when the test ends."""
    for where, name in REPLACED:
        monkeypatch.setattr(where, name, getattr(where, name))
    return monkeypatch


@pytest.mark.usefixtures("untouched")
def test_coming_back_does_not_start_a_file_watcher() -> None:
    """If the first line fails, look into the new Streamlit whether the patches are still needed, and still work."""
    assert st.__version__.startswith(tuning.KNOWN)
    assert "register_file_watchers()" in inspect.getsource(WebsocketSessionManager._resume_stored_session)
    assert config.get_option("server.fileWatcherType") == "none"
    tuning.quiet_streamlit()
    session = object()  # the real method would look for its attributes
    assert AppSession.register_file_watchers(session) is None


@pytest.mark.parametrize("section", ["theme", "theme.light", "theme.dark", "theme.sidebar", "theme.dark.sidebar"])
@pytest.mark.usefixtures("untouched")
def test_the_theme_is_what_streamlit_makes_of_it(section: str) -> None:
    tuning.quiet_streamlit()
    ours, theirs = CustomThemeConfig(), CustomThemeConfig()
    app_session._populate_theme_msg(ours, section)
    tuning._POPULATE_THEME(theirs, section)
    assert ours == theirs
    assert bool(ours.primary_color) == (section in ("theme.light", "theme.dark"))


@pytest.mark.usefixtures("untouched")
def test_a_session_s_state_is_what_streamlit_makes_of_it() -> None:
    at = opened("gan", {})
    tuning.quiet_streamlit()
    ours, theirs = at.session_state._state.filtered_state, tuning._FILTERED_STATE.fget(at.session_state._state)
    assert isinstance(ours, tuning.State) and isinstance(theirs, dict)
    assert len(theirs) > 10 and dict(ours) == theirs
    assert "gan_seed" in ours and "nothing" not in ours and ours.get("nothing", 7) == 7


def test_a_foreign_site_sends_nobody_to_the_internet(untouched: pytest.MonkeyPatch) -> None:
    asked = []
    untouched.setattr(net_util, "_make_blocking_http_get", lambda url, **_: asked.append(url))
    tuning.quiet_streamlit()
    assert not server_util.is_url_from_allowed_origins("http://foreign.example")
    assert not asked


def test_another_version_is_left_as_it_is(untouched: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    untouched.setattr(st, "__version__", "1.99.0")
    before = [getattr(where, name) for where, name in REPLACED]
    tuning.quiet_streamlit()
    assert [getattr(where, name) for where, name in REPLACED] == before
    assert "1.99.0" in caplog.text


def test_answers_carry_security_headers(server) -> None:
    for path in ("/", "/_stcore/health", "/no/such/file.js"):
        with urllib.request.urlopen(server.url + path) as answer:
            for name, value in serving.SecurityHeaders.HEADERS.items():
                assert answer.headers[name] == value


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1", "http://127.0.0.1", 101),
        ("localhost", "http://localhost", 101),
        ("127.0.0.1", "http://foreign.example", 403),
        ("rebound.example", "http://rebound.example", 403),
    ],
)
def test_other_sites_get_no_web_socket(server, host: str, origin: str, status: int) -> None:
    port = urlsplit(server.url).port
    headers = {
        "Host": f"{host}:{port}",
        "Origin": f"{origin}:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    started = time.monotonic()
    connection.request("GET", "/_stcore/stream", headers=headers)
    assert connection.getresponse().status == status
    assert time.monotonic() - started < 3  # Streamlit untamed asks the internet for its own address first
    connection.close()
