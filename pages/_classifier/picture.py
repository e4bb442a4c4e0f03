"""THE picture: test accuracy of A and B over the epochs, and what both say to the same eight images."""

from __future__ import annotations

import streamlit as st

from core import charts, course, runs
from core.data import DataMissing
from core.runs import Run
from pages._classifier import live, recordings
from pages._classifier.settings import Settings, short
from pages._shared import seeds, stage, training, words
from pages._shared.components.packing import Encoded
from pages._shared.components.scrubber import ready, scrubber

COLOURS = {"A": charts.A, "B": charts.B}
REST = 430  # pixels of a window that the page needs around the picture


def draw(settings: Settings, pair: dict[str, Run | None], last: int) -> int:
    """Draw what is recorded, up to epoch ``last``; returns the epoch that the viewer chose.

    Two runs that never came to the end of an epoch are shown by their training curves.
    """
    unfinished = {side: run for side, run in pair.items() if run and run.status != "done"}
    if not any(pair.values()):
        stage.empty(training.nothing("**Train live** to see the curves grow."), recordings.HEIGHT)
    elif last == 0 and unfinished:
        live.still(settings, pair)
    elif unfinished:
        with st.container(gap="xsmall"):
            st.markdown("\u2003".join(live.state(side, run) for side, run in unfinished.items()))
            return _replay(settings, pair, last)
    else:
        return _replay(settings, pair, last)
    return last


def _replay(settings: Settings, pair: dict[str, Run | None], last: int) -> int:
    """The curves and the tiles over their scrubber."""
    key = f"{settings} {recordings.state()} {[run and (run.name, _identity(run)) for run in pair.values()]}"
    try:
        panels = _panels(key, settings, pair)
    except (DataMissing, runs.RunError) as error:  # there are no images to show
        st.caption(f"{error}")
        panels = ready(_frames(settings), [_curves(settings, pair)])
    wanted = st.query_params.get("clf_epoch", "")
    at = min(int(wanted), last) if wanted.isdecimal() and len(wanted) < 4 else last
    frame = scrubber(
        key="clf_picture",
        axis="Epoch",
        frames=_frames(settings),
        panels=panels,
        at=at,
        height=recordings.HEIGHT,
        rest=REST,
        alt="Test accuracy of A and B over the epochs, and their verdicts on the same test images",
    )
    _to_link(frame, last)
    return frame


def _frames(settings: Settings) -> list[str]:
    return [str(epoch) for epoch in range(settings.a.epochs + 1)]


@st.cache_resource(max_entries=32, show_spinner=False)
def _panels(key: str, _settings: Settings, _pair: dict[str, Run | None]) -> Encoded:
    """The curves and the tiles, put together once for all viewers."""
    return ready(_frames(_settings), [_curves(_settings, _pair), _tiles(_settings, _pair)])


def _to_link(epoch: int, default: int) -> None:
    """Keep the epoch in the address; the default stays out of it, as for every other control."""
    if epoch == default:
        st.query_params.pop("clf_epoch", None)
    elif st.query_params.get("clf_epoch") != str(epoch):
        st.query_params["clf_epoch"] = str(epoch)


def _curves(settings: Settings, pair: dict[str, Run | None]) -> dict:
    a, b = settings.a, settings.b
    series = []
    for run in (run for run in recordings.library() if run.name in settings.overlay):
        values = recordings.accuracies(run)[: a.epochs + 1]
        series.append(
            {
                "name": recordings.title(run),
                "color": charts.COURSE,
                "x": list(range(len(values))),
                "y": values,
                "thin": True,
            }
        )
    for side, run in pair.items():
        values = recordings.accuracies(run)
        if values:
            name = f"{side} · {short(*((a, b) if side == 'A' else (b, a)))}"
            band = _band(settings.sides[side], len(values)) if settings.bands else None
            series.append(
                {"name": name, "color": COLOURS[side], "x": list(range(len(values))), "y": values, "band": band}
            )
    tops = [value for line in series for value in line["y"]]
    refs = _references(settings)
    top = max([20.0, *tops, *(ref["y"] for ref in refs)])
    return {
        "type": "curves",
        "weight": 3,
        "title": "Test accuracy",
        "x": list(range(a.epochs + 1)),
        "x_title": "epoch",
        "y_title": "test accuracy (%)",
        "y_domain": [0, min(100, 10 * (top // 10 + 1))],
        "series": series,
        "refs": refs,
    }


def _band(config, count: int) -> list[list[float]] | None:
    """Lowest and highest accuracy over the recorded seeds at each epoch, if there are at least two."""
    return seeds.band([recordings.accuracies(run) for run in recordings.siblings(config)], count)


def _references(settings: Settings) -> list[dict]:
    """What the course reported for A and for B; one line where both are the same."""
    reported = {course.test_accuracy(config) for config in settings.sides.values()} - {None}
    return [{"y": 100 * share, "label": f"course {words.percent(share, 2)}"} for share in sorted(reported)]


def _tiles(settings: Settings, pair: dict[str, Run | None]) -> dict:
    """The panel of the eight images.

    Raises:
        DataMissing, RunError: the data set or the weights are not on this machine, or damaged.
    """
    dataset = settings.a.dataset
    try:
        split, classes = recordings.tiles(dataset), recordings.class_names(dataset)
        said = {
            side: recordings.verdicts(run.name, _identity(run), settings.a.epochs, classes) if run else None
            for side, run in pair.items()
        }
    except ValueError as error:
        raise runs.RunError(str(error)) from error
    count = len(split.labels)
    return {
        "type": "tiles",
        "weight": 2,
        "title": "The same test images",
        "count": count,
        "cols": count,
        "sprite": recordings.tile_sheet(dataset, str(split.labels)),
        "truth": [classes[i] for i in split.labels],
        "verdicts": said,
        "names": {side: short(config, config) for side, config in settings.sides.items()},
    }


def _identity(run: Run) -> str:
    """Changes when the weights or the history of the run do, so that nothing stale is shown."""
    return f"{run.status} {len(run.history())} {sorted(run.checksums.items())}"
