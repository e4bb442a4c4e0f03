"""core/bench: one command measures every topic; the README's table goes between its markers, or nowhere."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from core import __main__ as command_line
from core import bench

MEASURED = {
    "machine": "2 cores (a test)", "date": "1 May 2026", "commit": "abc1234",
    "reports": [{"topic": "gan", "ratio": 2.5}, {"topic": "classifier", "ratio": 4.0}],
}  # fmt: skip
TABLE = """\
Benchmarks on 2 cores (a test), 1 May 2026, commit abc1234.

| `python -m core bench` | compared with | one of ours | ratio |
|---|---|---|---|
| `gan` | theirs | ours | 2.5 |
| `classifier` | theirs | ours | 4.0 |"""


class Module(SimpleNamespace):
    """A benchmark that takes no time; it keeps the folders that it got."""

    def measure(self, scratch):
        self.seen.append(scratch)
        assert list(scratch.iterdir()) == []
        (scratch / "file").touch()
        return {"topic": self.topic, "ratio": float(len(self.topic))}

    def row(self, report):
        return "theirs", "ours", str(report["ratio"])


@pytest.fixture
def seen(monkeypatch) -> list:
    """The folders in which the topics, none of which really measures, were asked to."""
    folders: list = []
    monkeypatch.setattr(bench, "_module", lambda topic: Module(topic=topic, seen=folders))
    return folders


@pytest.fixture
def readme(tmp_path):
    file = tmp_path / "README.md"
    file.write_text(f"# Title\n\n{bench.MARKERS[0]}\nold\n{bench.MARKERS[1]}\n\nThe rest, ε.\n", "utf-8")
    return file


def test_all_topics_are_measured_each_in_a_folder_of_its_own(seen, capsys):
    assert command_line.main(["bench", "--all", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [report["topic"] for report in told["reports"]] == list(bench.TOPICS)
    assert [folder.name for folder in seen] == list(bench.TOPICS)
    assert {name: told[name] for name in ("machine", "date", "commit")} == bench.where()
    assert not any(folder.exists() for folder in seen)


def test_one_topic_is_measured_alone(seen, capsys):
    assert command_line.main(["bench", "gan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"topic": "gan", "ratio": 3.0}
    assert len(seen) == 1


def test_the_table_has_a_row_a_topic_and_says_where_and_when(seen):
    assert bench.table(MEASURED) == TABLE
    assert bench.table({**MEASURED, "commit": ""}).startswith("Benchmarks on 2 cores (a test), 1 May 2026.\n")


def test_the_table_is_written_between_the_markers_and_only_when_asked(seen, readme, capsys):
    before = readme.read_text("utf-8")
    assert command_line.main(["bench", "--all", "--readme", str(readme)]) == 0
    table = capsys.readouterr().out.rstrip("\n")
    assert table.count("| theirs | ours |") == len(bench.TOPICS)
    assert readme.read_text("utf-8") == before
    for _ in range(2):  # writing again changes nothing
        assert command_line.main(["bench", "--all", "--write", "--readme", str(readme)]) == 0
        assert readme.read_text("utf-8") == before.replace("old", table)


@pytest.mark.parametrize(
    "text",
    ["", "<!-- bench -->", "<!-- /bench -->", "<!-- /bench --> <!-- bench -->",
     "<!-- bench --> <!-- bench --> <!-- /bench -->"],
)  # fmt: skip
def test_without_its_markers_a_file_is_left_alone_and_nothing_is_measured(text, seen, readme, capsys):
    readme.write_text(text)
    assert command_line.main(["bench", "--all", "--write", "--readme", str(readme)]) == 2
    assert capsys.readouterr().err.endswith("once each: the table goes between.\n")
    assert (readme.read_text(), seen) == (text, [])


def test_one_topic_is_not_the_table(seen, readme, capsys):
    assert command_line.main(["bench", "gan", "--write", "--readme", str(readme)]) == 2
    assert capsys.readouterr().err == "--write needs --all: the README's table has a row for every topic.\n"
    assert seen == []


def test_the_readme_has_the_markers():
    before, after = bench.parts(bench.README)
    assert before and after


REPORTS = [  # as their benchmarks print them
    {"topic": "classifier", "reference": 1420, "ours": 8933, "ours_pair": 16799, "ratio": 6.3, "ratio_pair": 11.8},
    {"topic": "embeddings", "points": 2000, "sklearn_s": 7.0, "ours_s": 5.9, "kl_ratio": 0.95, "ratio": 1.2},
    {"topic": "char_rnn", "reference_chars_s": 45790, "ours_chars_s": 85517, "sample_chars_s": 28619, "ratio": 1.9},
    {"topic": "gan", "reference_its_s": 184.2, "ours_its_s": 390.1, "pair": 0.97, "ratio": 2.1},
    {"topic": "adversarial", "steps": 20, "images": 100, "foolbox_ms": 500.5, "ours_ms": 250.1, "success_ours": 0.91,
     "success_foolbox": 0.9, "ratio": 2.0},
    {"topic": "sweep", "runs": 30, "local_1_s": 60.0, "local_2_s": 33.0, "dask_1_s": 62.0, "dask_2_s": 33.1,
     "ratio": 1.82, "ratio_dask": 1.87},
    {"topic": "queue", "trainings": 40, "cores": 2, "measured_mean_s": 2.5, "measured_longest_s": 6.1,
     "model_mean_s": 2.45, "model_longest_s": 6.0, "ratio": 0.98},
]  # fmt: skip


def test_every_topic_has_a_row():
    assert [report["topic"] for report in REPORTS] == list(bench.TOPICS)
    table = bench.table({**MEASURED, "reports": REPORTS})
    rows = [line for line in table.splitlines() if line.startswith("| `")][1:]
    assert len(rows) == len(REPORTS)
    for report, row in zip(REPORTS, rows, strict=True):
        assert row.count("|") == 5
        assert str(report["ratio"]) in row.rsplit("|", 2)[1]
    assert "1 420 images/s" in rows[0]
    assert "KL divergence 5 % lower" in rows[1]
