"""Train on a text of one's own, or on the course's text with other settings, live."""

from __future__ import annotations

import streamlit as st

from core import char_rnn
from core.char_rnn import Config
from core.char_rnn.recurrent import MODULES
from core.data import corpus
from pages._char_rnn import library, live
from pages._char_rnn.picture import Shown
from pages._char_rnn.settings import Settings
from pages._shared import training, words

SHAKESPEARE, UPLOAD, PASTE = "Eight plays by Shakespeare", "Upload a text", "Paste a text"
SHORT = 10_000  # characters: a longer text has a chunk of any length
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
HELP = {
    "lr": "Learning rate of Adam. The course used 0.01.",
    "clip": "The longest gradient allowed; longer ones are scaled down. 0: no limit, as in the course.",
    "chunk": "Characters that the gradient reaches back over.",
    "batch": "Chunks an iteration. Fewer of them train faster and learn less from each.",
    "iterations": "The course took 2 000. On this page every 50 give a sample.",
}


def draw(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    """The text, the settings, the button; while it trains, the picture above shows how it goes."""
    if not training.offered(st.container()):
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        source = st.segmented_control("Text", [SHAKESPEARE, UPLOAD, PASTE], default=SHAKESPEARE, required=True,
                                      key="rnn_source", bind="query-params")  # fmt: skip
        own = _own(source)
    with right:
        config = _config(own)
    going = live.training_run()
    ready = source == SHAKESPEARE or own is not None
    with right:
        pressed = st.button("Train live", type="primary", icon=":material/play_arrow:", key="rnn_train",
                            disabled=config is None or not ready or (going is not None and going.active))  # fmt: skip
        if going is not None and going.active:
            st.caption("The picture above follows the training; Stop is there as well.")
    if pressed and config is not None:
        _train(config, own)
        st.rerun()  # the whole page, of which this may be a fragment


def _own(source: str) -> corpus.Own | None:
    """The text of one's own, or None where there is none that can be used: then a sentence says why."""
    if source == SHAKESPEARE:
        st.caption("The text of the course: about a million characters. The last 5\u202f% are held out.")
        return None
    if source == UPLOAD:
        file = st.file_uploader("A text file in UTF-8, 2 kB to 5 MB", key="rnn_upload", max_upload_size=10)
        content = file.getvalue() if file is not None else None
    else:
        content = st.text_area("At least 2\u202f000 characters", key="rnn_paste", height=180) or None
    if not content:
        st.caption("A few hundred kB teach it most. Songs, code, recipes, chess games: anything with a pattern.")
        return None
    try:
        own = corpus.own(content)
    except ValueError as error:  # too short, too long, not UTF-8: the message says which
        st.warning(str(error), icon=":material/info:")
        return None
    for note in own.notes:
        st.caption(note)
    st.caption(f"{words.count(len(own.text))} characters; the last 5\u202f% are held out.")
    return own


def _config(own: corpus.Own | None) -> Config | None:
    """The settings, or None where they don't go together, or with the text: then a sentence says why."""
    first, second = st.container(horizontal=True, gap="small"), st.container(horizontal=True, gap="small")
    cell = first.selectbox("Cell", list(MODULES), format_func=library.CELLS.get, key="rnn_t_cell", bind="query-params",
                           width=120)  # fmt: skip
    numbers = {
        "layers": _number(first, "Layers", 1, 4, 2), "hidden": _number(first, "Hidden units", 4, 512, 100),
        "iterations": _number(first, "Iterations", 10, 20_000, 300),
        "chunk": _number(second, "Chunk", 10, 2000, 200), "batch": _number(second, "Batch", 1, 500, 100),
        "seed": _number(second, "Seed", 0, 999_999, 42),
    }  # fmt: skip
    lr = first.selectbox("Learning rate", RATES, RATES.index(0.01), format_func=lambda rate: f"{rate:g}",
                         help=HELP["lr"], key="rnn_t_lr", bind="query-params", width=118)  # fmt: skip
    clip = second.number_input("Clip", 0.0, 1000.0, 0.0, 0.5, help=HELP["clip"], key="rnn_t_clip", bind="query-params",
                               width=108)  # fmt: skip
    try:
        config = Config(text=own.name if own else corpus.SHAKESPEARE, cell=cell, lr=lr, clip=float(clip), **numbers)
        if own is not None:
            beginning = own.text[:SHORT]
            char_rnn.training_codes(config, corpus.Corpus(own.name, "", beginning, ""))
    except ValueError as error:
        st.warning(str(error), icon=":material/info:")
        return None
    return config


def _number(row: st.delta_generator.DeltaGenerator, label: str, low: int, high: int, usual: int) -> int:
    name = label.split()[0].lower()
    return int(row.number_input(label, low, high, usual, help=HELP.get(name), key=f"rnn_t_{name}", bind="query-params",
                                width=108))  # fmt: skip


def _train(config: Config, own: corpus.Own | None) -> None:
    try:
        if own is not None:
            corpus.keep(own)
    except OSError as error:  # the disk is full, or the folder is not ours
        st.session_state[training.PROBLEM] = f"The text could not be kept: {error.strerror or error}."
    else:
        live.start(config)
