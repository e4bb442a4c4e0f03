"""The memory of the process: little of it lost in holes, and what nobody needs given back to the system."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

import streamlit as st
from streamlit import config
from streamlit.runtime import Runtime, RuntimeState

ARENAS = 2  # parts of glibc's heap. Its default is eight a core: 110 MiB of holes after 30 viewers (Nov 2026)
M_ARENA_MAX = -8  # the parameter's number in glibc's malloc.h


def few_arenas() -> None:
    """Let all threads share `ARENAS` parts of the heap; each page is drawn by a new thread, and one draws at a time."""
    _glibc("mallopt")(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return what was freed to the system."""
    _glibc("malloc_trim")(0)


class Hall:
    """Whether anybody is there. Once it has been empty for as long as sessions are kept, the caches are emptied too."""

    def __init__(self) -> None:
        self._empty_since: float | None = None

    def look(self) -> None:
        """Look whether anybody is there; to be called now and then."""
        if not is_empty():
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = time.monotonic()
        elif time.monotonic() - self._empty_since >= config.get_option("server.disconnectedSessionTTL"):
            st.cache_data.clear()
            st.cache_resource.clear()


def is_empty() -> bool:
    """Whether no viewer is connected."""
    return Runtime.exists() and Runtime.instance().state is RuntimeState.NO_SESSIONS_CONNECTED


def _glibc(name: str) -> Callable[..., int]:
    """A function of glibc; one that does nothing where it is absent."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return lambda *arguments: 0
