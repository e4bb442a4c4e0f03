"""How long a hall of viewers waits on a running server, as JSON. The figures of docs/SCALING.md are made by it:

python -m tests.load.measure http://127.0.0.1:8501 --sessions 50 --think 2 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from websockets.exceptions import WebSocketException

from tests.load.visitor import Visitor, visiting

PAGES = ("", "classifier", "embeddings", "char_rnn", "gan", "adversarial")
TRAIN = "clf_data=MNIST&clf_epochs=3&clf_seed={}"
TOLD = r"A: (waits, place \d+|starts|training)"


class Hall:
    """Sessions, and the times that they have waited."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.waited: dict[str, list[float]] = defaultdict(list)  # what for → seconds
        self.wrong: list[str] = []
        self.together = threading.Barrier(options.sessions)

    def session(self, number: int) -> None:
        rng, options = random.Random(number), self.options
        try:
            self.together.wait()
            started = time.perf_counter()
            with visiting(options.url) as visitor:
                visitor.open(PAGES[number % len(PAGES)])
                self.waited["first page"].append(time.perf_counter() - started)
                self.together.wait()
                for i in range(options.rounds * len(PAGES)):
                    time.sleep(rng.uniform(0, 2 * options.think))
                    page = PAGES[(number + i) % len(PAGES)]
                    self.timed("next page", lambda page=page: visitor.open(page))
                    for _ in range(options.changes):
                        time.sleep(rng.uniform(0, 2 * options.think))
                        self.change(visitor, rng)
                if options.train:
                    self.train(visitor, number, rng)
                self.wrong += visitor.wrong
        except (OSError, WebSocketException, threading.BrokenBarrierError) as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
            self.together.abort()  # nobody waits for who has failed

    def change(self, visitor: Visitor, rng: random.Random) -> None:
        light = [control for control in visitor.controls.values() if control.key in LIGHT]
        if light:
            control = rng.choice(light)
            self.timed("change", lambda: visitor.change(control, control.value(rng)))

    def train(self, visitor: Visitor, number: int, rng: random.Random) -> None:
        visitor.open("")  # only another page takes its settings from the link
        visitor.open("classifier", TRAIN.format(1000 + number))
        self.together.wait()
        time.sleep(rng.uniform(0, 5))
        self.timed("training told", lambda: visitor.press("clf_train", TOLD))

    def timed(self, what: str, act: Callable[[], object]) -> None:
        started = time.perf_counter()
        act()
        self.waited[what].append(time.perf_counter() - started)


# Controls whose change trains nothing and attacks nothing: a replay, a curve, a view
LIGHT = ("bands", "clf_tab", "emb_pixels", "emb_scrub", "rnn_temperature", "rnn_mode", "gan_curve", "gan_b", "adv_tab")


def resident(pid: int) -> float:
    """MiB of the process's memory."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--think", type=float, default=2.0, help="seconds between two clicks, on average")
    parser.add_argument("--rounds", type=int, default=1, help="through all pages")
    parser.add_argument("--changes", type=int, default=3, help="of a control, on each page")
    parser.add_argument("--train", action="store_true", help="in the end each presses Train, within five seconds")
    parser.add_argument("--pid", type=int, help="of the server: its memory is told")
    hall = Hall(parser.parse_args())
    with ThreadPoolExecutor(hall.options.sessions) as pool:
        list(pool.map(hall.session, range(hall.options.sessions)))
    told = {what: {"n": len(each), "p50_ms": round(1000 * statistics.median(each)),
                   "p95_ms": round(1000 * sorted(each)[int(0.95 * (len(each) - 1))])}
            for what, each in hall.waited.items()}  # fmt: skip
    memory = {"server_mib": round(resident(hall.options.pid))} if hall.options.pid else {}
    print(json.dumps({**vars(hall.options), **told, **memory, "wrong": hall.wrong[:10], "failures": len(hall.wrong)}))


if __name__ == "__main__":
    main()
