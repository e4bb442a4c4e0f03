"""The numbers behind the maps, to look at and to take home."""

from __future__ import annotations

import csv
import io

import streamlit as st

from core import charts
from pages._embeddings import library, picture
from pages._embeddings.picture import Found
from pages._embeddings.settings import Settings
from pages._shared import takeaway, training, words
from pages._shared.charts import draw as draw_chart

HEIGHT = 280
HUES = (("original space", charts.COURSE), ("t-SNE", charts.B), ("PCA", "#832db6"))
SIDES = {"A": "A", "B": "B", "": "Raw pixels"}
MEANING = (
    "**kNN**: share of images whose ten nearest others vote for their class, in the plane and in the original space. "
    "**Trust**: trustworthiness, how few strangers are among the neighbours in the plane. **KL**: what t-SNE makes "
    "small, the gap between the neighbourhoods of both spaces. **Var.**: share of the variance that PCA's two "
    "directions hold."
)


def draw(settings: Settings, found: Found, frame: int) -> None:
    """kNN accuracy of B over the epochs, a table of all maps, downloads."""
    labels = picture.frames(settings, found)
    if not labels:
        st.info(training.nothing("Lay it out, and the numbers appear here.", "laid out"))
        return
    label = labels[min(frame, len(labels) - 1)]
    chart, table = st.columns([2, 3], gap="medium")
    with chart:
        rows = _rows(found)
        if rows:
            st.caption("B: share of images whose neighbours vote for their class")
            draw_chart(charts.quality("epoch", HUES, HEIGHT), rows, "kNN accuracy of B over the epochs")
    with table:
        st.dataframe(_table(settings, found, label), hide_index=True, width="stretch")
        st.caption(MEANING)
    _downloads(settings, found, label)


def _rows(found: Found) -> list[dict]:
    """Of the layouts of B over the epochs; none while t-SNE alone unfolds."""
    rows = []
    for method, name in picture.NAMES.items():
        run = found.get(("B", method))
        measured = library.quality(run)
        if run and len(measured) > 1:
            rows += [{"name": name, "x": x, "percent": 100 * one["knn_plane"]} for x, one in measured.items()]
            if method == "pca":
                rows += [{"name": HUES[0][0], "x": x, "percent": 100 * one["knn_original"]}
                         for x, one in measured.items()]  # fmt: skip
    return rows


def _table(settings: Settings, found: Found, label: int) -> list[dict]:
    """A row a map, as it is at the chosen frame."""
    rows = []
    for (side, method), run in found.items():
        measured = library.quality(run)
        step = next(iter(picture.steps_of(settings, side, method, run, [label])), None)
        if step not in measured:
            continue
        one = measured[step]
        rows.append({
            "map": f"{SIDES[side]} · {picture.NAMES[method]}",
            "kNN, plane": words.percent(one["knn_plane"]), "kNN, original": words.percent(one["knn_original"]),
            "trust": f"{one['trustworthiness']:.3f}",
            "KL (nats)": f"{one['kl']:.3f}" if method == "tsne" else "",
            "var.": words.percent(sum(one["explained"])) if method == "pca" else "",
        })  # fmt: skip
    return rows


def _downloads(settings: Settings, found: Found, label: int) -> None:
    row = st.container(horizontal=True)
    row.download_button("Coordinates (CSV)", lambda: _csv(settings, found, label), "embeddings.csv", "text/csv",
                        on_click="ignore", icon=":material/table:", key="emb_csv")  # fmt: skip
    for run, name in _runs(found).items():
        takeaway.folder_button(row, f"Run folder of {name} (zip)", library.find_by_name(run), f"emb_zip_{run}")


def _runs(found: Found) -> dict[str, str]:
    """Name of a run → the maps that it draws."""
    names: dict[str, list[str]] = {}
    for (side, method), run in found.items():
        if library.readable(run):
            names.setdefault(run.name, []).append(f"{SIDES[side]} {picture.NAMES[method]}")
    return {run: words.listed(maps) for run, maps in names.items()}


def _csv(settings: Settings, found: Found, label: int) -> str:
    """A line an image: number, class, and for each map its place and what the network says."""
    table: dict[str, list] = {}
    for (side, method), run in found.items():
        step = next(iter(picture.steps_of(settings, side, method, run, [label])), None)
        if step is None:
            continue
        points = library.points_of(run, step)
        names = [points.classes[k] for k in points.called]
        table |= {"image": list(range(len(names))), "class": [points.classes[k] for k in points.labels]}
        mark = (SIDES[side]).replace(" ", "_").lower()
        table |= {f"{mark}_prediction": names, f"{mark}_certainty": [f"{p:.4f}" for p in points.certainty]}
        table |= {f"{mark}_{method}_{axis}": [f"{p:.5g}" for p in points.places[:, i]] for i, axis in enumerate("xy")}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue()
