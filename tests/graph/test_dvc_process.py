"""A lock file read without comments and written a stage at a time has the same bytes; other files keep their
comments.
"""

import io

import pytest
from dvc.utils.serialize import dumps_yaml, parse_yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jz3.graph.dvc_process import of_any_file, of_lock_file, write
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


def written(data):
    stream = io.StringIO()
    write(data, stream)
    return stream.getvalue()


stages = st.dictionaries(st.text(max_size=9), st.dictionaries(st.text(), values, max_size=4), max_size=4)


@given(stages, st.text(max_size=9), values)
@example({"a": {"x": 1}, "b": {}}, "a", {"x": True})
@example({"a": {"x": "- &id001 b"}, "b": {}}, "b", {"x": 1.0})
@example({"a": {"x": "2026-12-01\n  c:\n    y: 1\n"}}, "c", None)
def test_a_changed_stage_leaves_the_lines_of_the_others_as_they_are(before, name, stage):
    text = dumps_yaml({"schema": "2.0", "stages": before})
    read = parse_yaml(text, "dvc.lock")
    assume(dumps_yaml(read) == text)  # not so where a text has an old line separator (U+0085)
    due = dumps_yaml(read | {"stages": (read["stages"] or {}) | {name: stage}})
    for _ in range(2):  # the second time its lines are known
        changed = of_lock_file(text, "dvc.lock")
        assert changed == read
        assert written(changed) == text
        changed["stages"][name] = stage
        assert written(changed) == due


def test_a_stage_that_refers_to_another_is_written_in_full():
    of_both = "schema: '2.0'\nstages:\n  a: &id001\n    x: 1\n  b: *id001\n"
    data = of_lock_file(of_both, "dvc.lock")
    data["stages"]["a"] = {"x": 2}
    assert written(data) == "schema: '2.0'\nstages:\n  a:\n    x: 2\n  b:\n    x: 1\n"


def test_stages_that_have_a_value_twice_are_written_as_dvc_counts_them():
    """DVC writes the value once, under a number, and refers to it."""
    stages = {name: {"x": value, "y": value} for name in "abc" for value in ([name],)}
    one, two = [dict(list(stages.items())[:count]) for count in (1, 2)]
    for before in (one, two):
        text = dumps_yaml({"schema": "2.0", "stages": before})
        for added in ({"d": {"z": 1}}, {"c": stages["c"]}):
            changed = of_lock_file(text, "dvc.lock")
            changed["stages"] |= added
            assert written(changed) == dumps_yaml({"schema": "2.0", "stages": before | added})


def test_the_lock_file_of_this_project_comes_back_to_the_byte():
    text = (ROOT / "dvc.lock").read_text()
    assert written(of_lock_file(text, ROOT / "dvc.lock")) == text


@pytest.mark.parametrize("name", ["dvc.yaml", "data/raw/web.dvc", "params.yaml"])
def test_another_file_keeps_its_comments(name):
    text = "# what it is\nouts:\n- path: web # from where\n"
    assert dumps_yaml(of_lock_file(text, name)) == text
