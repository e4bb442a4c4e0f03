"""What a viewer takes home and brings along: a run's folder as a file."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.runs import Run, RunError, folders
from core.runs.folders import Brought
from pages._shared.words import TITLES


def folder_button(place: st.delta_generator.DeltaGenerator, label: str, run: Run, key: str) -> None:
    """A button that downloads the run's folder."""
    name = f"{run.name}.zip"
    place.download_button(label, lambda: folders.pack(run), name, "application/zip", on_click="ignore",
                          icon=":material/folder_zip:", key=key)  # fmt: skip


def bring() -> None:
    """An uploader that puts such a file among the runs, and says what has become of it."""
    st.caption("A run folder that was downloaded here or on another server. Its page then shows it at its settings.")
    file = st.file_uploader("A run folder as a zip file, up to 10 MB", key="bring", type=["zip"], max_upload_size=10)
    if file is None:
        return
    try:
        brought = _unpacked(file.file_id, file)
    except RunError as error:
        st.warning(f"{file.name} can't be opened. {error}", icon=":material/folder_off:")
    except OSError as error:
        st.warning(f"{file.name} can't be kept here: {error.strerror or error}.", icon=":material/folder_off:")
    else:
        st.info(_told(brought), icon=":material/folder_open:")
        st.code(brought.run.command, language="bash", wrap_lines=True)
        st.page_link(f"{brought.run.topic}.py", label=f"Open {TITLES[brought.run.topic]}",
                     icon=":material/arrow_forward:")  # fmt: skip


@st.cache_resource(max_entries=64, show_spinner="Checking every file of the run…")
def _unpacked(file_id: str, _file: UploadedFile) -> Brought:
    """Once for each upload: at the next run of the page the run would be here already."""
    return folders.unpack(_file.getvalue())


def _told(brought: Brought) -> str:
    name = f"`{brought.run.name}`"
    if not brought.known:
        return f"{name} is here now. Choose the settings of this command to see it:"
    if brought.run.status != "done":
        return f"{name} is here already ({brought.run.status}), and stays as it is."
    same = "with the same numbers" if brought.differs is None else f"with other numbers from step {brought.differs} on"
    return f"{name} is here already, {same}, and stays as it is. Choose the settings of this command to see it:"
