"""The command line, ``python -m core COMMAND``: train, sweep, runs, eval and others, which --help lists."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import bench as benchmarks
from core import runs
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
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train with the given settings and record the run")
    topics = train.add_subparsers(required=True, dest="topic", metavar="TOPIC")
    for topic in recorder.TOPICS:
        options = _topic_parser(topics, topic)
        options.add_argument("--out", type=Path, help="folder of the run (default: below the runs folder)")
        options.add_argument("--device", default="cpu", help="cpu or cuda")
        options.set_defaults(run=train_command)

    several = commands.add_parser("sweep", help="train every combination of settings: --lr 0.001,0.01 --seed 0-4")
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
        options.set_defaults(run=sweep_command)

    evaluate = commands.add_parser("eval", help="measure a run's weights again and compare with what it says")
    evaluate.add_argument("name")
    evaluate.set_defaults(run=eval_command)

    script = commands.add_parser("script", help="print a script in plain PyTorch that trains the same as a run")
    script.add_argument("name", help="name of the run")
    script.set_defaults(run=script_command)

    listing = commands.add_parser("runs", help="list the recorded runs")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=runs_command)

    record = commands.add_parser("record", help="train what is missing of the runs that the project ships")
    record.add_argument("topic", choices=recorder.TOPICS)
    record.add_argument("--jobs", type=int, help="trainings at once (default: one a core)")
    record.set_defaults(run=record_command)

    sample = commands.add_parser("sample", help="let a recorded char_rnn write")
    sample.add_argument("name", help="name of the run")
    sample.add_argument("--prime", default="The", help="what it continues (default: The)")
    sample.add_argument("--length", type=int, default=100, help="characters to write (default: 100)")
    sample.add_argument("--temperature", type=float, default=0.8, help="0 = always the most probable (default: 0.8)")
    sample.add_argument("--top-k", type=int, default=0, help="draw from so many characters alone (default: 0 = all)")
    sample.add_argument("--seed", type=int, default=0, help="decides the random draws (default: 0)")
    sample.add_argument("--step", type=int, help="iteration whose weights are used (default: the last kept)")
    sample.set_defaults(run=sample_command)

    attack = commands.add_parser("attack", help="attack a test image, and say what the network makes of it")
    attack.add_argument("--model", default="course", help="course, default, long, small, robust, or the name of a run")
    attack.add_argument("--index", type=int, default=4, help="of the test image, from 0 (default: 4, a four)")
    attack.add_argument("--start", default="image", help="image, or noise, uniform, zeros: no image (default: image)")
    attack.add_argument("--target", type=int, help="class to be reached (default: any but the true one)")
    attack.add_argument("--attack", default="course", help="course, fgsm, pgd or pgd-l2 (default: course)")
    attack.add_argument("--epsilon", type=float, default=0.2, help="size of the perturbation, pixels in [0, 1] (0.2)")
    attack.add_argument("--steps", type=int, default=5, help="gradient steps (default: 5)")
    attack.add_argument("--seed", type=int, default=0, help="decides random starts (default: 0)")
    attack.add_argument("--json", action="store_true")
    attack.set_defaults(run=attack_command)

    fetch = commands.add_parser("fetch", help="download a data set")
    fetch.add_argument("name")
    fetch.set_defaults(run=fetch_command)

    simulate = commands.add_parser("simulate", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
                                   help="how long trainings wait with so many viewers and cores")  # fmt: skip
    for setting in dataclasses.fields(queueing.Hall):
        simulate.add_argument(
            f"--{setting.name}", type=type(setting.default), default=setting.default, help="setting of the hall"
        )
    simulate.add_argument("--json", action="store_true")
    simulate.set_defaults(run=simulate_command)

    bench = commands.add_parser("bench", help="measure our speed against the usual way of doing it")
    what = bench.add_mutually_exclusive_group(required=True)
    what.add_argument("topic", nargs="?", choices=benchmarks.TOPICS)
    what.add_argument("--all", action="store_true", help="measure every topic, and print a table for the README")
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--write", action="store_true", help="with --all: also write the table into the README")
    bench.add_argument("--readme", type=Path, default=benchmarks.README, help="file to write it into")
    bench.set_defaults(run=bench_command)
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


def train_command(options: argparse.Namespace) -> int:
    config_type = recorder.lab(options.topic).Config
    config = config_type(**{f.name: getattr(options, f.name) for f in dataclasses.fields(config_type)})
    if options.device != "cpu":
        _require(options.device)
    path = options.out or runs.runs_dir() / options.topic / runs.run_name(options.topic, config)
    if path.exists() and (not (path / "run.json").exists() or runs.read(path).active):
        raise ValueError(f"{path} is in use, or is not a run: choose another folder with --out.")
    lock = recorder.create(path.absolute(), options.topic, config)
    if lock is None:
        raise ValueError(f"Another process has just begun to write {path}.")
    run = recorder.perform(path, options.device)
    lock.release()
    print(f"{run.status}{': ' + run.reason if run.reason else ''}\n{path}\n{json.dumps(run.metrics)}")
    return 0 if run.status == "done" else 1


def sweep_command(options: argparse.Namespace) -> int:
    from core.jobs import cluster, sweep

    fields = [field.name for field in dataclasses.fields(recorder.lab(options.topic).Config)]
    chosen = {name: value if isinstance(value := getattr(options, name), list) else [value] for name in fields}
    configs, root = sweep.configs(options.topic, chosen), (options.out or runs.runs_dir()).absolute()
    missing = [config for config in configs if not sweep.is_done(sweep.place(options.topic, config, root))]
    if options.scheduler is not None:
        if options.workers is not None:
            raise ValueError("--workers counts processes of this machine: leave it out where there is a --scheduler.")
        ended = cluster.train(options.topic, missing, root, options.scheduler)
    elif options.workers is not None and options.workers < 1:
        raise ValueError(f"--workers must be at least 1, not {options.workers}.")
    else:
        ended = sweep.local(options.topic, missing, root, options.workers)
    for run in ended:
        print(told(run), file=sys.stderr if options.json else sys.stdout, flush=True)
    return _sum_up(options, [sweep.place(options.topic, config, root) for config in configs], len(missing))


def _sum_up(options: argparse.Namespace, places: list[Path], missing: int) -> int:
    """Tell how the runs of a sweep stand; returns its exit status: 0 if all are done."""
    found = [runs.entry(path) for path in places]
    done = sum(isinstance(run, runs.Run) and run.status == "done" for run in found)
    if options.json:
        print(json.dumps([describe(entry) for entry in found], indent=1))
    else:
        print(f"{done} of {len(found)} runs are done, {len(found) - missing} of them were recorded already.")
    return 0 if done == len(found) else 1


def _require(device: str) -> None:
    import torch

    if device.partition(":")[0] != "cuda" or not torch.cuda.is_available():
        raise ValueError(f"There is no device {device!r} on this machine: use --device cpu.")


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)  # as in training: the last digits may depend on it


def eval_command(options: argparse.Namespace) -> int:
    run = runs.find(options.name)
    config, topic = recorder.config_of(run), recorder.lab(run.topic)
    data = topic.load_data(config)
    _use_one_thread()
    measured = recorder.measure(run.path, topic, config, data)
    same_data = data.identity == run.data.get("identity")
    report = {"name": run.name, "stored": run.metrics, "measured": measured, "same_data": same_data,
              "equal": measured == run.metrics}  # fmt: skip
    print(json.dumps(report, indent=1))
    return 0 if report["equal"] else 1


def script_command(options: argparse.Namespace) -> int:
    from core import script

    print(script.of(runs.find(options.name)), end="")
    return 0


def runs_command(options: argparse.Namespace) -> int:
    found = runs.listing()
    if options.json:
        print(json.dumps([describe(entry) for entry in found], indent=1))
        return 0
    for entry in found:
        readable = isinstance(entry, runs.Run)
        print(f"{entry.name:55} {entry.status:12} {headline(entry)}" if readable else entry.reason)
    return 0


def headline(run: runs.Run) -> str:
    """The metrics of a run that are single numbers, as JSON."""
    return json.dumps({name: value for name, value in run.metrics.items() if isinstance(value, int | float)})


def describe(entry: runs.Run | runs.Unreadable) -> dict[str, Any]:
    """An entry of the list of runs as plain values."""
    if isinstance(entry, runs.Unreadable):
        return {"name": entry.name, "status": "unreadable", "reason": entry.reason}
    names = ("name", "topic", "status", "shipped", "config", "metrics", "steps", "reason", "command", "data")
    return {name: getattr(entry, name) for name in names}


def record_command(options: argparse.Namespace) -> int:
    from core import shipped

    failed = 0
    for run in shipped.record(options.topic, jobs=options.jobs):
        failed += run.status != "done"
        print(told(run), flush=True)
    return 1 if failed else 0


def told(run: runs.Run) -> str:
    """A line about a run that has just ended."""
    return f"{run.name:55} {run.status:10} {run.seconds:6.1f} s  {run.reason or headline(run)}"


def sample_command(options: argparse.Namespace) -> int:
    from core import char_rnn
    from core.char_rnn import writing
    from core.data import vocabulary

    _use_one_thread()
    network = char_rnn.network(runs.find(options.name), options.step)
    prime = vocabulary.prime(options.prime)
    steps = writing.write(network, prime.text, options.length, options.temperature, options.top_k, options.seed)
    for note in prime.notes:
        print(note, file=sys.stderr)
    print(prime.text, end="")
    for step in steps:
        print(step.char, end="", flush=True)
    print()
    return 0


def attack_command(options: argparse.Namespace) -> int:
    from core.adversarial import attackable

    _use_one_thread()
    told = ("index", "target", "attack", "epsilon", "steps", "start", "seed")
    report = attackable.report(attackable.network(options.model), **{name: getattr(options, name) for name in told})
    if options.json:
        print(json.dumps(report))
        return 0
    for step, probabilities in enumerate(report["probabilities"]):
        shares = " ".join(f"{p:6.1%}" for p in probabilities)
        print(f"step {step:3}  {shares}  L∞ {report['linf'][step]:.3f}  L2 {report['l2'][step]:.2f}")
    return 0


def fetch_command(options: argparse.Namespace) -> int:
    from core.data import download

    def show(progress: download.Progress) -> None:
        share = f" {progress.received / progress.total:4.0%}" if progress.total else ""
        print(f"\r{progress.phase}{share} {progress.message}", end="", flush=True)

    download.fetch(options.name, show)
    print()
    return 0


def simulate_command(options: argparse.Namespace) -> int:
    hall = queueing.Hall(**{f.name: getattr(options, f.name) for f in dataclasses.fields(queueing.Hall)})
    found = queueing.simulate(hall)
    if options.json:
        print(json.dumps({**dataclasses.asdict(hall), **{name: round(value, 3) for name, value in found.items()}}))
    else:
        print(f"{found['trainings_an_hour']:.0f} trainings an hour on {hall.cores} cores, busy {found['busy']:.0%} of "
              f"the time. A training waits {found['wait_p50_s']:.0f} s in the median, 5 % wait longer than "
              f"{found['wait_p95_s']:.0f} s.")  # fmt: skip
    return 0


def bench_command(options: argparse.Namespace) -> int:
    if options.write:
        if not options.all:
            raise ValueError("--write needs --all: the README's table has a row for every topic.")
        benchmarks.parts(options.readme)  # before minutes of measuring
    with tempfile.TemporaryDirectory() as scratch:
        measure = benchmarks.measure_all if options.all else functools.partial(benchmarks.measure, options.topic)
        report = measure(Path(scratch))
    if options.write:
        benchmarks.write(options.readme, benchmarks.table(report))
    if options.all and not options.json:
        print(benchmarks.table(report))
    else:
        print(json.dumps(report, indent=None if options.json else 1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
