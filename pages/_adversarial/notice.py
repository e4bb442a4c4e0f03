"""The sentences around the picture: what differs, what to notice, and where every figure comes from."""

from __future__ import annotations

import math

from core import data, runs
from core.adversarial import attacks
from core.runs import RunError, recorder
from pages._adversarial import library, picture, settings
from pages._adversarial.library import Known
from pages._adversarial.settings import ATTACKED, RANDOM, SEEN, Settings
from pages._adversarial.walks import Walk
from pages._shared import words
from pages._shared.components.perturbation import Place

COMMANDS = "The first command makes A's attack again and prints its numbers. The others train the networks."
DRAG = "Drag the target: one image, the same few steps, and the network names whatever was asked for."
NO_COMMAND = "# the command line knows no drawings, no uploads and no step sizes of one's own"


def differs(chosen: Settings) -> str:
    """The line that says what differs between A and B, and what is the same."""
    differ, same = settings.differences(chosen)
    return f"**differs:** {differ} · **same:** {same}"


def missing(networks: dict[str, Known]) -> str:
    """What is not recorded yet; "" if nothing is."""
    absent = library.missing(networks)
    if not absent:
        return ""
    first = next(iter(networks))
    stands = f" *{first}* stands in." if library.TITLES["course"] in absent else ""
    return f"Not recorded yet: {words.listed(absent)}. `python -m core record adversarial` makes them.{stands}"


def told(chosen: Settings, networks: dict[str, Known], found: dict[str, Walk], place: Place | None) -> list[str]:
    """What the viewer should know of these settings, a sentence each."""
    said = [chosen.start.note]
    if chosen.steps == 0:
        said.append("With 0 steps nothing happens to the image.")
    elif chosen.epsilon == 0 and not chosen.start.fooling:
        said.append("With ε = 0 every picture is the image itself, bit for bit.")
    elif chosen.attack.step == 0:
        said.append("With a size of 0 no step leads anywhere.")
    elif place is not None and (k := picture.goal(chosen, place)) is not None and k == _called(found["A"], place):
        said.append(f"A calls this {chosen.classes[k]} before the first step: there is nothing to turn.")
    if chosen.a == chosen.b and chosen.compare != RANDOM:
        said.append("B is the same network as A. Choose another one to compare them.")
    return [sentence for sentence in (*said, missing(networks)) if sentence]


def _called(walk: Walk, place: Place) -> int:
    """What the network says at the start."""
    return int(walk.probabilities[walk.point(place.target, 0)].argmax())


def notice(chosen: Settings, found: dict[str, Walk], place: Place) -> str:
    """What to notice, in at most two lines, for what is on the screen."""
    if chosen.start.kind == "zeros":
        return (
            "A fooling image: nobody sees a digit in it. From zeros only steps up survive the clip to [0, 1], so about "
            "half of the first step is lost; see the clipped share at step 1."
        )
    if chosen.start.fooling:
        return (
            "A fooling image: it has no true class, and no ε, as there is nothing to stay near. That a network is "
            "certain of a digit here says how steep it is, not what it saw: try *Default initial weights*."
        )
    if picture.goal(chosen, place) == _called(found["A"], place):
        return DRAG
    step = place.at(chosen.attack.steps)
    ends = {side: _end(chosen, walk, place) for side, walk in found.items()}
    hits = {side: _hit(chosen, walk, place) for side, walk in found.items()}
    if chosen.compare == SEEN and chosen.a != chosen.b:
        carries = "It carries over to this other network" if hits["B"] else "It does not carry over to this network"
        return (
            f"A says {ends['A']}; B, which was never asked, says {ends['B']}. {carries}. *Other images* below tries "
            "many more."
        )
    if chosen.compare == ATTACKED and chosen.a != chosen.b:
        return (
            f"The same steps, each along its own network's gradient: A says {ends['A']}, B {ends['B']}. The steeper "
            "the network, the further they go. Choose *Gradient* at the left: both maps have one scale."
        )
    if chosen.compare == RANDOM and hits["A"] and not hits["B"]:
        return (
            f"{_sizes(found, place)} Along the gradient A comes to say {ends['A']}; along a random "
            f"direction B says {ends['B']}. It isn't the size that fools the network but the direction. Now drag the "
            "target."
        )
    if not hits["A"] and step < chosen.attack.steps:
        return (
            f"After step {step} of {chosen.attack.steps} A says {ends['A']}. Each step moves every pixel by as little "
            "as the one before; drag the step on, and watch where the lines cross."
        )
    if not hits["A"]:
        return (
            f"A still says {ends['A']}: this target is too far for {chosen.attack.steps} steps and this size. Try "
            "another target, a larger ε or more steps; or leave the target open with the last place of the slider."
        )
    if chosen.compare == RANDOM:
        return (
            f"A says {ends['A']}, but random changes of this size make it say {ends['B']} as well: so large an ε "
            "proves nothing. Make it smaller."
        )
    return DRAG


def _sizes(found: dict[str, Walk], place: Place) -> str:
    """How large the random perturbation of B is, beside that of A, after the clip to [0, 1]."""
    a, b = (walk.sizes["l2"][walk.point(place.target, place.at(walk.steps))] for walk in found.values())
    return f"Both keep to the same bound, and in L2 the random one is {'the larger' if b >= a else 'a little smaller'}."


def _hit(chosen: Settings, walk: Walk, place: Place) -> bool:
    """Whether a network at this place says what the attack is after."""
    said, k = walk.probabilities[walk.point(place.target, place.at(walk.steps))].argmax(), picture.goal(chosen, place)
    return bool(said == k if k is not None else said != picture.away(chosen))


def _end(chosen: Settings, walk: Walk, place: Place) -> str:
    """What a network says at this place: "9 (99 %)"."""
    shares = walk.probabilities[walk.point(place.target, place.at(walk.steps))]
    return f"**{chosen.classes[shares.argmax()]}** ({words.certainty(float(shares.max()))})"


def caption(chosen: Settings) -> str:
    """Sizes, seeds, clean and robust accuracy, and names of the runs behind the picture."""
    attack = chosen.attack
    size = "no ε" if math.isinf(attack.epsilon) else f"ε {attack.epsilon:g} ({attacks.NORMS[attack.norm].title})"
    parts = [data.title(chosen.dataset), size, f"step size {attack.step:.3g}", f"seed {chosen.seed}"]
    parts += [f"{side} {accuracies(known)}" for side, known in _sides(chosen).items()]
    return " · ".join(parts)


def _sides(chosen: Settings) -> dict[str, Known]:
    return {"A": chosen.a} if chosen.a == chosen.b else {"A": chosen.a, "B": chosen.b}


def accuracies(known: Known) -> str:
    """Run, accuracy on clean test images and, where it was measured, under attack."""
    parts = [f"{words.percent(known.metrics['test_accuracy'])} right" if "test_accuracy" in known.metrics else ""]
    if "pgd_accuracy" in known.metrics:
        parts.append(f"{words.percent(known.metrics['pgd_accuracy'])} under PGD-40, ε 0.3")
    return f"`{known.name}` {words.listed(part for part in parts if part)}"


def commands(chosen: Settings, place: Place) -> dict[str, str]:
    """What makes the picture again: the attack, and the trainings of the networks."""
    made = {"A's attack": settings.command(chosen, picture.goal(chosen, place)) or NO_COMMAND}
    for side, known in _sides(chosen).items():
        try:
            run = runs.find(known.name)
            made[f"network of {side}"] = runs.command(run.topic, recorder.config_of(run))
        except RunError:  # gone, or of another version
            continue
    return made
