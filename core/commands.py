"""What each command of ``python -m core`` does: from its options to an exit status, 0 if all went well."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from core import bench as benchmarks
from core import runs
from core.jobs import queueing
from core.runs import recorder


def train(options: argparse.Namespace) -> int:
    """Train a run with these settings, and record it."""
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


def sweep(options: argparse.Namespace) -> int:
    """Train what is missing of all combinations of settings."""
    from core.jobs import cluster
    from core.jobs import sweep as sweeps

    fields = [field.name for field in dataclasses.fields(recorder.lab(options.topic).Config)]
    chosen = {name: value if isinstance(value := getattr(options, name), list) else [value] for name in fields}
    configs, root = sweeps.configs(options.topic, chosen), (options.out or runs.runs_dir()).absolute()
    missing = [config for config in configs if not sweeps.is_done(sweeps.place(options.topic, config, root))]
    if options.scheduler is not None:
        if options.workers is not None:
            raise ValueError("--workers counts processes of this machine: leave it out where there is a --scheduler.")
        ended = cluster.train(options.topic, missing, root, options.scheduler)
    elif options.workers is not None and options.workers < 1:
        raise ValueError(f"--workers must be at least 1, not {options.workers}.")
    else:
        ended = sweeps.local(options.topic, missing, root, options.workers)
    for run in ended:
        print(told(run), file=sys.stderr if options.json else sys.stdout, flush=True)
    return _sum_up(options, [sweeps.place(options.topic, config, root) for config in configs], len(missing))


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


def evaluate(options: argparse.Namespace) -> int:
    """Measure the weights of a run again; 1 if the figures differ from those recorded."""
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


def script(options: argparse.Namespace) -> int:
    """Print the stand-alone script of a run."""
    from core import script as scripts

    print(scripts.of(runs.find(options.name)), end="")
    return 0


def list_runs(options: argparse.Namespace) -> int:
    """Print what is recorded."""
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


def record(options: argparse.Namespace) -> int:
    """Train what is missing of the runs that come with the project."""
    from core import shipped

    failed = 0
    for run in shipped.record(options.topic, jobs=options.jobs):
        failed += run.status != "done"
        print(told(run), flush=True)
    return 1 if failed else 0


def told(run: runs.Run) -> str:
    """A line about a run that has just ended."""
    return f"{run.name:55} {run.status:10} {run.seconds:6.1f} s  {run.reason or headline(run)}"


def sample(options: argparse.Namespace) -> int:
    """Let a network write."""
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


def attack(options: argparse.Namespace) -> int:
    """Attack a test image, and print what the network makes of it, step by step."""
    from core.adversarial import attackable

    _use_one_thread()
    asked = ("index", "target", "attack", "epsilon", "steps", "start", "seed")
    report = attackable.report(attackable.network(options.model), **{name: getattr(options, name) for name in asked})
    if options.json:
        print(json.dumps(report))
        return 0
    for step, probabilities in enumerate(report["probabilities"]):
        shares = " ".join(f"{p:6.1%}" for p in probabilities)
        print(f"step {step:3}  {shares}  L∞ {report['linf'][step]:.3f}  L2 {report['l2'][step]:.2f}")
    return 0


def fetch(options: argparse.Namespace) -> int:
    """Download a data set, and tell how far it is."""
    from core.data import download

    def show(progress: download.Progress) -> None:
        share = f" {progress.received / progress.total:4.0%}" if progress.total else ""
        print(f"\r{progress.phase}{share} {progress.message}", end="", flush=True)

    download.fetch(options.name, show)
    print()
    return 0


def simulate(options: argparse.Namespace) -> int:
    """Print how long trainings wait in a hall."""
    hall = queueing.Hall(**{f.name: getattr(options, f.name) for f in dataclasses.fields(queueing.Hall)})
    found = queueing.simulate(hall)
    if options.json:
        print(json.dumps({**dataclasses.asdict(hall), **{name: round(value, 3) for name, value in found.items()}}))
    else:
        print(f"{found['trainings_an_hour']:.0f} trainings an hour on {hall.cores} cores, busy {found['busy']:.0%} of "
              f"the time. A training waits {found['wait_p50_s']:.0f} s in the median, 5 % wait longer than "
              f"{found['wait_p95_s']:.0f} s.")  # fmt: skip
    return 0


def bench(options: argparse.Namespace) -> int:
    """Measure a benchmark, or all."""
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
