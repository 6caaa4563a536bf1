"""A params.yaml that cannot be read is one line that names it."""

import pytest

from jz3.build.repository import RepositoryError, locked
from jz3.core.execution import Execution
from jz3.core.params import ParamsError, load_params

CONTENTS = {
    "deep": b"[" * 20_000,
    "deep in a section": b"execution: " + b"{a: " * 20_000,
    "not closed": b"execution: {a: 1",
    "no text": b"\xff\xfe\x00",
    "a control character": b"execution: \x00",
    "no date": b"execution: 2024-99-99",
    "a tag": b"execution: !!python/object/apply:os.system [echo]",
    "no sections": b"just words",
    "empty": b"",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_what_is_no_yaml_of_sections_is_named(tmp_path, content):
    file = tmp_path / "params.yaml"
    file.write_bytes(content)
    with pytest.raises(ParamsError) as caught:
        load_params(Execution, "execution", file)
    assert str(file) in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_folder_in_its_place_is_named(tmp_path):
    with pytest.raises(ParamsError, match="is not YAML"):
        load_params(Execution, "execution", tmp_path)


def test_a_lock_file_that_is_nested_too_deep_is_named(tmp_path):
    (tmp_path / "dvc.lock").write_bytes(b"[" * 20_000)
    with pytest.raises(RepositoryError, match=r"dvc\.lock"):
        locked(tmp_path)
