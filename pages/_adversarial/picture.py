"""THE picture: image + perturbation = what the network sees, with ten bars; A's attack over what B gets."""

from __future__ import annotations

import streamlit as st

from core import charts
from pages._adversarial import library, walks
from pages._adversarial.settings import ATTACKED, RANDOM, SEEN, Settings
from pages._adversarial.walks import Walk
from pages._shared.components.perturbation import MAPS, Place, Ways, picture
from pages._shared.server.turns import TURNS

KEY = "adv_picture"
HEIGHT = 376  # pixels
REST = 320  # pixels of a window that the page needs around the picture
FIRST = 9  # the target that the page opens with
SHORT = 5  # letters of a class at the slider
OTHER = "other"  # in the link: the target that is any other class
ALT = "An image, a perturbation, what the network sees and what it says of it, with sliders for target and step"


def walked(settings: Settings) -> dict[str, Walk]:
    """What both sides show, each worked out once for all viewers; raises a RunError where weights are gone."""
    return {"A": _attacked(settings, "A"), "B": _beside(settings)}


def _attacked(settings: Settings, side: str) -> Walk:
    known = settings.a if side == "A" else settings.b
    return _attack(identity(settings, side), settings, known, away(settings))


def _beside(settings: Settings) -> Walk:
    key = f"{settings.compare} {identity(settings, 'B')}"
    if settings.compare == ATTACKED:
        return _attacked(settings, "B")
    if settings.compare == SEEN:
        return _seen(f"{key} {identity(settings, 'A')}", settings)
    return _random(f"{key} {len(targets(settings))}", settings)


def identity(settings: Settings, side: str) -> str:
    """Changes when the attack on a side's network does."""
    known = settings.a if side == "A" else settings.b
    return str((known.identity, settings.start.identity, away(settings), settings.attack, settings.seed))


@st.cache_resource(max_entries=8, show_spinner=False)
def _attack(key: str, _settings: Settings, _known: library.Known, _away: int | None) -> Walk:
    TURNS.over()
    network = library.network(_known)
    return walks.attacked(network, _settings.start.pixels(network), _settings.attack, _away, _settings.seed)


@st.cache_resource(max_entries=8, show_spinner=False)
def _seen(key: str, _settings: Settings) -> Walk:
    return walks.seen_by(library.network(_settings.b), _attacked(_settings, "A"))


@st.cache_resource(max_entries=8, show_spinner=False)
def _random(key: str, _settings: Settings) -> Walk:
    network = library.network(_settings.b)
    pixels = _settings.start.pixels(network)
    return walks.at_random(network, pixels, _settings.attack, len(targets(_settings)), _settings.seed)


def away(settings: Settings) -> int | None:
    """The class to get away from: the true one, or what A says of an image without one; None for no image."""
    if settings.start.fooling or settings.start.label is not None:
        return settings.start.label
    return _called(f"{settings.a.identity} {settings.start.identity}", settings)


@st.cache_resource(max_entries=64, show_spinner=False)
def _called(key: str, _settings: Settings) -> int:
    network = library.network(_settings.a)
    return int(walks.judged(network.model, _settings.start.pixels(network)).argmax())


def targets(settings: Settings) -> list[tuple[str, int]]:
    """Every class and, where there is one to get away from, any other: a label and the class, or −1."""
    names = [(name[:SHORT], k) for k, name in enumerate(settings.classes)]
    origin = away(settings)
    return names if origin is None else [*names, (f"≠{settings.classes[origin][:SHORT]}", -1)]


def goal(settings: Settings, place: Place) -> int | None:
    """The class that is aimed at; None: any other."""
    k = targets(settings)[place.target][1]
    return None if k < 0 else k


# Drawing


def draw(settings: Settings, found: dict[str, Walk]) -> Place:
    """Draw what ``walked`` found; returns the place that the viewer chose."""
    keys = {"A": f"A {identity(settings, 'A')}",
            "B": f"B {settings.compare} {identity(settings, 'A')} {identity(settings, 'B')}"}  # fmt: skip
    place = picture(
        key=KEY, about=str(keys), rows=[_packed(keys[side], side, settings, walk) for side, walk in found.items()],
        caption=caption(settings), classes=settings.classes, colors=charts.CLASSES[: len(settings.classes)],
        targets=targets(settings), truth=settings.start.label, away=away(settings), at=_from_link(settings),
        height=HEIGHT, rest=REST, alt=ALT,
    )  # fmt: skip
    _to_link(settings, place)
    return place


@st.cache_resource(max_entries=16, show_spinner=False)
def _packed(key: str, side: str, _settings: Settings, _walk: Walk) -> dict:
    ways = Ways(side, title(_settings, side), _walk.original, _walk.perturbations, _walk.probabilities, _walk.figures,
                _walk.of, _walk.gradients)  # fmt: skip
    return ways.packed()


def caption(settings: Settings) -> str:
    """What the image is: "test image 4, digit 4"."""
    if settings.start.label is None:
        return settings.start.title
    name = settings.classes[settings.start.label]
    return f"{settings.start.title}, {f'digit {name}' if name.isdigit() else name}"


def title(settings: Settings, side: str) -> str:
    """What a side shows, in a few words."""
    if side == "A":
        return f"{settings.a.title}, attacked"
    name = settings.b.title
    return {RANDOM: f"{name}, changed at random", SEEN: f"{name} sees A's picture"}.get(
        settings.compare, f"{name}, attacked"
    )


def _from_link(settings: Settings) -> Place:
    known = {name: k for k, name in enumerate(settings.classes)} | {OTHER: len(settings.classes)}
    asked, step = st.query_params.get("adv_target", ""), st.query_params.get("adv_step", "")
    kind = st.query_params.get("adv_map", "")
    number = int(step) if step.isdecimal() and step.isascii() and len(step) < 4 else None
    place = Place(known.get(asked, FIRST), number, MAPS.index(kind) if kind in MAPS else 0,
                  st.query_params.get("adv_scales") == "own")  # fmt: skip
    return place.within(len(targets(settings)), settings.attack.steps)


def _to_link(settings: Settings, place: Place) -> None:
    """Keep the place in the address; what the page opens with stays out of it, as for every other control."""
    names = [*settings.classes, OTHER]
    said = {"adv_target": names[place.target] if place.target != FIRST else None,
            "adv_step": None if place.step is None else str(place.step),
            "adv_map": MAPS[place.map] if place.map else None, "adv_scales": "own" if place.own else None}  # fmt: skip
    for key, value in said.items():
        if value is None:
            st.query_params.pop(key, None)
        elif st.query_params.get(key) != value:
            st.query_params[key] = value
