"""The figures of a layout and what they mean, in a line each."""

from __future__ import annotations

from pages._shared import words

SLIGHT, SOME = 0.01, 0.05  # share of images whose neighbours outvote the true class in the plane alone


def notes(measured: dict | None) -> list[str]:
    """Two lines for below a map; none of a layout that was not measured."""
    if measured is None:
        return []
    plane, original = measured["knn_plane"], measured["knn_original"]
    figures = f"kNN {words.percent(plane)}, was {words.percent(original)} · trust {measured['trustworthiness']:.2f}"
    return [figures, reading(plane, original)]


def short(measured: dict) -> str:
    """The figures of a t-SNE map in few words."""
    return f"kNN {words.percent(measured['knn_plane'])} · KL {measured['kl']:.2f}"


def reading(plane: float, original: float) -> str:
    """What kNN accuracy in the plane and in the original space say about a map."""
    lost = round(original, 3) - round(plane, 3)  # of the figures as they are shown
    if lost <= SLIGHT:
        return "Classes lie apart as before."
    if lost <= SOME:
        return "A few lie with the wrong class."
    return f"Classes mix: {100 * lost:.1f} points lost."
