"""The sentences around the picture: what differs, what to notice, and where every figure comes from."""

from __future__ import annotations

from pages._char_rnn.picture import Shown
from pages._char_rnn.settings import ITERATIONS, TEMPERATURES, Settings
from pages._shared import words

COMMANDS = (
    "These commands write the same texts again, and train the same networks. The same machine gives the same numbers."
)
TRAINING = (
    "Spaces and line ends come first, then short words. Where the thick line leaves the thin one, the network begins "
    "to know this text better than its language."
)


def differs(settings: Settings) -> str:
    """The line that says what differs between the texts, and what is the same."""
    same = [f"seed {settings.seed}, so the same random draws"]
    if settings.mode == TEMPERATURES:
        return _line(["temperature"], ["network", *same])
    a, b = (settings.networks[side] for side in "AB")
    differ = ["network"] if a != b else []
    if settings.mode == ITERATIONS:
        return _line([*differ, "iteration"], [f"temperature {settings.temperature:g}", *same])
    if settings.steps["A"] != settings.steps["B"]:
        differ.append("iteration")
    return _line(differ or ["nothing"], [f"temperature {settings.temperature:g}", *same])


def _line(differ: list[str], same: list[str]) -> str:
    return f"**differs:** {words.listed(differ)} · **same:** {words.listed(same)}"


def told(settings: Settings) -> str:
    """What was done to the prime, in place of that line; "" if nothing was. Nothing in it can be taken for markup:
    characters that the notes name are none of ASCII's."""
    notes = " ".join(settings.prime.notes)
    return f":orange[:material/info:] {notes}" if notes else ""


def notice(settings: Settings) -> str:
    """What to notice, in at most two lines, for what is on the screen."""
    if settings.temperature == 0:
        return "At temperature 0 nothing is left to chance: the most probable character each time, and soon a loop."
    if settings.mode == TEMPERATURES:
        return (
            "The same draws meet narrower or wider distributions. The texts agree until one draw falls on another "
            "letter; from there on each goes its own way. A warm text is full of surprises, a cool one of clichés."
        )
    if settings.mode == ITERATIONS:
        return (
            "First it learns which letters there are, then where words end, then words, names and the shape of a "
            "speech. The loss hardly moves after 1\u202f000 iterations; does the text?"
        )
    if not settings.prime.text.strip() or any(char.isdigit() for char in settings.prime.text):
        return "A prime that it never saw only sets its state. How many characters does it take to recover?"
    return (
        "The more purple a letter, the more it surprised the network that wrote it. Surprise sits where a word begins, "
        "and is gone once two or three letters have settled which word it is: hover over both."
    )


def caption(settings: Settings, frames: list[tuple[str, list[Shown]]]) -> str:
    """Sizes, seeds and names of the runs behind the texts."""
    shown = frames[-1][1] if frames else []
    sides: dict[str, list[str]] = {}  # name of a network → the sides that it writes for
    for one in shown:
        sides.setdefault(one.network.name, []).append(one.side)
    names = [f"{' and '.join(dict.fromkeys(own))} `{name}`" for name, own in sides.items()]
    limit = f"top-k {settings.top_k}" if settings.top_k else "all characters allowed"
    parts = [f"{words.count(settings.length)} characters after the prime", f"seed {settings.seed}", limit, *names]
    return " · ".join(parts)
