import re

import pytest
from streamlit.testing.v1 import AppTest

FAILING = """
import streamlit as st
from landscape.core.errors import StoreError
from landscape.ui.errors import guarded

@guarded
def page():
    st.text("before")
    raise {error}

page()
st.text("after")
"""


def test_an_expected_error_is_shown_as_its_sentence_and_no_more():
    test = AppTest.from_string(
        FAILING.format(error="StoreError('The disk of ![x](http://y) is full.')")
    ).run()
    assert [alert.value for alert in test.error] == [r"The disk of \!\[x\]\(http\://y\) is full\."]
    assert [text.value for text in test.text] == ["before", "after"]
    assert not test.exception


def test_an_unexpected_error_has_a_number_under_which_the_log_tells_the_rest(home):
    test = AppTest.from_string(FAILING.format(error="ZeroDivisionError('a secret detail')")).run()
    (alert,) = test.error
    assert "secret" not in alert.value
    number = re.search(r"error ([0-9a-f]{8})", alert.value)[1]
    log = (home.path / "app.log").read_text()
    assert f"error {number}" in log
    assert "ZeroDivisionError: a secret detail" in log
    assert test.text[-1].value == "after"


@pytest.mark.parametrize("signal", ["st.stop()", "st.rerun()"])
def test_streamlits_own_signals_pass(signal):
    script = f"""
import streamlit as st
from landscape.ui.errors import guarded

@guarded
def page():
    if "ran" not in st.session_state:
        st.session_state["ran"] = True
        {signal}

page()
st.text("after")
"""
    test = AppTest.from_string(script).run()
    assert not test.error
    assert len(test.text) == (signal == "st.rerun()")
