"""A lock file read without comments is written with the same bytes; other files keep their comments."""

import pytest
from dvc.utils.serialize import dumps_yaml
from hypothesis import example, given
from hypothesis import strategies as st

from jz3.graph.dvc_process import of_any_file, of_lock_file
from tests.conftest import ROOT

parts = st.integers(-999_999, 999_999), st.integers(-20, 20)
floats = st.builds(lambda digits, exponent: float(f"{digits}e{exponent}"), *parts)
"""As somebody writes them. Of 12 digits and more the parser that keeps comments may change the last one."""
scalars = st.none() | st.booleans() | st.integers() | floats | st.text(max_size=90)
values = st.recursive(
    scalars, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of, max_size=3)
)


@given(st.dictionaries(st.text(max_size=9), values, max_size=4))
@example(
    {"a": [1e-08, 5.0e-3, 1e22, -0.0], "b": ["1e-5", "on", "null", "0o17", "1_0", "2026-12-01", "a: b # c"]}
)
@example({"cmd": "python -m stages.report " + "--metrics data/metrics/answer.json " * 40})
def test_a_lock_file_is_written_with_the_same_bytes(stages):
    text = dumps_yaml({"schema": "2.0", "stages": stages})
    assert dumps_yaml(of_lock_file(text, "here/dvc.lock")) == dumps_yaml(of_any_file(text, "here/dvc.lock"))


def test_the_lock_file_of_this_project_comes_back_to_the_byte():
    text = (ROOT / "dvc.lock").read_text()
    assert dumps_yaml(of_lock_file(text, ROOT / "dvc.lock")) == text


@pytest.mark.parametrize("name", ["dvc.yaml", "data/raw/web.dvc", "params.yaml"])
def test_another_file_keeps_its_comments(name):
    text = "# what it is\nouts:\n- path: web # from where\n"
    assert dumps_yaml(of_lock_file(text, name)) == text
