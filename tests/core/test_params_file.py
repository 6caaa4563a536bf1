"""A params.yaml that cannot be read is one line that names it."""

import pytest

from jz3.core.execution import load_execution
from jz3.core.params import ParamsError, load_params
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


def test_a_folder_in_its_place_is_named(tmp_path):
    with pytest.raises(ParamsError, match="is not YAML"):
        load_params(SampleParams, "sample", tmp_path)


def test_a_lock_file_that_is_nested_too_deep_is_named(tmp_path):
    (tmp_path / "dvc.lock").write_bytes(b"[" * 20_000)
    with pytest.raises(RepositoryError, match=r"dvc\.lock"):
        locked(tmp_path)
