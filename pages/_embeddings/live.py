"""Layouts and trainings started from the page: the buttons, and the maps that follow what is going on."""

from __future__ import annotations

import time
from collections.abc import Iterable

import streamlit as st

from core import runs
from core.embeddings import Config, reading
from core.runs import Run
from pages._embeddings import library, picture
from pages._embeddings.picture import Found
from pages._embeddings.settings import EPOCHS, UNFOLD, UNFOLDING, Settings
from pages._shared import stage, training, words
from pages._shared.components.maps import Column, Map
from pages._shared.components.scrubber import scrubber
from pages._shared.stage import Slot

KEPT = 4  # frames that are sent again with new ones
NETWORK = "emb_training"  # in the session state: the name of the network that is being trained
SIDES = {"A": "A", "B": "B", "": "Raw pixels"}
IMAGES = (0, 1000, 5000, 20_000)


def buttons(bar: st.delta_generator.DeltaGenerator, settings: Settings, found: Found, going: list[Run]) -> None:
    """Lay out what is missing, or let t-SNE unfold before the viewers' eyes; train a network; stop."""
    row = bar.container(horizontal=True, horizontal_alignment="right", key="emb_buttons")
    if not training.offered(row):
        return
    training.stop_button(row, going, "emb_stop")
    unfold = _are_done(found.values())
    row.button(UNFOLD if unfold else settings.action, key="emb_layout", icon=":material/play_arrow:",
               type="secondary" if unfold else "primary", disabled=bool(going), on_click=_lay_out,
               args=(settings, unfold), help="Watch t-SNE push the points apart, iteration by iteration."
               if unfold else "Works out the maps that are not recorded yet.")  # fmt: skip
    with row.popover("Train a network", icon=":material/model_training:", disabled=bool(going)):
        _training_form()
    training.tell()


def _are_done(found: Iterable[Run | None]) -> bool:
    return all(run is not None and run.status == "done" for run in found)


def _lay_out(settings: Settings, unfold: bool) -> None:
    """Work out what is missing. ``unfold``: show the iterations of t-SNE; those that are recorded play at once."""
    if unfold:
        st.session_state["emb_scrub"] = UNFOLDING
        settings = Settings(**{**vars(settings), "unfold": True})
    st.query_params.pop("emb_frame", None)
    configs = settings.configs()
    if unfold and _are_done(map(library.find, configs.values())):
        st.query_params["emb_frame"] = "0"
        st.session_state[picture.PLAY] = True
        return
    wanted = sorted(configs, key=lambda place: (place[1] != "tsne", place[0] != "B"))  # the slow ones first, B of them
    training.submit("embeddings", [configs[place] for place in wanted])


def _training_form() -> None:
    """What can be chosen for a network of one's own."""
    st.caption("Trains the small CNN on MNIST and shows the PCA map of its features after every epoch.")
    epochs = st.number_input("Epochs", 1, 10, 3, key="emb_train_epochs", bind="query-params")
    seed = st.number_input("Seed", 0, 999_999, 7, key="emb_train_seed", bind="query-params")
    images = st.selectbox("Training images", IMAGES, format_func=lambda n: words.count(n) if n else "all",
                          key="emb_train_images", bind="query-params")  # fmt: skip
    config = Config(epochs=int(epochs), seed=int(seed), images=images)
    st.button("Train live", type="primary", icon=":material/play_arrow:", key="emb_train", on_click=_train,
              args=(config,))  # fmt: skip


def _train(config: Config) -> None:
    if training.submit("embeddings", [config]):
        st.session_state[NETWORK] = runs.run_name("embeddings", config)


def network() -> Run | None:
    """The network that this viewer trains, or has just trained."""
    name = st.session_state.get(NETWORK)
    try:
        return runs.find(name) if name else None
    except runs.RunError:
        return None


def take_over(run: Run) -> None:
    """A network is trained: A and B show it from now on, and its layouts are worked out."""
    del st.session_state[NETWORK]
    if run.status != "done":
        st.session_state[training.PROBLEM] = training.state("The network", run)
        return
    title = next((t for t, known in library.networks().items() if known.name == run.name), None)
    if title is None:  # the list is a few seconds old
        library.forget()
        title = next((t for t, known in library.networks().items() if known.name == run.name), None)
    if title is not None:
        st.session_state["emb_wanted"] = title


def wanted() -> None:
    """Choose the network that has just been trained, before the controls are drawn; and lay it out."""
    if title := st.session_state.pop("emb_wanted", None):
        st.session_state["emb_a_network"] = st.session_state["emb_b_network"] = title
        st.session_state["emb_scrub"] = EPOCHS
        st.session_state["emb_then"] = True


def lay_out_next(settings: Settings) -> None:
    """Start the layouts of the network that has just been trained."""
    if st.session_state.pop("emb_then", False):
        _lay_out(settings, unfold=False)
        st.rerun()


def follow(settings: Settings, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw the maps again and again until nothing is going on any more, then run the page once more.

    A loop and not a timer: a click anywhere interrupts it at once, and none is lost.
    """
    whole = place.container(gap="xsmall")
    line, grown = Slot(whole), Slot(whole)
    shown: dict = {}
    while True:
        found = {where: library.find(config) for where, config in settings.configs().items()}
        going = [run for run in found.values() if run and run.active]
        training.watch([run.name for run in going])
        with line:
            st.markdown("\u2003".join(_state(where, run) for where, run in found.items() if run))
        _draw_growing(settings, found, grown, shown)
        if not going:
            st.rerun()
        time.sleep(training.pause(going))


def _state(where: tuple[str, str], run: Run) -> str:
    return training.state(f"{SIDES[where[0]]} {picture.NAMES[where[1]]}", run, doing="laying out")


def _draw_growing(settings: Settings, found: Found, place: Slot, shown: dict) -> None:
    """The maps as far as they are; of frames that the browser has, the newest alone are sent again."""
    labels = picture.frames(settings, found)
    if labels == shown.get("labels"):
        return
    before = shown.get("labels", ())
    shown["labels"] = labels
    if not labels:
        return _wait(place)
    first = max(0, len(before) - KEPT)
    some = next(run for run in found.values() if library.readable(run))
    points = library.points_of(some, some.steps[0])
    columns = [picture.column(settings, side, found, labels[first:]) for side in picture.sides(found)]
    sprite = None if before else library.sprite(settings.networks["B"].dataset, len(points.labels))
    grown = picture.together(columns, points, stream=f"live {settings}", sprite=sprite, first=first)
    with place:
        scrubber(key="emb_live", axis="Iteration" if settings.unfold else "Epoch", frames=[str(n) for n in labels],
                 panels=[grown], at=len(labels) - 1, height=picture.HEIGHT - 30, play_ms=90, live=True,
                 again=bool(before), alt="The maps as they are being made")  # fmt: skip


def _wait(place: Slot) -> None:
    with place:
        stage.empty("The first maps come in a moment.", picture.HEIGHT)


def follow_training(run: Run, points: int, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw the PCA map of a network's features after every epoch of its training."""
    whole = place.container(gap="xsmall")
    line, grown = Slot(whole), Slot(whole)
    drawn = None
    while True:
        if (run := network()) is None:  # its folder was removed
            st.rerun()
        training.watch([run.name])
        with line:
            st.markdown(training.state("Small CNN", run) + _accuracy(run))
        if run.steps != drawn:
            if run.steps:
                _draw_epochs(run, points, grown, again=bool(drawn))
            else:
                _wait(grown)
            drawn = run.steps
        if not run.active:
            take_over(run)
            st.rerun()
        time.sleep(training.pause([run]))


def _accuracy(run: Run) -> str:
    tested = [record["test_accuracy"] for record in run.history() if "test_accuracy" in record]
    return f"\u2003test accuracy {100 * tested[-1]:.1f}\u202f%" if tested else ""


def _draw_epochs(run: Run, count: int, place: Slot, again: bool) -> None:
    glimpses = reading.glimpses(run, count)
    steps = list(range(len(glimpses)))
    notes = [[f"kNN {100 * glimpse.knn:.1f}\u202f% in the plane"] for glimpse in glimpses]
    view = Map("PCA", [glimpse.points.places for glimpse in glimpses], notes)
    first = glimpses[0].points
    column = Column("B", [f"after epoch {step}" if step else "untrained" for step in steps], [view],
                    [glimpse.points.called for glimpse in glimpses],
                    [glimpse.points.certainty for glimpse in glimpses])  # fmt: skip
    sprite = library.sprite(run.config["dataset"], count)
    panel = picture.together([column], first, stream=run.name, sprite=sprite)
    with place:
        scrubber(key="emb_epochs", axis="Epoch", frames=[str(step) for step in steps], panels=[panel],
                 at=steps[-1], height=picture.HEIGHT - 30, live=True, again=again,
                 alt="The PCA map of the features after every epoch")  # fmt: skip
