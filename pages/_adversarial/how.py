"""How it works, and how one measures it wrongly."""

from __future__ import annotations

import streamlit as st

from pages._adversarial.settings import Settings
from pages._adversarial.walks import Walk
from pages._shared.components.perturbation import Place


def draw(chosen: Settings, found: dict[str, Walk], place: Place) -> None:
    """The step, the words on the page, and the pitfalls of evaluations."""
    one, two = st.columns(2, gap="large")
    one.markdown(
        "**The idea.** Training moves the weights down the slope of the loss. An attack leaves the weights alone and "
        "moves the *pixels*: down the slope of the loss towards a target class, or up that of the true class.\n\n"
        "**One step**, and all attacks here are this step, repeated:"
    )
    one.latex(r"x \leftarrow \mathrm{clip}_{[0,1]}\big(x_0 + \mathrm{project}_\varepsilon"
              r"(x - \alpha\,\mathrm{sign}\,\nabla_{\!x} L(x, \text{target}) - x_0)\big)")  # fmt: skip
    one.markdown(
        "FGSM takes one step of α = ε; the course five of ε / 5; PGD begins at a random place within ε and takes steps "
        "of 2.5 ε / steps. Under L2 the gradient itself, shortened to α, takes the place of its sign.\n\n"
        "**Why so little is enough.** Along the sign of the gradient every one of 784 pixels lowers the loss a little: "
        "to first order by α times the sum of the gradient's absolute values. At random the little changes cancel.\n\n"
        "**Maps.** *Perturbation*: what was added. *Gradient*: of the loss, by the pixels; it fades when the network "
        "is certain, and a map on its own scale hides that. *Sign*: all that a step under L∞ uses of it.\n\n"
        "**Adversarial training** (Madry et al. 2018) attacks every batch before the network learns from it."
    )
    two.markdown(
        "**How one fools oneself.** Most defences that were published fell to a better attack (Athalye et al. 2018). "
        "Before a robust number is believed:\n\n"
        "* An iterated attack must not be weaker than one step. If it is, the gradient is of no use there, which is "
        "not robustness.\n"
        "* A larger ε must not be safer; at ε large enough the accuracy must reach 0.\n"
        "* Clean accuracy belongs beside every robust number, and chance level too: a network that says 9 to "
        "everything cannot be turned.\n"
        "* A target that the network names already is no success. Images named wrong from the start don't count.\n"
        "* Random changes of the same size belong beside the attack: if they do as much, ε is too large.\n"
        "* Attacks go through the whole network, its normalisation included, in pixels of [0, 1].\n\n"
        "**Fooling images** (Nguyen et al. 2015) start from noise or zeros. They have no true class, so there is no "
        "error and no ε: that a network is certain of a 9 there is a fact about the network alone.\n\n"
        "**Where to read on.** Szegedy et al. 2014, Goodfellow et al. 2015 (FGSM), Kurakin et al. 2017 (more steps), "
        "Madry et al. 2018 (PGD), Moosavi-Dezfooli et al. 2017 (universal), Carlini et al. 2019 (how to evaluate)."
    )
