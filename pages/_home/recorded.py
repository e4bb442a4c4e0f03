"""What two recorded networks said, for two pictures of the overview: in recorded.json, so that no network is loaded.

python -m pages._home.recorded      makes the file anew; a test holds it to the recorded runs
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
PRIME, LENGTH, TEMPERATURE = "What is", 300, 0.8  # what the char-RNN page opens with, but for the prime
INDEX, TARGET = 4, 9  # the test image that the adversarial page opens with, a 4, and the course's target
LEVELS, BITS, SHARES = 255, 10, 4  # of a pixel; of surprise; decimals of a probability


@lru_cache(maxsize=1)
def read() -> dict[str, Any]:
    """The file; shared by all viewers, never change it. Its parts are what ``written`` and ``attacked`` return."""
    return json.loads(FILE.read_text("utf-8"))


def written() -> dict[str, Any]:
    """What the course's char-RNN writes: run, text, characters given, and the surprise (bits) of each character."""
    from core import char_rnn, runs
    from pages._char_rnn import takes

    name = runs.run_name("char_rnn", char_rnn.Config())
    take = takes.make(char_rnn.network(runs.find(name)), PRIME, ((0, TEMPERATURE),), LENGTH, seed=0)
    surprise = [round(bits, 2) for bits in np.nan_to_num(take.surprise).tolist()]
    return {"run": name, "text": take.text, "prime": take.prime, "surprise": surprise}


def attacked() -> dict[str, Any]:
    """How the course's network comes to call a 4 a 9.

    Returns:
        run, label, target; of S steps, the start included: images (S, 784) in 0 … 255, and probabilities (S, 10).
    """
    from core.adversarial import attackable
    from core.adversarial.attacks import named
    from core.adversarial.traces import trace

    network = attackable.network("course")
    test, _ = attackable.test_images("mnist")
    found = trace(network.model, attackable.as_pixels(network.model, test.images[[INDEX]]), [TARGET], named("course"))
    pixels = np.rint(LEVELS * found.images[0].reshape(len(found.images[0]), -1)).astype(int)
    shares = np.round(found.probabilities[0].astype(float), SHARES)
    return {"run": network.name, "label": int(test.labels[INDEX]), "target": TARGET, "images": pixels.tolist(),
            "probabilities": shares.tolist()}  # fmt: skip


def write() -> None:
    """Make the file anew from the recorded runs."""
    made = {"written": written(), "attacked": attacked()}
    lines = [f'"{name}": {json.dumps(part, ensure_ascii=False)}' for name, part in made.items()]
    FILE.write_text("{" + ",\n".join(lines) + "}\n", "utf-8")


if __name__ == "__main__":
    write()
