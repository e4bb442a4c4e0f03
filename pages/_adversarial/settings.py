"""What is attacked and how, and what stands beside it: all of it in the link."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from core.adversarial import attacks, traces
from core.adversarial.attacks import Attack
from pages._adversarial import library, start
from pages._adversarial.library import Known
from pages._adversarial.start import Start
from pages._shared import words

ATTACKS = {title: name for name, title in attacks.TITLES.items()}
COURSE = {  # in the session state: the attack of the course
    "adv_attack": "Course's steps", "adv_epsilon": 0.2, "adv_steps": 5, "adv_step_size": 0.0, "adv_norm": "linf",
}  # fmt: skip
RANDOM, SEEN, ATTACKED = COMPARE = ("Random, same size", "A's picture", "The same attack")
AS_A = "as A"
EPSILONS = {"linf": {"mnist": 0.2}, "l2": {"mnist": 2.0, "cifar10": 0.5}}  # that an attack begins with
SMALL = {"linf": 0.03, "l2": 1.0}  # for other data sets
LARGEST = 20.0
MOST_STEPS = 40  # so many that all ten ways are one message of at most a megabyte (MNIST)

HELP = {
    "network": "The network whose gradient is followed. The robust one was trained on attacked images.",
    "attack": "All are the same step, repeated: along the sign of the gradient (L∞) or along the gradient (L2). PGD "
    "starts at a random place within ε and goes 2.5 ε in all; the course went ε / steps at a time.",
    "epsilon": "How far a pixel may go, of [0, 1] (L∞); or how long the whole perturbation may be (L2). 0 leaves the "
    "image as it is.",
    "size": "An image that is none has no ε: there is nothing to stay near. This number only sets the step size.",
    "steps": "Gradient steps. FGSM is the attack with one step.",
    "compare": "Random: the same steps along a random direction. A's picture: B looks at what was made against A. The "
    "same attack: made against B itself.",
    "b_network": "Who looks in B.",
    "step_size": "How far a step goes. 0: as the attack has it.",
    "seed": "Decides where PGD starts, and the random directions.",
}


@dataclass(frozen=True)
class Settings:
    """What the viewer has chosen."""

    a: Known
    b: Known
    compare: str  # one of COMPARE
    name: str  # of the attack: a key of core.adversarial.attacks.ATTACKS
    epsilon: float
    steps: int
    step_size: float  # 0: as the attack has it
    seed: int
    start: Start

    @property
    def attack(self) -> Attack:
        """What is done to the image, towards a class; raises a ValueError where a number is out of range."""
        made = attacks.named(self.name, self.epsilon, self.steps)
        if self.step_size:
            made = dataclasses.replace(made, step=self.step_size)
        return traces.unbounded(made) if self.start.fooling else made

    @property
    def dataset(self) -> str:
        return self.a.dataset

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return library.examples(self.dataset)[1]


def controls(networks: dict[str, Known]) -> tuple[Settings, st.delta_generator.DeltaGenerator]:
    """Draw the controls; returns what they say, and the place at the end of the last row."""
    both = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with both.container(key="adv_a_card", width=578):
        place = st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall")
        a = _network(place, networks)  # the rest follows when the start is known
    with both.container(key="adv_b_card", width=412):
        row = st.container(horizontal=True, gap="xsmall")
        compare = row.selectbox("B · gets", COMPARE, help=HELP["compare"], key="adv_b", bind="query-params", width=215)
        others = [AS_A, *(title for title, known in networks.items() if known.dataset == a.dataset)]
        b = row.selectbox("Network", others, help=HELP["b_network"], key="adv_b_network", bind="query-params",
                          width=185)  # fmt: skip
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    begun = start.pick(bar, a.dataset)
    name, epsilon, steps = _attack(place, a.dataset, begun)
    with both.popover("More", icon=":material/tune:"):
        step_size, seed = _rare()
    known = a if b == AS_A else networks[b]
    return Settings(a, known, compare, name, epsilon, steps, step_size, seed, begun), bar


def _network(row: st.delta_generator.DeltaGenerator, networks: dict[str, Known]) -> Known:
    title = row.selectbox("A · network", list(networks), help=HELP["network"], key="adv_a", bind="query-params",
                          width=200, on_change=_other_network, args=(networks,))  # fmt: skip
    st.session_state["adv_dataset"] = networks[title].dataset
    return networks[title]


def _other_network(networks: dict[str, Known]) -> None:
    """Another network was chosen; images of another kind need another ε and have other networks beside them."""
    known = networks.get(st.session_state.get("adv_a"))
    if known and known.dataset != st.session_state.get("adv_dataset"):
        name = ATTACKS.get(st.session_state.get("adv_attack"), "course")
        st.session_state["adv_epsilon"] = usual(name, known.dataset)
        st.session_state["adv_b_network"] = AS_A
        st.session_state["adv_start"] = start.IMAGE


def usual(name: str, dataset: str) -> float:
    """The ε that an attack begins with."""
    norm = attacks.named(name).norm
    return EPSILONS[norm].get(dataset, SMALL[norm])


def _attack(row: st.delta_generator.DeltaGenerator, dataset: str, begun: Start) -> tuple[str, float, int]:
    title = row.selectbox("Attack", list(ATTACKS), help=HELP["attack"], key="adv_attack", bind="query-params",
                          width=160, on_change=_other_attack, args=(dataset,))  # fmt: skip
    name = ATTACKS[title]
    norm = attacks.named(name).norm
    label = "Size (no ε)" if begun.fooling else f"ε ({attacks.NORMS[norm].title})"
    epsilon = row.number_input(label, 0.0, LARGEST, usual(name, dataset), 0.05 if norm == "linf" else 0.5,
                               format="%.3g", help=HELP["size" if begun.fooling else "epsilon"], key="adv_epsilon",
                               bind="query-params", width=104)  # fmt: skip
    steps = row.number_input("Steps", 0, MOST_STEPS, 5, help=HELP["steps"], key="adv_steps", bind="query-params",
                             width=90, disabled=name == "fgsm")  # fmt: skip
    return name, float(epsilon), int(steps)


def _rare() -> tuple[float, int]:
    """What is seldom changed."""
    step_size = st.number_input("Step size", 0.0, LARGEST, 0.0, 0.01, format="%.4g", help=HELP["step_size"],
                                key="adv_step_size", bind="query-params")  # fmt: skip
    seed = st.number_input("Seed", 0, 999_999, 0, help=HELP["seed"], key="adv_seed", bind="query-params")
    return float(step_size), int(seed)


def _other_attack(dataset: str) -> None:
    """Another attack was chosen: a number that means a size in one norm means little in the other."""
    title = st.session_state.get("adv_attack")
    before = st.session_state.get("adv_norm", "linf")
    if title in ATTACKS and (norm := attacks.named(ATTACKS[title]).norm) != before:
        st.session_state["adv_epsilon"] = usual(ATTACKS[title], dataset)
        st.session_state["adv_norm"] = norm


def differences(settings: Settings) -> tuple[str, str]:
    """What differs between A and B, and what is the same, in words."""
    size = f"step size {settings.attack.step:.3g}"
    where = "start" if settings.start.fooling else "image"
    other = settings.a != settings.b
    if settings.compare == RANDOM:
        return words.listed(["direction", *(["network"] if other else [])]), words.listed([where, size, "steps"])
    if settings.compare == SEEN:
        return "who looks" if other else "nothing", words.listed(["image", "perturbation, made against A"])
    return "network" if other else "nothing", words.listed([where, "attack", size, "steps"])


def command(settings: Settings, target: int | None) -> str | None:
    """The command line that makes A's attack again; None where it has no words for the start or the step."""
    own_image = settings.start.kind == "image" and settings.start.index is None
    if own_image or settings.step_size:
        return None
    where = f"--index {settings.start.index}" if settings.start.kind == "image" else f"--start {settings.start.kind}"
    aim = "" if target is None else f" --target {target}"
    attack = "" if settings.name == "course" else f" --attack {settings.name}"
    seed = settings.start.seed if settings.start.fooling else settings.seed
    rest = f" --seed {seed}" if seed else ""
    return (f"python -m core attack --model {settings.a.short} {where}{aim}{attack} --epsilon {settings.epsilon:g} "
            f"--steps {settings.steps}{rest} --json")  # fmt: skip
