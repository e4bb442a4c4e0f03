"""The course's three runs: one click sets each, beside what it reported and what other initial weights give."""

from __future__ import annotations

import streamlit as st

from core import course
from pages._adversarial import library, start
from pages._adversarial.library import TITLES, Known
from pages._adversarial.settings import ATTACKED, COURSE, Settings
from pages._adversarial.walks import Walk
from pages._shared import words
from pages._shared.components.perturbation import Place

RUNS = {  # what the run began with → what it is called, its means, and the setting of its start
    "four": ("a test digit 4", "50 fours", {"adv_start": start.IMAGE, "adv_class_mnist": "4", "adv_number": 0}),
    "noise": ("noise, N(0, 1)", "20 noise images", {"adv_start": start.NOISE, "adv_noise_seed": 0,
                                                    "adv_noise": "normal"}),
    "zeros": ("a blank image", "one image", {"adv_start": start.ZEROS}),
}  # fmt: skip
NINE, STEPS = 9, 5  # the target of the course, and its steps
SHOWN = ("course", "default", "long")


def draw(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    """A card for each run, and why the networks differ."""
    networks = {name: known for known in library.networks().values()
                for name, title in TITLES.items() if title == known.title}  # fmt: skip
    if "course" not in networks:
        st.info("The course's network is not recorded yet: `python -m core record adversarial` makes it.")
        return
    st.markdown("Certainty of “9” after five steps of 0.04. The course showed one image each; ours are means where "
                "there are several.")  # fmt: skip
    for key, column in zip(RUNS, st.columns(3, gap="small"), strict=True):
        with column.container(border=True):
            _card(key, networks)
    _why(networks)


def _card(key: str, networks: dict[str, Known]) -> None:
    said, means, _ = RUNS[key]
    st.markdown(f"**{course.ATTACK_RUNS[key]}** from {said}")
    lines = [f"| reported by the course | **{words.percent(course.ATTACK_CERTAINTIES[key], 0)}** |\n|:--|--:|"]
    lines += [f"| {known.title} | **{words.percent(known.metrics[f'certainty_{key}'], 0)}** |"
              for name in SHOWN if (known := networks.get(name)) and f"certainty_{key}" in known.metrics]  # fmt: skip
    st.markdown("\n".join(lines))
    st.caption(f"Ours: {means}")
    if st.button("Show it above", icon=":material/arrow_upward:", key=f"adv_run_{key}", on_click=show,
                 args=(key, "default" in networks)):  # fmt: skip
        st.rerun()


def show(key: str, beside: bool) -> None:
    """Set a run of the course in A and, where there is one, the network with default initial weights in B."""
    other = {"adv_b": ATTACKED, "adv_b_network": TITLES["default"]} if beside else {}
    st.session_state.update({"adv_a": TITLES["course"], **COURSE, **other, **RUNS[key][2]})
    for name in ("adv_target", "adv_step"):
        st.query_params.pop(name, None)  # 9, and the last one


def _why(networks: dict[str, Known]) -> None:
    text, table = st.columns([5, 4], gap="large")
    text.markdown(
        "**Why does noise become a 9 in the course?** Not because it has anything of a 9. The course began with "
        "weights of standard deviation 0.1, in the first linear layer ten times PyTorch's default. After 1\u202f000 "
        "batches they are still large, and the network is *steep*: its loss changes a lot along every direction. Long "
        "training makes a network steep as well.\n\n"
        "The table says how much: how large the loss towards “9” is at noise, and how much of it five steps would "
        "take if it were a plane: 5 × 0.04 times the sum of the gradient's absolute values. Where they promise more "
        "than there is, noise becomes a 9; where they promise less, it stays what it was."
    )
    rows = []
    for name in (*SHOWN, "small"):
        if known := networks.get(name):
            steep = library.steepness(known.name, known.identity, known, NINE)
            rows.append({"network": known.title, "accuracy": words.percent(known.metrics["test_accuracy"]),
                         "loss": f"{steep.loss:.3g}", "5 steps promise": f"{STEPS * steep.fall:.3g}"})  # fmt: skip
    table.dataframe(rows, hide_index=True, width="stretch")
    table.caption(
        f"Nats, means over {library.NOISES} noise images. Accuracy: on all test images. The course reported "
        f"{words.percent(course.ATTACKED_ACCURACY)} on 500 test images."
    )
