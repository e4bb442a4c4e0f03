"""The app as a class of students needs it: what the process does before, beside and after its pages, and what stands
around every answer.

Streamlit's defaults keep ten viewers waiting for seconds once torch is imported. The settings that cure it are in
.streamlit/config.toml, the socket is launch.py's, Streamlit's insides are tuning.py's.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from streamlit import config

from core import limits
from core.jobs import trainings, warm
from pages._shared.components.maps import NEIGHBOURS
from pages._shared.server import memory, tuning

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "pages"
ROUTER = PAGES / "_router.py"

FILES = 8192  # open files wanted: each viewer holds a few, and macOS starts a process with 256 in all
JANITOR_SECONDS = 20
ALONE = 4.0  # seconds that the first page has the process for itself, at most
DRAWN = threading.Event()  # set by the router when a page has been drawn
BREATH = 1.5  # seconds after it that the browser has the processor for itself, to show what was drawn
NEEDED = threading.Event()  # set by the first page that needs what is loaded
LOADED = threading.Event()  # set when torch and Altair are loaded; and where no janitor loads them, in tests
LOADED.set()

# Streamlit puts the main script's folder in front of sys.path for the length of each run. Being there already, at the
# end, it stays put: no page can shadow a library, and the path does not change while other threads import.
if str(PAGES) not in sys.path:
    sys.path.append(str(PAGES))


@contextlib.asynccontextmanager
async def warm_up(app: st.App) -> AsyncIterator[None]:
    """Tune the process before its first visitor is answered, and tidy up behind the last."""
    tuning.quiet_streamlit()
    memory.few_arenas()
    raise_file_limit()
    LOADED.clear()
    threading.Thread(target=keep_house, name="janitor", daemon=True).start()
    try:
        yield
    finally:
        trainings.shut_down()
        gc.unfreeze()  # or native libraries report leaks on the way out


def raise_file_limit() -> None:
    """Allow `FILES` open files, or as many as the system lets us."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def keep_house() -> None:
    """Load what the overview does without, then collect garbage now and then, instead of after every run.

    The half million objects of the libraries live as long as the process: frozen, the collector passes them by.
    """
    try:
        first_page()
        DRAWN.wait(ALONE)
        NEEDED.wait(BREATH)
        warm.inference()
        warm.drawing()
    finally:
        LOADED.set()
    trainings.warm_up()
    warm.training()
    warm.extras()
    warm.neighbours(NEIGHBOURS)
    gc.collect()
    gc.freeze()
    hall = memory.Hall()
    while True:
        memory.give_back()
        time.sleep(JANITOR_SECONDS)
        if hall.is_left():
            memory.forget()
            warm.neighbours(NEIGHBOURS)
        gc.collect()


def first_page() -> None:
    """Read what the overview shows, while the browser of its first viewer still reads scripts."""
    from pages._home import overview

    overview.shown()


def load() -> None:
    """Let the janitor load torch and Altair now, and wait: several threads could break each other's imports."""
    DRAWN.set()
    NEEDED.set()
    LOADED.wait()


def apologize(error: Exception) -> bool:
    """Show a sentence in place of Streamlit's redacted error box; the traceback goes to the log alone.

    A developer who asks for ``--client.showErrorDetails full`` gets the traceback on the page.
    """
    if config.get_option("client.showErrorDetails") == "full":
        return False
    st.error("This page ran into an error. Reload it to try again; the other pages still work.")
    return True


class SecurityHeaders:
    """ASGI middleware: tells browsers not to guess types, not to pass on links, and not to frame the app elsewhere."""

    HEADERS = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "SAMEORIGIN",
    }

    def __init__(self, app: Callable) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        return await self.app(scope, receive, send_with_headers)


class NoUploads:
    """ASGI middleware: on a server that only replays, files are refused before they are read.

    That no page offers to upload one is not enough: Streamlit takes files from every session, asked for or not.
    """

    PATH = "/_stcore/upload_file/"

    def __init__(self, app: Callable) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Callable, send: Callable) -> None:
        if scope["type"] == "http" and self.PATH in scope["path"] and limits.read_only():
            await PlainTextResponse("This server takes no uploads.", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


MIDDLEWARE = [Middleware(SecurityHeaders), Middleware(NoUploads)]
