"""Share and reproduce: the link to the setting on the screen, and what makes its runs again: commands and scripts."""

from __future__ import annotations

from functools import lru_cache, partial
from urllib.parse import urlencode

import streamlit as st

from core import limits, runs, script
from core.data import DataMissing
from pages._shared import folded, takeaway, words

TRAINED = "These commands train the same runs again. The same machine and images give the same numbers."
SCRIPTS = "The same training in one file of plain PyTorch, without this project: its losses begin as those here."
SCRIPT_HEIGHT = 340  # pixels


def popover(commands: dict[str, str], told: str = TRAINED) -> None:
    """A button with the link and commands (what each is for → command line), of which ``told`` says what they do.

    For every command that trains, there is a script too.
    """
    folded.popover("Share & reproduce", ":material/link:", "share", partial(_content, commands, told))


def _content(commands: dict[str, str], told: str) -> None:
    names = ["Link and commands", "Python script", *(() if limits.read_only() else ["Open a run folder"])]
    link_tab, script_tab, *bring_tab = st.tabs(names)
    with link_tab:
        st.caption("This link opens the page with exactly these settings.")
        st.code(link(), language=None, wrap_lines=True)
        st.caption(told)
        for command, sides in _grouped(commands).items():
            st.code(f"{command}   # {sides}", language="bash", wrap_lines=True)
    with script_tab:
        _scripts(commands)
    for tab in bring_tab:
        with tab:
            takeaway.bring()


def _grouped(commands: dict[str, str]) -> dict[str, str]:
    """Command → what it is for; where it is for several, all of these."""
    sides: dict[str, list[str]] = {}
    for side, command in commands.items():
        sides.setdefault(command, []).append(side)
    return {command: words.listed(names) for command, names in sides.items()}


def link() -> str:
    """The address of the page with every setting that differs from the default."""
    query = urlencode([(key, value) for key in st.query_params for value in st.query_params.get_all(key)])
    address = (st.context.url or "").split("?")[0]
    return f"{address}?{query}" if query else address


def _scripts(commands: dict[str, str]) -> None:
    """A script for each command that trains, in a tab of its own where there are several."""
    training = {sides: command for command, sides in _grouped(commands).items() if script.config_of(command)}
    if not training:
        st.caption("Nothing is trained here.")
        return
    st.caption(SCRIPTS)
    for i, (place, command) in enumerate(zip(st.tabs(list(training)), training.values(), strict=True)):
        with place:
            try:
                name, text = _script(command)
            except (DataMissing, ValueError) as error:  # what it builds on is not there: the message says it
                st.caption(str(error))
                continue
            st.code(text, height=SCRIPT_HEIGHT)
            st.download_button("Download", text, f"{name}.py", "text/x-python", on_click="ignore",
                               icon=":material/download:", key=f"share_script_{i}")  # fmt: skip


@lru_cache(maxsize=64)
def _script(command: str) -> tuple[str, str]:
    """The name of the run that a command trains, and its script."""
    config = script.config_of(command)
    return runs.run_name(command.split()[4], config), script.of(config)
