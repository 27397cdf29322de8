"""The script that Streamlit runs for every reader and every change: the frame around the four pages."""

import streamlit as st

from landscape.ui.navigation import pages

st.set_page_config(
    page_title="Landscape", page_icon="⛰️", layout="wide"
)  # an emoji is no request to another machine
st.navigation(list(pages().values()), position="top").run()
