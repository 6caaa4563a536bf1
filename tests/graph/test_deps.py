"""The dependencies in dvc.yaml are the import closure: adding an import, or losing a line, is noticed."""

import shutil

import pytest

from jz3.graph.deps import EXEMPT, closure, compared, differences, fix, listed_code
from tests.conftest import ROOT

DVC_YAML = """\
stages:
  one: # the first
    cmd: python -m stages.one
    deps:
      - stages/one.py
      - data/raw # the texts
  many:
    foreach:
      a: {x: 1}
    do:
      cmd: python -m stages.many
      deps:
        - stages/many.py
"""


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "stages/one.py": "from jz3.part.logic import f\n",
        "stages/many.py": "",
        "jz3/__init__.py": "",
        "jz3/part/__init__.py": "",
        "jz3/part/logic.py": "def f():\n    from jz3.part import lazy\n    import jz3.core.stage\n",
        "jz3/part/lazy.py": "import importlib\nimportlib.import_module('jz3.part.named')\n",
        "jz3/part/named.py": "import json\n",
        "jz3/core/stage.py": "from jz3.core import hashing, progress\n",
        "jz3/core/progress.py": "X = 1\n",
        "jz3/core/hashing.py": "import jz3.store.row_store\n",
        "jz3/store/row_store.py": "X = 1\n",
        "dvc.yaml": DVC_YAML,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "stages/many.py").write_text("X = 1\n")
    return tmp_path


def test_the_closure_follows_imports_and_leaves_out_what_cannot_change_a_result(root):
    assert closure(root, "one") == [
        "jz3/core/hashing.py",
        "jz3/part/lazy.py",
        "jz3/part/logic.py",
        "jz3/part/named.py",
        "stages/one.py",
    ]


def test_a_module_that_is_run_in_a_process_of_its_own_is_a_dependency(root):
    (root / "jz3/part/named.py").write_text(
        "COMMAND = ['python', '-m', 'jz3.part.worker']\nSCRIPT = 'zygote.py'\n"
    )
    (root / "jz3/part/worker.py").write_text("X = 1\n")
    (root / "jz3/part/zygote.py").write_text("X = 1\n")
    assert {"jz3/part/worker.py", "jz3/part/zygote.py"} <= set(closure(root, "one"))


def test_a_package_whose_init_runs_code_is_a_dependency(root):
    (root / "jz3/part/__init__.py").write_text("X = 1\n")
    assert "jz3/part/__init__.py" in closure(root, "one")


def test_fix_makes_the_list_right_and_keeps_comments_and_data(root):
    assert set(differences(root)) == {"one"}
    fix(root)
    assert differences(root) == {}
    text = (root / "dvc.yaml").read_text()
    assert "# the first" in text
    assert "data/raw # the texts" in text


def test_a_new_import_in_any_module_is_noticed(root):
    fix(root)
    (root / "jz3/part/named.py").write_text("import jz3.part.extra\n")
    (root / "jz3/part/extra.py").write_text("Y = 2\n")
    assert differences(root) == {"one": (["jz3/part/extra.py"], [])}


def test_a_dependency_too_many_is_noticed(root):
    fix(root)
    text = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(
        text.replace("- stages/many.py", "- stages/many.py\n        - jz3/part/lazy.py")
    )
    assert differences(root) == {"many": ([], ["jz3/part/lazy.py"])}


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The code and dvc.yaml of this repository, to mutate."""
    root = tmp_path_factory.mktemp("ours")
    for folder in ("jz3", "stages"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", root)
    return root


def test_what_decides_a_result_is_watched_and_what_cannot_is_not():
    code = {stage: set(closure(ROOT, stage)) for stage in listed_code(ROOT)}
    for stage, files in code.items():
        assert "jz3/core/table_bytes.py" in files, stage
    for stage in ("sample", "tasks", "mix", "distill"):
        assert "jz3/core/hashing.py" in code[stage]
    for stage in ("sample", "compose", "mix"):
        assert "jz3/core/external_sort.py" in code[stage]
    every = set().union(*code.values())
    assert not [file for file in every if file.startswith(("jz3/store/", "jz3/workers/"))]
    assert not {"jz3/core/stage.py", "jz3/core/artifacts.py", "jz3/generation/pace.py"} & every
    assert {"jz3/generation/chat.py", "jz3/generation/drawing.py"} <= every, "of keys and of draws"


def test_every_exempt_module_is_there():
    for path in EXEMPT:
        assert (ROOT / path).exists(), path


def test_of_every_stage_each_missing_dependency_and_a_wrong_one_is_noticed(ours):
    listed = listed_code(ours)
    closures = {stage: closure(ours, stage) for stage in listed}
    assert compared(closures, listed) == {}
    assert min(map(len, listed.values())) > 1
    for stage, files in listed.items():
        for file in files:
            without = listed | {stage: [other for other in files if other != file]}
            assert compared(closures, without) == {stage: ([file], [])}
        wrong = next(file for other in listed.values() for file in other if file not in files)
        assert compared(closures, listed | {stage: [*files, wrong]}) == {stage: ([], [wrong])}


@pytest.mark.parametrize("module", ["jz3/tables/ledger.py", "jz3/text/words.py", "stages/dedup.py"])
def test_a_new_import_in_a_module_is_noticed_at_every_stage_behind_which_it_is(ours, module):
    before = (ours / module).read_text()
    (ours / "jz3/tables/added.py").write_text("X = 1\n")
    (ours / module).write_text(before + "import jz3.tables.added\n")
    behind = {stage for stage, files in listed_code(ours).items() if module in files}
    assert behind
    assert differences(ours) == {stage: (["jz3/tables/added.py"], []) for stage in behind}
    (ours / module).write_text(before)
