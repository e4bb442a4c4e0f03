"""A hall of students, in small: ten sessions at once on one server, each on every page, none of them failing."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from tests.load.visitor import visiting

SESSIONS = 10
PAGES = ("", "classifier", "embeddings", "char_rnn", "gan", "adversarial")
CHANGES = 1  # of a control, on each page


def visit(url: str, number: int) -> tuple[int, list[str]]:
    """Walk through the pages, each session from another one on; returns how many answers came, and what went wrong."""
    rng, answers = random.Random(number), 0
    with visiting(url) as visitor:
        for page in PAGES[number % len(PAGES) :] + PAGES[: number % len(PAGES)]:
            visitor.open(page)
            answers += 1
            for _ in range(CHANGES):
                control = rng.choice(list(visitor.controls.values()))
                visitor.change(control, control.value(rng))
                answers += 1
        return answers, visitor.wrong


def test_ten_sessions_use_every_page_at_once(server) -> None:
    with ThreadPoolExecutor(SESSIONS) as pool:
        visits = list(pool.map(visit, [server.url] * SESSIONS, range(SESSIONS)))
    assert visits == [(len(PAGES) * (1 + CHANGES), [])] * SESSIONS
    assert server.process.poll() is None
