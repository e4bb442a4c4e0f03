"""Run folders as zip files from elsewhere: what is whole moves in, anything else is refused in a sentence, and no file
ends up outside the runs."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import runs
from core.classifier import Config
from core.runs import Run, RunError, folders, recorder

SHIPPED = Config(lr=0.0001)  # of a sweep, so that it has few weights
Files = dict[str, bytes]  # name below the run's folder → content


@pytest.fixture(scope="module")
def shipped() -> Run:
    return runs.of("classifier", SHIPPED)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of one's own runs, in another that must stay empty otherwise."""
    monkeypatch.setenv("EXPLORER_RUNS", str(tmp_path / "inner" / "runs"))
    return tmp_path


def other(run: Run, seed: int = 7, **facts: object) -> tuple[str, Files]:
    """Name and files of a run that is as good as this one and not here yet; ``facts`` of its run.json are changed."""
    files = {file.relative_to(run.path).as_posix(): file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    config = Config(**{**run.config, "seed": seed})
    stored = json.loads(files["run.json"])
    stored |= {"config": {**run.config, "seed": seed}, "command": runs.command("classifier", config), **facts}
    return runs.run_name("classifier", config), {**files, "run.json": json.dumps(stored).encode()}


def zipped(name: str, files: Files) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files.items():
            archive.writestr(f"{name}/{file}", content)
    return packed.getvalue()


def left(folder: Path) -> list[str]:
    """Every file below the folder."""
    return [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]


def test_a_whole_run_moves_in_and_says_where_it_came_from(shipped: Run, own: Path) -> None:
    name, files = other(shipped)
    brought = folders.unpack(zipped(name, files))
    assert not brought.known and brought.run.environment["brought"] == "as a file"
    found = runs.find(name)
    assert found == brought.run and found.history() == shipped.history() and found.steps == shipped.steps
    assert {Path(file).parts[:4] for file in left(own)} == {("inner", "runs", "classifier", name)}


def test_what_leaves_as_a_file_comes_back_from_it(shipped: Run, own: Path) -> None:
    name, files = other(shipped)
    folders.unpack(zipped(name, files))
    packed = folders.pack(runs.find(name))
    again = folders.unpack(packed)
    assert again.known and again.differs is None
    assert sorted(zipfile.ZipFile(io.BytesIO(packed)).namelist()) == sorted(f"{name}/{file}" for file in files)


def test_a_run_that_is_here_stays_and_is_compared(shipped: Run, own: Path) -> None:
    lines = (shipped.path / "history.jsonl").read_bytes().splitlines()
    changed = json.dumps({**json.loads(lines[3]), "loss": 1.5}).encode()
    files = {file.relative_to(shipped.path).as_posix(): file.read_bytes() for file in shipped.path.rglob("*")
             if file.is_file()}  # fmt: skip
    files["history.jsonl"] = b"\n".join([*lines[:3], changed, *lines[4:]]) + b"\n"
    brought = folders.unpack(zipped(shipped.name, files))
    assert brought.known and brought.run == shipped and brought.differs == json.loads(lines[3])["step"]
    assert not left(own)


def reweighted(files: Files, content: bytes) -> Files:
    """The files with other weights, and a checksum that vouches for them."""
    (weights,) = [name for name in files if name.startswith("snapshots/")][:1]
    stored = json.loads(files["run.json"])
    stored["checksums"][weights] = hashlib.sha256(content).hexdigest()
    return {**files, weights: content, "run.json": json.dumps(stored).encode()}


def told(files: Files, **facts: object) -> Files:
    return {**files, "run.json": json.dumps({**json.loads(files["run.json"]), **facts}).encode()}


def recorded(files: Files, change: Callable[[dict], dict]) -> Files:
    """The files with every record of the history changed."""
    lines = [json.dumps(change(json.loads(line))) for line in files["history.jsonl"].splitlines()]
    return {**files, "history.jsonl": "\n".join(lines).encode() + b"\n"}


def without(files: Files, start: str) -> Files:
    return {name: content for name, content in files.items() if not name.startswith(start)}


def config(files: Files, **changes: object) -> dict:
    return {**json.loads(files["run.json"])["config"], **changes}


DAMAGED: dict[str, tuple[Callable[[Files], Files], str]] = {
    "nothing": (lambda files: {}, "0 files"),
    "no run.json": (lambda files: without(files, "run.json"), "no run.json"),
    "no history": (lambda files: without(files, "history"), "no history"),
    "no weights": (lambda files: without(files, "snapshots"), "is not whole"),
    "more weights": (lambda files: {**files, "snapshots/99.safetensors": b"x"}, "is not whole"),
    "a program": (lambda files: {**files, "run.py": b"print(1)"}, "is no file of the run"),
    "upwards": (lambda files: {**files, "../../../evil": b"x"}, "is no file of the run"),
    "upwards in between": (lambda files: {**files, "snapshots/../../1.png": b"x"}, "is no file of the run"),
    "backslashes": (lambda files: {**files, "..\\..\\evil": b"x"}, "is no file of the run"),
    "a hidden file": (lambda files: {**files, ".stop": b"x"}, "is no file of the run"),
    "too many": (lambda files: files | {f"samples/{i}.png": b"" for i in range(folders.MOST_FILES)}, "files, and a"),
    "a bomb": (lambda files: {**files, "samples/1.txt": bytes(folders.MOST_BYTES)}, "Unpacked, it has more"),
    "other weights": (lambda files: {**files, next(n for n in files if "snap" in n): b"x"}, "are not those"),
    "a pickle": (lambda files: reweighted(files, pickle.dumps({"weight": 1})), "cannot be read"),
    "deep JSON": (lambda files: {**files, "run.json": b"[" * 100_000}, "cannot be read"),
    "a newer format": (lambda files: told(files, format=99), "newer version"),
    "another topic": (lambda files: told(files, topic="../classifier"), "no topic"),
    "still going on": (lambda files: told(files, status="running"), "is interrupted"),
    "failed": (lambda files: told(files, status="failed"), "is failed"),
    "other settings": (lambda files: told(files, config=config(files, lr=0.5)), "The command of"),
    "unknown settings": (lambda files: told(files, config=config(files, size=3)), "does not know"),
    "a text for a number": (lambda files: told(files, config=config(files, lr="0.1")), "(can't be|does not know)"),
    "a number for a text": (lambda files: told(files, config=config(files, dataset=[1])), "(can't be|does not know)"),
    "another command": (lambda files: told(files, command="rm -rf ~"), "The command of"),
    "a reason": (lambda files: told(files, reason="**Look here**"), "The command of"),
    "a note with a line": (lambda files: told(files, data={"note": "x\nimport os"}), "says of its data"),
    "a note with a link": (lambda files: told(files, data={"note": "[x](http://a)"}), "says of its data"),
    "no metrics": (lambda files: told(files, metrics={}), "The metrics of"),
    "other metrics": (lambda files: told(files, metrics={"test_accuracy": "1"}), "The metrics of"),
    "a NaN": (lambda files: recorded(files, lambda record: {**record, "seconds": float("nan")}), "a record"),
    "a field too few": (lambda files: recorded(files, lambda r: {k: r[k] for k in r if k != "loss"}), "a record"),
    "a text in the history": (lambda files: recorded(files, lambda record: {**record, "step": "1"}), "a record"),
    "backwards": (lambda files: recorded(files, lambda r: {**r, "step": r["steps"] - r["step"]}), "goes back"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_what_is_not_whole_is_refused_in_a_sentence(damage: str, shipped: Run, own: Path) -> None:
    name, files = other(shipped)
    change, message = DAMAGED[damage]
    with pytest.raises(RunError, match=message) as caught:
        folders.unpack(zipped(name, change(files)))
    assert "\n" not in str(caught.value)
    assert not left(own)


@pytest.mark.parametrize("name", ["..", "", "UPPER", "x" * 300, "classifier-mnist-adam", "a b", ".hidden"])
def test_a_folder_with_another_name_is_refused(name: str, shipped: Run, own: Path) -> None:
    with pytest.raises(RunError):
        folders.unpack(zipped(name, other(shipped)[1]))
    assert not left(own)


def test_what_is_no_zip_file_is_refused(shipped: Run, own: Path) -> None:
    whole = zipped(*other(shipped))
    for content in (b"", b"PK", b"not a zip", whole[: len(whole) // 2], whole[:-30], b"\x00" * 1000):
        with pytest.raises(RunError, match="no zip file"):
            folders.unpack(content)
    with pytest.raises(RunError, match="larger than"):
        folders.unpack(bytes(folders.MOST_PACKED + 1))
    assert not left(own)


def test_a_file_twice_and_one_with_a_password_are_refused(shipped: Run, own: Path) -> None:
    name, files = other(shipped)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for file in (*files, "run.json"):
            archive.writestr(f"{name}/{file}", files[file])
    with pytest.raises(RunError, match="twice"):
        folders.unpack(packed.getvalue())
    locked = bytearray(zipped(name, files))
    for at in (locked.index(b"PK\x03\x04") + 6, locked.index(b"PK\x01\x02") + 8):
        locked[at] |= 1  # the flag of an encrypted file
    with pytest.raises(RunError, match="no zip file"):
        folders.unpack(bytes(locked))
    assert not left(own)


def test_what_lies_at_its_place_stays(shipped: Run, own: Path) -> None:
    name, files = other(shipped)
    place = runs.runs_dir() / "classifier" / name
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="which is no run"):
        folders.unpack(zipped(name, files))
    assert [Path(file).name for file in left(own)] == ["mine.txt"]


def test_a_run_that_is_being_trained_stays(shipped: Run, own: Path) -> None:
    name, files = other(shipped)
    config = Config(**{**shipped.config, "seed": 7})
    queued = recorder.create(runs.runs_dir() / "classifier" / name, "classifier", config)
    try:
        brought = folders.unpack(zipped(name, files))
        assert brought.known and brought.run.status == "queued"
    finally:
        queued.release()


@settings(max_examples=150, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8))
def test_changed_bytes_do_no_harm(places: list[tuple[float, int]], shipped: Run, own: Path) -> None:
    name, files = other(shipped)
    content = bytearray(zipped(name, {file: files[file] for file in ("run.json", "history.jsonl")}))
    for at, value in places:
        content[int(at * len(content))] = value
    with pytest.raises(RunError) as caught:  # it has no weights, so it is never whole
        folders.unpack(bytes(content))
    assert "\n" not in str(caught.value)
    assert not left(own)
