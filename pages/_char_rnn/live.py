"""A training started from the page: its curves and samples while it runs, and then it writes as A."""

from __future__ import annotations

import shlex
import time

import streamlit as st

from core import charts, runs
from core.char_rnn import Config
from core.runs import Run, RunError
from pages._char_rnn import library, loss
from pages._char_rnn.library import Recorded
from pages._char_rnn.picture import HEIGHT
from pages._char_rnn.settings import SIDE_BY_SIDE, TEMPERATURES, Settings
from pages._shared import training
from pages._shared.charts import draw as draw_chart
from pages._shared.stage import Slot

NAME = "rnn_training"  # in the session state: the name of the run that is being trained


def start(config: Config) -> None:
    """Train a network; the page follows it from the next run on. A recorded one writes at once."""
    recorded = runs.of("char_rnn", config)
    if recorded is not None and recorded.status == "done":
        _end(recorded)
        st.session_state[training.PROBLEM] = "A network with these settings is trained already: it writes as A."
    elif training.submit("char_rnn", [config]):
        st.session_state[NAME] = runs.run_name("char_rnn", config)


def training_run() -> Run | None:
    """The run that this viewer trains, or has just trained."""
    name = st.session_state.get(NAME)
    run = library.find(name) if name else None
    if run is None:
        st.session_state.pop(NAME, None)
    return run


def buttons(bar: st.delta_generator.DeltaGenerator, going: Run | None) -> None:
    """Stop, while something is trained; and why nothing was."""
    row = bar.container(horizontal=True, horizontal_alignment="right")
    if going is not None:
        training.stop_button(row, [going], "rnn_stop")
    training.tell()


def wanted() -> None:
    """Choose the network that has just been trained, before the controls are drawn."""
    if title := st.session_state.pop("rnn_wanted", None):
        st.session_state["rnn_a_network"] = title
        if network := library.networks().get(title):
            st.session_state["rnn_a_step"] = network.steps[-1]
        st.session_state["rnn_mode"] = SIDE_BY_SIDE


def follow(run: Run, place: st.delta_generator.DeltaGenerator) -> None:
    """Draw curves and the newest sample again and again until the training has ended, then let it write.

    A loop and not a timer: a click anywhere interrupts it at once, and none is lost.
    """
    config, (line, chart, about, text) = library.config_of(run), _slots(place)
    spec = charts.losses(config.iterations, "loss (nats per character)", HEIGHT - 40)
    shown = drawn = None
    while True:
        training.watch([run.name])
        with line:
            st.markdown(training.state(library.title(config), run) + _loss(run))
        if drawn != (drawn := len(run.history())):
            rows = loss.rows({"A": run})
            with chart:
                draw_chart(spec, rows, "The loss of the training so far")
        if run.samples and run.samples[-1] != shown:
            shown = run.samples[-1]
            with about:
                st.caption(f"What it writes after {shown} iterations, to the prime The, at temperature 0.8")
            with text:
                st.code(_sample(run, shown), language=None, wrap_lines=True, height=HEIGHT - 60)
        if not run.active:
            _end(run)
            st.rerun()
        time.sleep(training.pause([run]))
        if (now := library.find(run.name)) is None:  # its folder was removed
            st.rerun()
        run = now


def _slots(place: st.delta_generator.DeltaGenerator) -> tuple[Slot, Slot, Slot, Slot]:
    """Where the state, the chart, and a line and the sample are drawn, in as much room as the picture takes."""
    whole = place.container(gap="xsmall", height=HEIGHT + 60, border=False)
    line = whole.container()
    left, right = whole.columns(2, gap="medium")
    left.caption("Loss: thin on the batches, thick on held-out text")
    return Slot(line), Slot(left), Slot(right), Slot(right)


def _loss(run: Run) -> str:
    last = next((record for record in reversed(run.history()) if "heldout_loss" in record), None)
    return f"\u2003held-out loss {last['heldout_loss']:.2f} nats after {last['step']} iterations" if last else ""


def _sample(run: Run, step: int) -> str:
    return run.sample(step).decode("ascii", "replace")


def _end(run: Run) -> None:
    """The training has ended: whatever it left writes as A from now on."""
    st.session_state.pop(NAME, None)
    if run.status != "done":
        st.session_state[training.PROBLEM] = training.state("The training", run)
    library.forget()
    title = next((title for title, known in library.networks().items() if known.name == run.name), None)
    if title is not None and run.steps != [0]:
        st.session_state["rnn_wanted"] = title


def commands(settings: Settings) -> dict[str, str]:
    """The commands that train the networks on the page, and that write the texts."""
    found = {}
    for side in "A" if settings.mode == TEMPERATURES else "AB":
        network = settings.networks[side]
        found[f"{side} writes"] = sample_command(settings, network, settings.steps[side])
        try:
            found[f"{side} is trained"] = runs.find(network.name).command
        except RunError:  # removed meanwhile
            continue
    return found


def sample_command(settings: Settings, network: Recorded, step: int) -> str:
    """The command line that writes a text of the page, at the temperature that the slider shows."""
    options = {"prime": settings.prime.text, "length": settings.length, "temperature": f"{settings.temperature:g}",
               "seed": settings.seed, "top-k": settings.top_k, "step": step}  # fmt: skip
    words = [f"--{name} {shlex.quote(str(value))}" for name, value in options.items()]
    return " ".join(["python -m core sample", network.name, *words])
