"""Patterns choose the same files in a manifest as in a folder."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import ArtifactError, InFiles
from jz3.raw.fetched import fitting_names

NAMES = [
    "a.jsonl", "b.json", "LICENSE", ".DS_Store", "._a.jsonl", "data/a.jsonl", "data/deep/a.jsonl",
    "data/.b.json", ".cache/data/a.jsonl", "data.d/a.jsonl", "data/test-0.jsonl",
]  # fmt: skip
PARTS = st.sampled_from(
    ["*", "**", "?ata", "[a-d]*", "[!d]*", ".*", "*.jsonl", "a*", "data", ".cache", "._a.jsonl"]
)
PATTERNS = st.lists(PARTS, min_size=1, max_size=3).filter(lambda parts: parts[-1] != "**").map("/".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    for path in NAMES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


@settings(max_examples=30)
@given(patterns=st.lists(PATTERNS, min_size=1, max_size=2))
def test_patterns_choose_the_same_files_in_a_manifest_as_in_a_folder(folder, patterns):
    found = [path.relative_to(folder).as_posix() for path in InFiles(folder).matching(*patterns)]
    assert fitting_names(NAMES, patterns) == sorted(found)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**/*", {name for name in NAMES if not name.startswith(".") and "/." not in name}),
        ("*", {"a.jsonl", "b.json", "LICENSE"}),
        ("**/.*", {".DS_Store", "._a.jsonl", "data/.b.json"}),
        (".cache/**/*", {".cache/data/a.jsonl"}),
        ("**/*test*.jsonl", {"data/test-0.jsonl"}),
    ],
)
def test_names_with_a_dot_in_front_are_taken_only_where_the_pattern_has_one(pattern, names):
    assert set(fitting_names(NAMES, [pattern])) == names


def test_a_pattern_that_leads_out_is_refused():
    for pattern in ("../*.jsonl", "/etc/*"):
        with pytest.raises(ArtifactError, match="leads out of the fetched files"):
            fitting_names(NAMES, [pattern])
