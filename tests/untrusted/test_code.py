"""No text becomes code, no file is a program. Read off the source, nothing is run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = [ROOT / "streamlit_app.py", *sorted((ROOT / "core").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.py"))]
CODE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "runpy.run_path", "torch.hub.load",
        "torch.load", "torch.jit.load", "yaml.load", "pandas.read_pickle", "pd.read_pickle"}  # fmt: skip
PROGRAMS = {"pickle", "cPickle", "_pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal", "code", "codeop"}
# A module is looked up by a name of the program's own lists alone
BY_NAME = {"core/runs/recorder.py", "core/script/__init__.py", "core/bench/__init__.py"}


def dangers(source: str) -> set[str]:
    """Calls that make code of data, modules that read programs, and arguments that allow either."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {word.arg: word.value for word in node.keywords}
            found |= {name} & CODE
            found |= {word for word in ("allow_pickle", "shell", "unsafe_allow_html", "unsafe_allow_javascript")
                      if isinstance(given.get(word), ast.AST) and ast.unparse(given[word]) != "False"}  # fmt: skip
            found |= {"import_module"} if name.endswith("import_module") else set()
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & PROGRAMS
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {(node.module or "").split(".")[0]} & PROGRAMS
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & CODE
    return found


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_the_app_runs_what_it_reads(path: Path) -> None:
    allowed = {"import_module"} if str(path.relative_to(ROOT)) in BY_NAME else set()
    assert dangers(path.read_text("utf-8")) <= allowed


def test_a_topic_that_is_none_is_not_imported() -> None:
    from core.runs import recorder

    for name in ("os", "../evil", "__main__", "classifier.os", ""):
        with pytest.raises(ValueError, match="There is no topic"):
            recorder.lab(name)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("eval('1')", {"eval"}), ("model.eval()", set()), ("exec(text)", {"exec"}),
        ("__import__('os')", {"__import__"}),
        ("torch.load(f)", {"torch.load"}), ("from torch import load", {"torch.load"}),
        ("import pickle as p", {"pickle"}),
        ("from pickle import loads", {"pickle"}), ("np.load(f, allow_pickle=True)", {"allow_pickle"}),
        ("np.load(f, allow_pickle=False)", set()), ("np.load(f, allow_pickle=x)", {"allow_pickle"}),
        ("run(c, shell=True)", {"shell"}), ("st.markdown(t, unsafe_allow_html=True)", {"unsafe_allow_html"}),
        ("def f():\n import marshal", {"marshal"}), ("importlib.import_module(n)", {"import_module"}),
        ("re.compile('x')", set()), ("compile(t, '', 'exec')", {"compile"}), ("from .code import x", set()),
    ],
)  # fmt: skip
def test_the_walk_sees_what_it_looks_for(source: str, found: set[str]) -> None:
    assert dangers(source) == found
