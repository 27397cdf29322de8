"""Files coming in: each goes through a process of its own, and ends as a line in the library or as a sentence."""

from collections.abc import Sequence

import streamlit as st
from streamlit.typing import UploadedFile

from landscape.core.errors import LandscapeError
from landscape.service.imports import import_upload
from landscape.ui.state import open_home
from landscape.ui.text import plain, plural

SUFFIXES = ("safetensors", "pt", "pth", "th")
_LARGEST_MB = 1024
_MOST_FILES = 32


def show_uploader() -> None:
    """A place to drop files, and what became of those dropped before."""
    # The key changes after each import, which empties the widget: its copies of the files lie in memory.
    turn = st.session_state.setdefault("upload_turn", 0)
    files = st.file_uploader(
        "Add checkpoints: drop .safetensors, .pt, .pth or .th files here",
        type=list(SUFFIXES),
        accept_multiple_files=True,
        max_upload_size=_LARGEST_MB,
        key=f"upload_{turn}",
        help="Files are opened in a separate process that executes nothing from them, and are kept as safetensors.",
    )
    for kind, sentence in st.session_state.get("upload_notes", []):
        (st.success if kind == "success" else st.error)(
            plain(sentence), icon=":material/check:" if kind == "success" else ":material/error:"
        )
    if files:
        st.session_state["upload_notes"] = _import_all(files)
        st.session_state["upload_turn"] = turn + 1
        st.rerun()


def _import_all(files: Sequence[UploadedFile]) -> list[tuple[str, str]]:
    if len(files) > _MOST_FILES:
        return [("error", f"{len(files)} files at once are too many; drop at most {_MOST_FILES}.")]
    notes = []
    with st.status(f"Opening {plural(len(files), 'file')} in a separate process …", expanded=True) as status:
        for file in files:
            st.text(file.name)
            notes.append(_import_one(file))
        status.update(label="Done", state="complete")
    return notes


def _import_one(file: UploadedFile) -> tuple[str, str]:
    try:
        upload = import_upload(file.getvalue(), file.name, open_home())
    except LandscapeError as error:
        sentence = str(error)
        return "error", sentence if file.name in sentence else f"{file.name}: {sentence}"
    if upload.problem is not None:
        return "error", f"{upload.name} was kept, but cannot be evaluated: {upload.problem}"
    return (
        "success",
        f"{upload.name} is in the library: {upload.manifest.architecture}, {upload.manifest.parameters:,} parameters.",
    )
