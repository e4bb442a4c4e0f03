"""THE picture: texts that write themselves, coloured by surprise, with the next-letter bars of any character."""

from __future__ import annotations

from dataclasses import dataclass

from pages._char_rnn import library
from pages._char_rnn.library import Recorded
from pages._char_rnn.settings import ITERATIONS, TEMPERATURES, Settings
from pages._char_rnn.takes import Schedule, Take
from pages._shared import words
from pages._shared.components import writer

KEY = "rnn_writer"
HEIGHT = 344  # pixels
REST = 376  # pixels of a window that the page needs around the picture
FACTORS = (0.5, 1, 1.5)  # of the temperature, side by side
ALT = "Texts that recorded networks write, character by character, each character with the probabilities behind it"


@dataclass(frozen=True)
class Shown:
    """A take in its place on the page."""

    side: str  # "A" or "B": its colour
    network: Recorded
    step: int
    schedule: Schedule
    take: Take
    sets_apart: str = ""  # what it differs in from others of its side

    @property
    def name(self) -> str:
        """A, B, or what sets it apart."""
        return self.sets_apart or self.side

    @property
    def temperature(self) -> str:
        """In words: one number, or how it was moved."""
        values = [f"{value:g}" for _, value in self.schedule]
        return " → ".join(values if len(values) < 4 else [values[0], "…", values[-1]])

    @property
    def title(self) -> str:
        if self.step == self.network.steps[-1] and " iterations" in self.network.title:
            return self.network.title  # it says so itself
        return f"{self.network.title}, " + (f"after {words.count(self.step)} iterations" if self.step else "untrained")


def takes(settings: Settings) -> list[tuple[str, list[Shown]]]:
    """Label and takes of every frame; raises a RunError where weights are damaged or gone."""
    schedule = writer.schedule(KEY, about(settings), settings.temperature, settings.length)
    if settings.mode == ITERATIONS:
        sides = sides_of(settings)
        steps = sorted({step for side in sides for step in settings.networks[side].steps})
        alone = ((0, settings.temperature),)
        shown = {step: [_shown(settings, side, _nearest(settings.networks[side], step), alone) for side in sides]
                 for step in steps}  # fmt: skip
        return [(words.count(step), panels) for step, panels in shown.items()]
    if settings.mode == TEMPERATURES:
        scaled = [tuple((i, round(factor * value, 3)) for i, value in schedule) for factor in FACTORS]
        return [
            ("", [_shown(settings, "A", settings.steps["A"], one, f"temperature {one[-1][1]:g}") for one in scaled])
        ]
    return [("", [_shown(settings, side, settings.steps[side], schedule) for side in "AB"])]


def sides_of(settings: Settings) -> list[str]:
    """The sides that differ in what is scrubbed through: one where both are the same network."""
    return ["A"] if settings.networks["A"] == settings.networks["B"] else ["A", "B"]


def _nearest(network: Recorded, step: int) -> int:
    """The last weights of the network up to that iteration."""
    return max((known for known in network.steps if known <= step), default=network.steps[0])


def _shown(settings: Settings, side: str, step: int, schedule: Schedule, apart: str = "") -> Shown:
    network = settings.networks[side]
    take = library.written(network, step, settings.prime.text, schedule, settings.length, settings.seed, settings.top_k)
    return Shown(side, network, step, schedule, take, apart)


def about(settings: Settings) -> str:
    """All that decides the texts but the temperature."""
    who = [(settings.networks[side].name, settings.networks[side].steps, settings.steps[side]) for side in "AB"]
    return str((settings.mode, who, settings.length, settings.top_k, story(settings)))


def story(settings: Settings) -> str:
    """What makes the text start over before the viewer's eyes."""
    return str((settings.prime.text, settings.seed))


def draw(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> None:
    """Draw what ``takes`` found."""
    scrubs = settings.mode == ITERATIONS
    middle = frames[0][1][len(frames[0][1]) // 2]  # of three temperatures, that of the slider
    writer.writer(
        key=KEY,
        frames=[(label, [_panel(one) for one in shown]) for label, shown in frames],
        axis="Iteration" if scrubs else "Character",
        about=about(settings),
        story=story(settings),
        schedule=middle.schedule,
        speed=settings.speed,
        height=HEIGHT,
        rest=REST,
        alt=ALT,
    )


def _panel(one: Shown) -> dict:
    told, hot = f"temperature {one.temperature}", f"temperature {one.schedule[-1][1]:g}"
    if one.sets_apart:
        said = {"chip": "", "title": told, "about": ""}
    else:
        said = {"chip": one.side, "title": one.title, "about": told if len(one.schedule) > 1 else ""}
    return {**one.take.packed(), **said, "side": one.side, "temperature": hot}
