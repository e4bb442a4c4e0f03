"""Other images: does this perturbation, or one found on many images, turn images that it was not made for?"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import streamlit as st

from core.adversarial.attacks import Attack, named
from core.adversarial.universal import Spread, added, universal
from pages._adversarial import library, picture
from pages._adversarial.library import Known
from pages._adversarial.settings import Settings
from pages._adversarial.walks import Walk
from pages._shared import gallery, words
from pages._shared.components.perturbation import Place

THIS, UNIVERSAL = "This perturbation", "A universal one"
ALL = "all classes"
SIZES = (10, 50, 200)  # images that a universal perturbation is found on
STEPS = 10  # of finding it
TRIED, SHOWN = 200, 16  # images it is added to; shown of them

HELP = {
    "which": "This: what stands in the picture of A above. A universal one is found on training images, all at once, "
    "with the same ε and target, and added to test images that it never saw.",
    "k": "Training images that it is found on.",
    "class": "The images that the perturbation is added to. Images of the target class don't count.",
}


def draw(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    """The controls, the success rates beside those of shuffled pixels, and a sheet."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    which = row.segmented_control("Perturbation", [THIS, UNIVERSAL], default=THIS, required=True, key="adv_spread",
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    if which == UNIVERSAL:
        k = row.selectbox("Found on", SIZES, 1, key="adv_spread_k", bind="query-params", width=160, help=HELP["k"],
                          format_func=lambda n: f"found on {n}", label_visibility="collapsed")  # fmt: skip
    name = row.selectbox("Images", [ALL, *chosen.classes], key=f"adv_spread_class_{chosen.dataset}", width=150,
                         bind="query-params", help=HELP["class"], label_visibility="collapsed")  # fmt: skip
    target = picture.goal(chosen, place)
    if target is None:
        st.info("Choose a target class above: what is any other class for one image is the true class of another.")
        return
    walk = found["A"]
    if which == THIS:
        delta, made = walk.perturbations[walk.point(target, place.at(walk.steps))], "the perturbation of A"
    else:
        attack = _attack(chosen)
        with st.spinner(f"Looking for one perturbation for {k} images…"):
            delta = _universal(f"{chosen.a.identity} {attack} {target} {k}", chosen.a, attack, target, k)
        made = f"one perturbation, found on {k} training images,"
    _told(chosen, delta, target, name, made)


def _attack(chosen: Settings) -> Attack:
    """The bound and the norm of the settings; a fooling image has none, so that of the course."""
    bounded = named(chosen.name, chosen.epsilon, STEPS)
    return replace(bounded, step=2.5 * bounded.epsilon / STEPS, steps=STEPS, random_start=False)


@st.cache_resource(max_entries=32, show_spinner=False)
def _universal(key: str, _known: Known, _attack: Attack, _target: int, _k: int) -> np.ndarray:
    train, _ = library.others(_known.dataset)
    some = np.sort(library.mixed(np.arange(len(train.labels)))[:_k])
    return universal(library.network(_known).model, library.pixels(_known, train.images[some]), _target, _attack)


def _told(chosen: Settings, delta: np.ndarray, target: int, name: str, made: str) -> None:
    _, test = library.others(chosen.dataset)
    wanted = test.labels != target if name == ALL else test.labels == chosen.classes.index(name)
    if chosen.start.index is not None and len(test.labels) > chosen.start.index:
        wanted[chosen.start.index] = False  # what it was made for
    tried = library.mixed(np.flatnonzero(wanted))[:TRIED]
    if not len(tried):
        st.info(f"There is no image of {name} here to try it on.")
        return
    if name == chosen.classes[target]:
        st.info(f"These are {name} already: choose another class, or all.")
        return
    shuffled = np.random.default_rng(chosen.seed).permutation(delta.ravel()).reshape(delta.shape)
    sides = {"A": chosen.a} | ({"B": chosen.b} if chosen.b != chosen.a else {})
    on = f"{name} {chosen.start.index} {target}"
    spreads = {side: _added(_key(known, delta, on), known, delta, tried, target) for side, known in sides.items()}
    control = _added(_key(chosen.a, shuffled, on), chosen.a, shuffled, tried, target)
    counted = int(spreads["A"].counted.sum())
    st.markdown(
        f"Added to **{counted}** other test images that A names right, {made} makes A call "
        f"**{_rate(spreads['A'])}** of them “{chosen.classes[target]}”; the same numbers, shuffled over the pixels, "
        f"**{_rate(control)}**."
        + (f" B calls **{_rate(spreads['B'])}** of those that it names right “{chosen.classes[target]}”."
           if "B" in spreads else "")
    )  # fmt: skip
    _sheet(chosen, spreads["A"], test.labels[tried], target)


def _key(known: Known, delta: np.ndarray, on: str) -> str:
    return f"{known.identity} {hashlib.sha256(delta.tobytes()).hexdigest()} {on}"


@st.cache_resource(max_entries=16, show_spinner=False)
def _added(key: str, _known: Known, _delta: np.ndarray, _tried: np.ndarray, _target: int) -> Spread:
    _, test = library.others(_known.dataset)
    images = library.pixels(_known, test.images[_tried])
    return added(library.network(_known).model, _delta, images, test.labels[_tried], _target)


def _rate(spread: Spread) -> str:
    return "none" if np.isnan(spread.success) else words.percent(spread.success, 0)


def _sheet(chosen: Settings, spread: Spread, labels: np.ndarray, target: int) -> None:
    """Perturbed images, one of each class in turn: what it is, and what A says."""
    rank = [int((labels[:i] == label).sum()) for i, label in enumerate(labels)]
    shown = np.lexsort((labels, rank))[:SHOWN]
    pictures = np.rint(255 * spread.images[shown]).astype(np.uint8)
    said = [f"{chosen.classes[spread.after[i]]}{' ✓' if spread.after[i] == target else ''}" for i in shown]
    st.caption(f"With the perturbation: what it is, and what A says of it (✓: the target, {chosen.classes[target]})")
    gallery.draw(pictures, [f"is {chosen.classes[labels[i]]}" for i in shown], said)
