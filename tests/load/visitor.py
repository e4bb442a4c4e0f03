"""A viewer without a browser: speaks Streamlit's own protocol, and operates the controls that a page has sent."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

PATIENCE = 30.0  # seconds for an answer
LARGEST = 64 * 1024**2  # bytes of a message
FIELDS = {  # kind of control → the field of its state
    "checkbox": "bool_value",
    "number_input": "double_value",
    "selectbox": "string_value",
    "slider": "double_array_value",
    "button_group": "string_array_value",
}


@dataclass(frozen=True)
class Control:
    """A control as the page has sent it."""

    kind: str
    proto: Any
    fragment: str

    @property
    def key(self) -> str:
        """The name that the page has given it."""
        return self.proto.id.rpartition("-")[2]

    def value(self, rng: random.Random) -> Any:
        """Some value that it may have."""
        match self.kind:
            case "checkbox":
                return rng.random() < 0.5
            case "selectbox":
                return rng.choice(self.proto.options)
            case "button_group":
                return [rng.choice(self.proto.options).content]
            case "slider":
                steps = round((self.proto.max - self.proto.min) / self.proto.step)
                return [self.proto.min + self.proto.step * rng.randint(0, steps)]
            case "number_input":
                return self.proto.min + self.proto.step * rng.randint(0, 3)


@contextlib.contextmanager
def visiting(url: str, ahead: int = 16) -> Iterator[Visitor]:
    """A session on the server at this address, until it is left; it takes so many messages before they are read."""
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    with connect(address, subprotocols=["streamlit", "PLACEHOLDER_AUTH_TOKEN"], max_size=LARGEST, compression=None,
                 proxy=None, ping_interval=None, max_queue=ahead, close_timeout=1) as socket:  # fmt: skip
        yield Visitor(socket)


class Visitor:
    """One session. What goes wrong on its pages is in ``wrong``."""

    def __init__(self, socket: ClientConnection):
        self._socket = socket
        self._page = ""  # its hash
        self.controls: dict[str, Control] = {}  # by id
        self.buttons: set[str] = set()  # ids
        self.wrong: list[str] = []

    def open(self, page: str, query: str = "") -> None:
        """Go to a page, "" for the first, at the settings of a link, and wait until it is drawn."""
        self.controls.clear()
        self.buttons.clear()
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = query
        self._answered(asked)

    def change(self, control: Control, value: Any) -> None:
        """Give a control a value, and wait for what comes of it."""
        asked = BackMsg()
        asked.rerun_script.page_script_hash = self._page
        asked.rerun_script.fragment_id = control.fragment
        state = asked.rerun_script.widget_states.widgets.add(id=control.proto.id)
        if isinstance(value, list):
            getattr(state, FIELDS[control.kind]).data.extend(value)
        else:
            setattr(state, FIELDS[control.kind], value)
        self._answered(asked)

    def press(self, key: str, said: str) -> str:
        """Press the button with this key, and wait until the page says what ``said`` finds; returns that."""
        asked = BackMsg()
        asked.rerun_script.page_script_hash = self._page
        (name,) = (name for name in self.buttons if name.endswith(f"-{key}"))
        asked.rerun_script.widget_states.widgets.add(id=name, trigger_value=True)
        self._socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(self._socket.recv(PATIENCE))
            if found := re.search(said, message.delta.new_element.markdown.body):
                return found[0]

    def _answered(self, asked: BackMsg) -> None:
        self._socket.send(asked.SerializeToString())
        while True:
            message = ForwardMsg.FromString(self._socket.recv(PATIENCE))
            match message.WhichOneof("type"):
                case "new_session":
                    self._page = message.new_session.page_script_hash or self._page
                case "navigation":
                    self._page = message.navigation.page_script_hash or self._page
                case "delta" if message.delta.WhichOneof("type") == "new_element":
                    self._take(message.delta.new_element, message.delta.fragment_id)
                case "page_not_found":
                    self.wrong.append(f"no page {message.page_not_found.page_name!r}")
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    raise AssertionError("the page cannot be compiled")
                case "script_finished" if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return

    def _take(self, element: Any, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.wrong.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "button":
            self.buttons.add(element.button.id)
        elif kind in FIELDS and not getattr(element, kind).disabled:
            self.controls[getattr(element, kind).id] = Control(kind, getattr(element, kind), fragment)
