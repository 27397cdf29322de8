"""The four pages and the ways between them."""

from importlib import import_module
from typing import Literal, NoReturn

import streamlit as st

PageName = Literal["explore", "workbench", "library", "jobs"]

_PAGES: dict[PageName, tuple[str, str, str]] = {
    "explore": ("Explore", ":material/landscape:", "Look at a loss landscape: map, surface, values, export."),
    "workbench": (
        "Workbench",
        ":material/construction:",
        "Ask about networks: lines, planes, ensembles, mistakes; train them.",
    ),
    "library": (
        "Library",
        ":material/inventory_2:",
        "Runs and checkpoints: yours, your uploads, the examples.",
    ),
    "jobs": ("Jobs", ":material/pending_actions:", "What is being computed, what has been, and the logs."),
}


def pages() -> dict[PageName, st.Page]:
    """The pages by name, in the order of the menu."""
    return {
        name: st.Page(
            import_module(
                f"landscape.ui.pages.{name}"
            ).page,  # not at the top: the pages themselves link to pages
            title=title,
            icon=icon,
            url_path=name,
            default=name == "explore",
            help=text,
        )
        for name, (title, icon, text) in _PAGES.items()
    }


def go_to(name: PageName, **query: str) -> NoReturn:
    """Open another page, with these values in the address."""
    st.switch_page(pages()[name], query_params=query)


def show_link(name: PageName, label: str, **query: str) -> None:
    """A link to another page, with these values in the address."""
    st.page_link(pages()[name], label=label, icon=_PAGES[name][1], query_params=query)
