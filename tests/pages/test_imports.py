"""The one-way street: pages show, core computes, and nothing reaches across. Read off the source, nothing is run."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = {"torch", "torchvision", "sklearn", "openTSNE"}
TOPICS = {"classifier", "embeddings", "char_rnn", "gan", "adversarial"}
MAY_USE = {"embeddings": {"classifier"}, "adversarial": {"classifier"}}
SEEDING = {"torch.manual_seed", "torch.random.manual_seed", "torch.cuda.manual_seed_all", "torch.seed",
           "np.random.seed", "numpy.random.seed", "random.seed"}  # fmt: skip
PICKLES = {"torch.load", "torch.save", "np.load(allow_pickle)", "pickle", "cPickle", "dill", "joblib", "shelve"}

CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
APP = [ROOT / "streamlit_app.py", *CORE, *PAGES]


def imported(source: str) -> Iterator[str]:
    """Yield dotted names of all that the source imports, at any depth: ``core.jobs`` for ``from core import jobs``.

    A relative import is taken as one within core.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, ["core" if node.level else "", node.module]))
            yield from (f"{module}.{name.name}" for name in node.names)


def called(source: str) -> Iterator[str]:
    """Yield the dotted names of all calls, ``torch.manual_seed`` for one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            pickled = any(word.arg == "allow_pickle" for word in node.keywords)
            yield ast.unparse(node.func) + ("(allow_pickle)" if pickled else "")


def roots(source: str) -> set[str]:
    return {name.split(".")[0] for name in imported(source)}


def topics(source: str) -> set[str]:
    """Return the topics whose core module the source imports."""
    return {name.split(".")[1] for name in imported(source) if name.startswith("core.")} & TOPICS


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [ROOT / "streamlit_app.py", *PAGES], ids=named)
def test_pages_leave_computing_to_core(path: Path) -> None:
    assert not roots(path.read_text()) & LAB


@pytest.mark.parametrize("path", CORE, ids=named)
def test_core_does_not_know_streamlit(path: Path) -> None:
    assert not roots(path.read_text()) & {"streamlit", "pages"}


@pytest.mark.parametrize("path", APP, ids=named)
def test_seeds_are_explicit(path: Path) -> None:
    if path != ROOT / "core" / "rng.py":
        assert not set(called(path.read_text())) & SEEDING


@pytest.mark.parametrize("path", APP, ids=named)
def test_nothing_is_pickled(path: Path) -> None:
    source = path.read_text()
    assert not (set(called(source)) | roots(source)) & PICKLES


@pytest.mark.parametrize("path", CORE, ids=named)
def test_topics_do_not_import_each_other(path: Path) -> None:
    """What all may use is in no topic: core/judge.py, say, the shipped network for digits."""
    inside = path.relative_to(ROOT / "core")
    topic = inside.parts[0].removesuffix(".py")
    if topic in TOPICS:
        assert topics(path.read_text()) <= {topic} | MAY_USE.get(topic, set())


def test_no_file_imports_in_a_circle() -> None:
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in APP}
    uses = {name: {module_of(each, files) for each in imported(path.read_text())} for name, path in files.items()}
    assert "core.gan.networks" in uses["core.gan.match"]
    graphlib.TopologicalSorter({name: found - {None, name} for name, found in uses.items()}).prepare()


def module_of(name: str, files: dict[str, Path]) -> str | None:
    """The file that an import reads: ``core.gan`` for ``core.gan.Config``; None: none of ours."""
    return next((each for each in (name, name.rpartition(".")[0]) if each in files), None)


def test_the_walk_sees_what_it_looks_for() -> None:
    source = """
import torch.nn
def lazily():
    from sklearn.manifold import TSNE
    from core import gan
    from .classifier import train
    torch.manual_seed(1)
    np.load(path, allow_pickle=True)
"""
    assert roots(source) == {"torch", "sklearn", "core"}
    assert topics(source) == {"gan", "classifier"}
    assert set(called(source)) == {"torch.manual_seed", "np.load(allow_pickle)"}
