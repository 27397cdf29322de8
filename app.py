"""The browser app's entry: `streamlit run app.py`, or `python -m landscape app` from anywhere."""

import streamlit as st

from landscape.ui.errors import show_error
from landscape.ui.server import SCRIPT, lifespan, routes

app = st.App(SCRIPT, routes=routes(), lifespan=lifespan, on_script_error=show_error)
