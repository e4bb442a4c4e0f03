"""What a viewer takes home: a run's folder as a file."""

from __future__ import annotations

import io
import zipfile

import streamlit as st

from core.runs import Run


def folder_button(place: st.delta_generator.DeltaGenerator, label: str, run: Run, key: str) -> None:
    """A button that downloads the run's folder."""
    name = f"{run.name}.zip"
    place.download_button(label, lambda: folder(run), name, "application/zip", on_click="ignore",
                          icon=":material/folder_zip:", key=key)  # fmt: skip


def folder(run: Run) -> bytes:
    """The whole run folder as a zip file, but for its lock files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(run.path.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                archive.write(file, f"{run.name}/{file.relative_to(run.path)}")
    return packed.getvalue()
