"""A params.yaml that cannot be read is one line that names it."""

import pytest

from jz3.core.execution import load_execution
from jz3.core.params import Params, ParamsError, load_params
from jz3.corpus.sample import SampleParams
from jz3.graph.repository import RepositoryError, locked

CONTENTS = {
    "deep": b"[" * 20_000,
    "deep in a section": b"sample: " + b"{a: " * 20_000,
    "not closed": b"sample: {a: 1",
    "no text": b"\xff\xfe\x00",
    "a control character": b"sample: \x00",
    "no date": b"sample: 2024-99-99",
    "a tag": b"sample: !!python/object/apply:os.system [echo]",
    "no sections": b"just words",
    "empty": b"",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_what_is_no_yaml_of_sections_is_named(tmp_path, content):
    file = tmp_path / "params.yaml"
    file.write_bytes(content)
    with pytest.raises(ParamsError) as caught:
        load_params(SampleParams, "sample", file)
    assert str(file) in str(caught.value)
    assert str(caught.value).isprintable()
    with pytest.raises(ParamsError) as caught:
        load_execution(file)
    assert str(file) in str(caught.value)


class DoubleParams(Params):
    number: int
    rate: float


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "params.yaml does not exist"),
        ("double: {number: [", "params.yaml is not YAML"),
        ("other: {}", "params.yaml has no section 'double'; its sections are other"),
        ("double: {number: two, rate: 1}", "double.number: Input should be a valid integer"),
        ("double: {numbr: 2, number: 2, rate: 1}", "double.numbr: Extra inputs are not permitted"),
        ("double: {number: 2}", "double.rate: Field required"),
    ],
)
def test_what_does_not_fit_a_stage_is_one_line(tmp_path, text, line):
    file = tmp_path / "params.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ParamsError) as caught:
        load_params(DoubleParams, "double", file)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_in_its_place_is_named(tmp_path):
    with pytest.raises(ParamsError, match="is not YAML"):
        load_params(SampleParams, "sample", tmp_path)


def test_a_lock_file_that_is_nested_too_deep_is_named(tmp_path):
    (tmp_path / "dvc.lock").write_bytes(b"[" * 20_000)
    with pytest.raises(RepositoryError, match=r"dvc\.lock"):
        locked(tmp_path)
