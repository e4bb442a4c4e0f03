"""Files of weights that are none, or others than they say: a sentence each, and no code of theirs ever runs."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from core import runs, shipped
from core.runs import Run, RunError, files, recorder, weights

State = dict[str, torch.Tensor]


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: str):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def header(entries: dict, content: bytes = b"") -> bytes:
    """A safetensors file with this header."""
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + content


def entry(shape: list[int], start: int, end: int, kind: str = "F32") -> dict:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(50_000_000))
    return packed.getvalue()


def array() -> bytes:
    packed = io.BytesIO()
    np.save(packed, np.array([Trap("trap")], object), allow_pickle=True)
    return packed.getvalue()


# What no reader of safetensors takes; from the bytes of the true file
NO_WEIGHTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda true: b"",
    "text": lambda true: b"hello, I am a network",
    "zeros": lambda true: bytes(4096),
    "half": lambda true: true[: len(true) // 2],
    "one byte short": lambda true: true[:-1],
    "a pickle": lambda true: pickle.dumps(Trap("trap")),
    "an array of objects": lambda true: array(),
    "a zip bomb": lambda true: zipped(),
    "junk behind": lambda true: true + b"junk",
    "a header of 101 MB": lambda true: struct.pack("<Q", 101 * 2**20) + bytes(100),
    "a header of 2**64 bytes": lambda true: struct.pack("<Q", 2**64 - 1) + bytes(100),
    "a shape that lies": lambda true: header({"a": entry([1000, 1000], 0, 8)}, bytes(8)),
    "a shape beyond 64 bits": lambda true: header({"a": entry([2**40, 2**40], 0, 8)}, bytes(8)),
    "a negative shape": lambda true: header({"a": entry([-1, -8], 0, 8)}, bytes(8)),
    "tensors that overlap": lambda true: header({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)),
    "a hole": lambda true: header({"a": entry([2], 0, 8), "b": entry([2], 12, 20)}, bytes(20)),
    "an unknown type": lambda true: header({"a": entry([2], 0, 8, "OBJECT")}, bytes(8)),
    "numbers of 4 bits": lambda true: header({"a": entry([2], 0, 1, "F4")}, bytes(1)),
    "powers of two alone": lambda true: header({"a": entry([2], 0, 2, "F8_E8M0")}, bytes(2)),
    "nested beyond measure": lambda true: struct.pack("<Q", 100_000) + b"[" * 100_000,
}
# What is well formed; from the tensors of the true file
OTHERS: dict[str, Callable[[State], State]] = {
    "nothing": lambda true: {},
    "8 bits without scales": lambda true: {
        name: tensor.to(torch.int8) for name, tensor in true.items() if not name.endswith(weights.SCALE)
    },
    "long whole numbers": lambda true: {name: tensor.to(torch.int64) for name, tensor in true.items()},
    "truth values": lambda true: {name: tensor.bool() for name, tensor in true.items()},
    "one too many": lambda true: {**true, "extra.weight": torch.zeros(3)},
    "numbers instead of tensors": lambda true: {name: torch.tensor(1.0) for name in true},
    "all flat": lambda true: {name: tensor.flatten()[:5].clone() for name, tensor in true.items()},
    "one dimension more": lambda true: {name: tensor[None].clone() for name, tensor in true.items()},
    "empty tensors": lambda true: {name: tensor.flatten()[:0].clone() for name, tensor in true.items()},
    "complex numbers": lambda true: {name: tensor.to(torch.complex64) for name, tensor in true.items()},
    "scales that make a giant": lambda true: {"a": torch.zeros(1, 200_000), "a.scale": torch.zeros(200_000, 1)},
    "scales for no matrix": lambda true: {**true, "x.scale": torch.zeros(3, 1)},
}
# What fits, and says nothing sensible: the network is restored
NONSENSE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "NaN": lambda tensor: tensor.float() * float("nan"),
    "infinite": lambda tensor: tensor.float() + float("inf"),
    "huge": lambda tensor: tensor.float() + 1e38,
    "zero": lambda tensor: tensor.float() * 0,
    "8-bit floats": lambda tensor: tensor.to(torch.float8_e4m3fn),
}


def recorded(topic: str) -> list[Run]:
    """A shipped run of each kind of weights: of the topic, and of a layout besides for the embeddings."""
    found = [run for run in runs.listing(topic, runs.shipped_dir()) if isinstance(run, Run) and run.steps]
    kinds = {(run.config.get("layout"), run.config.get("model")): run for run in found}
    return list(kinds.values())


RUNS = [run for topic in recorder.TOPICS for run in recorded(topic)]


def with_weights(run: Run, folder: Path, content: bytes) -> Run:
    """A copy of the run whose last weights are these bytes, with a checksum that fits them."""
    path = folder / run.topic / run.name
    name = f"snapshots/{run.steps[-1]}.safetensors"
    (path / name).parent.mkdir(parents=True)
    shutil.copy(run.path / "run.json", path)
    (path / name).write_bytes(content)
    stored = json.loads((path / "run.json").read_text())
    stored["checksums"] = {name: hashlib.sha256(content).hexdigest()}
    (path / "run.json").write_text(json.dumps(stored))
    return runs.read(path)


def restored(run: Run) -> torch.nn.Module:
    return recorder.lab(run.topic).restore(recorder.config_of(run), run.weights())


def true_bytes(run: Run) -> bytes:
    return (run.path / f"snapshots/{run.steps[-1]}.safetensors").read_bytes()


def refused(run: Run) -> None:
    with pytest.raises(RunError) as caught:
        restored(run)
    assert len(str(caught.value)) > 20


def named(run: Run) -> str:
    return run.name[:40]


def test_every_topic_and_every_kind_of_network_is_tried() -> None:
    assert {run.topic for run in RUNS} == set(recorder.TOPICS)
    assert len(RUNS) >= 8
    assert shipped.recordings("adversarial")


@pytest.mark.parametrize("case", NO_WEIGHTS)
def test_what_is_no_file_of_weights_is_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = recorded("classifier")[0]
    content = NO_WEIGHTS[case](true_bytes(run))
    refused(with_weights(run, tmp_path / "runs", content))
    assert not (tmp_path / "trap").exists()


def test_the_trap_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Trap("trap"))).close()
    assert (tmp_path / "trap").exists()


@pytest.mark.filterwarnings("ignore:Initializing zero-element")  # before it is found not to fit
@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("run", RUNS, ids=named)
def test_weights_of_something_else_are_refused(run: Run, case: str, tmp_path: Path) -> None:
    other = with_weights(run, tmp_path, save(OTHERS[case](load(true_bytes(run)))))
    refused(other)
    assert restored(run) is not None  # the true one still answers


@pytest.mark.parametrize("run", RUNS, ids=named)
def test_weights_of_which_any_tensor_is_missing_are_refused(run: Run, tmp_path: Path) -> None:
    true = load(true_bytes(run))
    for name in true:  # matrices in 8 bits and their scales among them
        refused(with_weights(run, tmp_path / name, save({other: true[other] for other in true if other != name})))


@pytest.mark.parametrize("case", NONSENSE)
@pytest.mark.parametrize("run", RUNS, ids=named)
def test_nonsense_of_the_right_shape_is_a_network(run: Run, case: str, tmp_path: Path) -> None:
    true = load(true_bytes(run))
    scales = {name for name in true if name.endswith(weights.SCALE)}
    state = {name: tensor if name in scales else NONSENSE[case](tensor) for name, tensor in true.items()}
    assert restored(with_weights(run, tmp_path, save(state))) is not None


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded("classifier")[0]
    other = with_weights(run, tmp_path, true_bytes(run))
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    with pytest.raises(RunError, match="larger than"):
        other.weights()
