"""Values that no control of the page would send, sent all the same: the page goes on, and shows no exception."""

from __future__ import annotations

import math

from tests.conftest import COMMANDS
from tests.load.visitor import visiting

PAGES = ("", "classifier", "embeddings", "char_rnn", "gan", "adversarial")
FORGED = {  # kind of control → what is sent, a control something else than the one before
    "selectbox": ["no such thing", "", "\0", "x" * 100_000],
    "button_group": [["no such thing"], [], ["\0"] * 1000],
    "number_input": [math.nan, math.inf, -1e308, 0.5],
    "slider": [[math.nan], [1e308], [], [0.0, 1.0, 2.0]],
}


def test_forged_values_harm_nobody_but_who_sends_them(fresh_server) -> None:
    """Streamlit 1.67 gives up the session of who forges a number that is none, and tells so in the log alone."""
    server = fresh_server(command=COMMANDS["python"])
    for page in PAGES:
        with visiting(server.url) as forger:
            forger.open(page)
            for i, (name, control) in enumerate(list(forger.controls.items())):
                if control.kind in FORGED:
                    forged = FORGED[control.kind][i % len(FORGED[control.kind])]
                    forger.change(forger.controls[name], forged)
                    assert forger.wrong == [], f"{control.proto.label}: {forged!r:.50}"
    with visiting(server.url) as other:
        for page in PAGES:
            other.open(page)
            assert other.controls and other.wrong == []
