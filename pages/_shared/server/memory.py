"""The memory of the process: little of it lost in holes, and what nobody needs given back to the system."""

from __future__ import annotations

import ctypes
import math
import sys
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
    """Whether anybody is there; to be looked at now and then."""

    def __init__(self) -> None:
        self._empty_since: float | None = None

    def is_left(self) -> bool:
        """Whether it has been empty for as long as sessions are kept; this is said once, until somebody comes."""
        now = time.monotonic()
        if not is_empty():
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = now
        elif now - self._empty_since >= config.get_option("server.disconnectedSessionTTL"):
            self._empty_since = math.inf
            return True
        return False


def is_empty() -> bool:
    """Whether no viewer is connected."""
    return Runtime.exists() and Runtime.instance().state is RuntimeState.NO_SESSIONS_CONNECTED


def forget() -> None:
    """Empty the caches, Streamlit's and those of the project that have a bound: what is needed is worked out again.

    What has none is there once for all, like a connection.
    """
    st.cache_data.clear()
    st.cache_resource.clear()
    ours = [module for name, module in sys.modules.copy().items() if name.partition(".")[0] in ("core", "pages")]
    for cached in [value for module in ours for value in vars(module).values() if hasattr(value, "cache_parameters")]:
        if cached.cache_parameters()["maxsize"] is not None:
            cached.cache_clear()


def _glibc(name: str) -> Callable[..., int]:
    """A function of glibc; one that does nothing where it is absent."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return lambda *arguments: 0
