"""Links from outside: whatever they say of a setting, every page opens, and nothing of it becomes HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.runtime.state.query_params_proxy import QueryParamsProxy
from streamlit.testing.v1 import AppTest

from pages._shared.lessons import lessons
from tests.pages import driver

SCRIPT = "<script>alert(1)</script>"
HOSTILE: dict[str, str | list[str]] = {
    "empty": "", "NUL": "a\0b", "long": "x" * 20_000, "many digits": "9" * 5000, "nan": "nan", "inf": "inf", "-1": "-1",
    "1e999": "1e999", "path": "../../etc/passwd", "script": SCRIPT, "emoji": "\U0001f600\u200d\U0001f525",
    "right to left": "\u202egnp.exe", "repeated": ["1", "nan", SCRIPT],
}  # fmt: skip
PREFIXES = {"classifier": "clf", "embeddings": "emb", "char_rnn": "rnn", "gan": "gan", "adversarial": "adv"}
MORE: dict[str, list[dict[str, str]]] = {  # views that have controls of their own
    "classifier": [{"clf_tab": "Look inside", "clf_data": "MNIST"}],
    "embeddings": [{"emb_tab": "Is this real?"}, {"emb_tab": "Your digit"}],
    "char_rnn": [{"rnn_tab": "Loss"}, {"rnn_tab": "Units"}, {"rnn_tab": "Your text"}],
    "gan": [{"gan_tab": "Over time"}, {"gan_tab": "Latent space"}],
    "adversarial": [{"adv_start": "Noise"}, {"adv_start": "Drawing"}, {"adv_tab": "Other images"}],
}


@dataclass(frozen=True)
class View:
    """A page with what chooses one of its views."""

    page: str
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " ".join([self.page, *(value for _, value in self.query)])


def views() -> Iterator[View]:
    """All pages as they open, what ``MORE`` lists, and a step of a lesson."""
    yield from (View(page) for page in ("home", *PREFIXES))
    yield from (View(page, tuple(query.items())) for page in PREFIXES for query in MORE[page])
    yield View("gan", (("lesson", next(iter(lessons()))),))


FIRST = [view for view in views() if not view.query]
FURTHER = [view for view in views() if view.query]
ROUNDS = 2


def opened(view: View, query: dict[str, Any]) -> AppTest:
    return driver.opened(view.page, {**query, **dict(view.query)})


def bound(node: Any) -> Iterator[str]:
    """The names in the link of all controls below a node of the page."""
    for child in getattr(node, "children", {}).values():
        if name := getattr(getattr(child, "proto", None), "query_param_key", ""):
            yield name
        yield from bound(child)


@lru_cache
def names(view: View) -> tuple[str, ...]:
    """All that the view reads from its link: what its controls are bound to, and what it looks up itself."""
    looked_up = set()

    def look_up(self: QueryParamsProxy, name: str, plain=QueryParamsProxy.__getitem__) -> str:
        looked_up.add(name)
        return plain(self, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QueryParamsProxy, "__getitem__", look_up)
        app = opened(view, {})
    return tuple(sorted({*bound(app._tree), *looked_up, "preset"} - dict(view.query).keys()))


def unharmed(app: AppTest) -> None:
    """The page stands, and shows text from the link as text."""
    assert not app.exception, app.exception[0].stack_trace
    assert [error.value for error in app.error] == []
    assert [told.value for told in app.info if "index" in told.value] == []  # no message of Python's own
    assert [block.proto.body for block in app.get("html") if SCRIPT in block.proto.body] == []
    assert [line.value for line in app.markdown if line.allow_html and SCRIPT in line.value] == []


def own(view: View) -> list[str]:
    """What only this view of its page reads from the link."""
    return [name for name in names(view) if name not in names(View(view.page))]


def test_the_names_are_found() -> None:
    assert {"clf_a_lr", "clf_seed", "clf_epoch", "clf_overlay", "lesson"} <= set(names(View("classifier")))
    assert {"adv_target", "adv_step", "adv_drawing"} <= set().union(*map(names, views()))
    assert len(set().union(*map(names, views()))) > 90
    assert len(set().union(*map(own, FURTHER))) > 20


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("view", FIRST, ids=str)
def test_a_hostile_value_everywhere(view: View, value: str | list[str]) -> None:
    unharmed(opened(view, dict.fromkeys(names(view), value)))


@pytest.mark.parametrize("view", FURTHER, ids=str)
def test_hostile_values_side_by_side(view: View) -> None:
    """Each name of the view has another value in each round, the empty one first."""
    values = list(HOSTILE.values())
    chosen = own(view) or names(view)
    for turn in range(ROUNDS):
        query = {name: values[(5 * i * bool(turn) + turn) % len(values)] for i, name in enumerate(chosen)}
        unharmed(opened(view, query))


@pytest.mark.parametrize("page", PREFIXES)
@settings(max_examples=4, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_text_for_some_of_the_names(page: str, data: st.DataObject) -> None:
    view = data.draw(st.sampled_from([view for view in views() if view.page == page]))
    values = st.one_of(st.sampled_from(list(HOSTILE.values())), st.text(max_size=30), st.integers().map(str),
                       st.floats().map(str), st.lists(st.text(max_size=5), min_size=2, max_size=3))  # fmt: skip
    unharmed(opened(view, data.draw(st.dictionaries(st.sampled_from(names(view)), values, max_size=6))))
