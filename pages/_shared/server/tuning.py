"""What costs time in Streamlit and no setting reaches: four of its insides, replaced in the version that is known."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import streamlit as st
from streamlit import config, net_util
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state.safe_session_state import SafeSessionState

KNOWN = "1.67."  # the version

_POPULATE_THEME = app_session._populate_theme_msg
_FILTERED_STATE = SafeSessionState.filtered_state


def quiet_streamlit() -> None:
    """Replace them; other versions are left as they are.

    A viewer who comes back after a lost connection re-arms the file watcher even where it is set to "none"; it walks
    every module in memory. A web socket that another web site asks for sends the server to the internet, to find its
    own address. At every run of a page the theme is gathered anew from all settings, a twentieth of the time. And every
    control of a page copies the state of all controls, to look at its own: another twentieth.
    """
    if not st.__version__.startswith(KNOWN):
        logger = logging.getLogger(__name__)
        logger.warning("Tuned for Streamlit %sx; version %s is left as it is.", KNOWN, st.__version__)
        return
    net_util.get_external_ip = lambda: None
    if config.get_option("server.fileWatcherType") == "none":
        AppSession.register_file_watchers = lambda session: None
    app_session._populate_theme_msg = lambda message, section="theme": message.MergeFrom(theme(section))
    SafeSessionState.filtered_state = property(State)


@cache
def theme(section: str) -> CustomThemeConfig:
    """A section of config.toml as the browser gets it; read once, while the server starts."""
    message = CustomThemeConfig()
    _POPULATE_THEME(message, section)
    return message


class State(Mapping[str, Any]):
    """A session's state as Streamlit filters it: a view of it, where Streamlit makes a copy."""

    def __init__(self, state: SafeSessionState) -> None:
        self._state = state

    def __getitem__(self, key: str) -> Any:
        with self._state._lock:
            return self._state._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_FILTERED_STATE.fget(self._state))

    def __len__(self) -> int:
        return len(_FILTERED_STATE.fget(self._state))

    def __repr__(self) -> str:
        return repr(_FILTERED_STATE.fget(self._state))
