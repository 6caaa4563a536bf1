"""Profiles are stored as DVC writes them: an experiment changes the line of its parameter and no other."""

import difflib
import shutil

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from jz3.graph.layout import LayoutError, as_dvc_writes, fix_layout, wrong_layout
from jz3.graph.profile import source_of, value_differences
from tests.conftest import ROOT

OURS = """\
# All of it.
first:
  names: [one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve]  # of numbers
  rate: 1.0e-05  # paper
  nothing: null
  limits: {"soft": 1, hard: 2}
"""


@pytest.fixture
def root(tmp_path):
    for folder in ("profiles/execution", "profiles/graphs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "small.yaml").write_text("workers:   1\n")
    (tmp_path / "profiles/small.yaml").write_text(OURS)
    shutil.copy(tmp_path / "profiles/small.yaml", tmp_path / "params.yaml")
    return tmp_path


def loaded(text):
    return YAML(typ="safe").load(text)


def test_files_are_found_and_written_with_the_same_values_and_comments(root):
    wrong = ["profiles/small.yaml", "profiles/execution/small.yaml", "params.yaml"]
    assert wrong_layout(root) == wrong
    fix_layout(root)
    assert wrong_layout(root) == []
    written = (root / "params.yaml").read_text()
    assert value_differences(loaded(OURS), loaded(written)) == {}
    assert all(comment in written for comment in ("# All of it.", "# of numbers", "# paper"))
    assert (root / "profiles/graphs/small.yaml").read_text() == "workers:   1\n"


@pytest.mark.parametrize(
    ("override", "line"), [("first.rate=0.5", "rate: 0.5"), ("first.limits.hard=3", "hard: 3")]
)
def test_an_experiment_changes_one_line(tmp_path, override, line):
    before, file = as_dvc_writes(OURS), tmp_path / "params.yaml"
    file.write_text(before)
    apply_overrides(file, [override])
    after = file.read_text()
    changed = [
        found for found in difflib.ndiff(before.splitlines(), after.splitlines()) if found.startswith("+ ")
    ]
    assert [line in found for found in changed] == [True]


def test_our_files_are_laid_out_so():
    assert wrong_layout(ROOT) == [], "run `jz3 layout --fix`"


@pytest.mark.parametrize("profile", ["embedded", "paper"])
@pytest.mark.parametrize(
    ("file", "override"),
    [
        ("params.yaml", "sample.seed=1"),
        ("params.yaml", "finetune.initial.optimizer.learning_rate=0.125"),
        ("params.yaml", "dedup.threshold=0.55"),
        ("execution.yaml", "workers=17"),
        ("execution.yaml", "losses.stages.parse.warn=0.05"),
    ],
)
def test_an_experiment_changes_one_line_of_ours(tmp_path, profile, file, override):
    before = (ROOT / source_of(file, profile)).read_text()
    (tmp_path / file).write_text(before)
    apply_overrides(tmp_path / file, [override])
    after = (tmp_path / file).read_text()
    assert len(before.splitlines()) == len(after.splitlines())
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    assert sum(old != new for old, new in pairs) == 1


def test_a_comment_that_would_be_lost_is_named_and_nothing_is_written(root):
    text = "a:\n  # about the first\n- 1\n  # about the second\n- 2\n"
    (root / "profiles/small.yaml").write_text(text)
    with pytest.raises(LayoutError, match=r"small\.yaml has the comment '# about"):
        fix_layout(root)
    assert (root / "profiles/small.yaml").read_text() == text
    assert (root / "params.yaml").read_text() == OURS
