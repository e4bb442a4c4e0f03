"""The command line, ``python -m core COMMAND``: its commands and options, which --help lists."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import bench as benchmarks
from core import commands
from core.data import DataMissing
from core.jobs import queueing
from core.runs import recorder


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status. A caller's mistake is one sentence on the error output, and status 2."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, DataMissing, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their options; the options of ``train`` are the fields of the topic's config."""
    root = argparse.ArgumentParser(prog="python -m core", description="Train, list and check recorded runs.")
    choices = root.add_subparsers(required=True, metavar="COMMAND")

    train = choices.add_parser("train", help="train with the given settings and record the run")
    topics = train.add_subparsers(required=True, dest="topic", metavar="TOPIC")
    for topic in recorder.TOPICS:
        options = _topic_parser(topics, topic)
        options.add_argument("--out", type=Path, help="folder of the run (default: below the runs folder)")
        options.add_argument("--device", default="cpu", help="cpu or cuda")
        options.set_defaults(run=commands.train)

    several = choices.add_parser("sweep", help="train every combination of settings: --lr 0.001,0.01 --seed 0-4")
    topics = several.add_subparsers(required=True, dest="topic", metavar="TOPIC")
    for topic in recorder.TOPICS:
        options = _topic_parser(topics, topic, several=True)
        options.epilog = (
            "A setting may list values, sgd,adam, and whole numbers as ranges, 0-4: each combination is a run."
        )
        options.add_argument("--out", type=Path, help="folder of runs (default: the runs folder)")
        options.add_argument("--workers", type=int, help="processes (default: one a core)")
        options.add_argument("--scheduler", help="of a Dask cluster that trains them, tcp://host:port (default: none)")
        options.add_argument("--json", action="store_true")
        options.set_defaults(run=commands.sweep)

    evaluate = choices.add_parser("eval", help="measure a run's weights again and compare with what it says")
    evaluate.add_argument("name")
    evaluate.set_defaults(run=commands.evaluate)

    script = choices.add_parser("script", help="print a script in plain PyTorch that trains the same as a run")
    script.add_argument("name", help="name of the run")
    script.set_defaults(run=commands.script)

    listing = choices.add_parser("runs", help="list the recorded runs")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=commands.list_runs)

    record = choices.add_parser("record", help="train what is missing of the runs that the project ships")
    record.add_argument("topic", choices=recorder.TOPICS)
    record.add_argument("--jobs", type=int, help="trainings at once (default: one a core)")
    record.set_defaults(run=commands.record)

    sample = choices.add_parser("sample", help="let a recorded char_rnn write")
    sample.add_argument("name", help="name of the run")
    sample.add_argument("--prime", default="The", help="what it continues (default: The)")
    sample.add_argument("--length", type=int, default=100, help="characters to write (default: 100)")
    sample.add_argument("--temperature", type=float, default=0.8, help="0 = always the most probable (default: 0.8)")
    sample.add_argument("--top-k", type=int, default=0, help="draw from so many characters alone (default: 0 = all)")
    sample.add_argument("--seed", type=int, default=0, help="decides the random draws (default: 0)")
    sample.add_argument("--step", type=int, help="iteration whose weights are used (default: the last kept)")
    sample.set_defaults(run=commands.sample)

    attack = choices.add_parser("attack", help="attack a test image, and say what the network makes of it")
    attack.add_argument("--model", default="course", help="course, default, long, small, robust, or the name of a run")
    attack.add_argument("--index", type=int, default=4, help="of the test image, from 0 (default: 4, a four)")
    attack.add_argument("--start", default="image", help="image, or noise, uniform, zeros: no image (default: image)")
    attack.add_argument("--target", type=int, help="class to be reached (default: any but the true one)")
    attack.add_argument("--attack", default="course", help="course, fgsm, pgd or pgd-l2 (default: course)")
    attack.add_argument("--epsilon", type=float, default=0.2, help="size of the perturbation, pixels in [0, 1] (0.2)")
    attack.add_argument("--steps", type=int, default=5, help="gradient steps (default: 5)")
    attack.add_argument("--seed", type=int, default=0, help="decides random starts (default: 0)")
    attack.add_argument("--json", action="store_true")
    attack.set_defaults(run=commands.attack)

    fetch = choices.add_parser("fetch", help="download a data set")
    fetch.add_argument("name")
    fetch.set_defaults(run=commands.fetch)

    simulate = choices.add_parser("simulate", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
                                   help="how long trainings wait with so many viewers and cores")  # fmt: skip
    for setting in dataclasses.fields(queueing.Hall):
        simulate.add_argument(
            f"--{setting.name}", type=type(setting.default), default=setting.default, help="setting of the hall"
        )
    simulate.add_argument("--json", action="store_true")
    simulate.set_defaults(run=commands.simulate)

    bench = choices.add_parser("bench", help="measure our speed against the usual way of doing it")
    what = bench.add_mutually_exclusive_group(required=True)
    what.add_argument("topic", nargs="?", choices=benchmarks.TOPICS)
    what.add_argument("--all", action="store_true", help="measure every topic, and print a table for the README")
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--write", action="store_true", help="with --all: also write the table into the README")
    bench.add_argument("--readme", type=Path, default=benchmarks.README, help="file to write it into")
    bench.set_defaults(run=commands.bench)
    return root


def _topic_parser(topics: argparse._SubParsersAction, topic: str, several: bool = False) -> argparse.ArgumentParser:
    """The parser of a topic, with an option for each field of its config, which may list ``several`` values."""
    options = topics.add_parser(topic, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for setting in dataclasses.fields(recorder.lab(topic).Config):
        kind = type(setting.default)
        how = {"action": argparse.BooleanOptionalAction} if kind is bool else {"type": kind}
        flags, default = [f"--{setting.name.replace('_', '-')}"], setting.default
        if several and kind is not bool:
            flags += ["--seeds"] if setting.name == "seed" else []
            how, default = {"type": _values(kind)}, str(default)  # argparse reads it as it reads an option
        options.add_argument(*flags, default=default, help="setting of the training", **how)
    return options


def _values(kind: type) -> Callable[[str], list[Any]]:
    from core.jobs import sweep

    def values(text: str) -> list[Any]:
        try:
            return sweep.values(text, kind)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return values


if __name__ == "__main__":
    raise SystemExit(main())
