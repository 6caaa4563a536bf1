"""The list of code behind a stage: it reflects every edit that changes a meaning, and no other."""

import ast
import random
import shutil
import sys

import pytest

from jz3.core.artifacts import InDir, InFiles, OutDir
from jz3.graph.code import EXEMPT, Code, CodeError, is_code, meaning, read_list, write_lists
from jz3.graph.stale import stale_stages
from jz3.graph.why import as_text, why
from jz3.tables.code_manifest import CodeManifest
from tests.conftest import ROOT
from tests.graph.conftest import run_in

FILES = {
    "stages/one.py": "from jz3.part.logic import f\n",
    "stages/many.py": "X = 1\n",
    "stages/code.py": "X = 1\n",
    "jz3/__init__.py": "",
    "jz3/part/__init__.py": "",
    "jz3/part/logic.py": "def f():\n    from jz3.part import lazy\n    import jz3.core.stage\n",
    "jz3/part/lazy.py": "import importlib\nimportlib.import_module('jz3.part.named')\n",
    "jz3/part/named.py": "import json\n",
    "jz3/core/stage.py": "from jz3.core import hashing, progress\n",
    "jz3/core/progress.py": "X = 1\n",
    "jz3/core/hashing.py": "import jz3.store.row_store\n",
    "jz3/store/row_store.py": "X = 1\n",
}


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def lists(root):
    """What the stage `code` leaves, by stage."""
    out = OutDir(CodeManifest, root / "data/code")
    write_lists([InFiles(root / "jz3"), InFiles(root / "stages")], out)
    names = InDir(CodeManifest, out.path).manifest().code
    return {name: (out.path / f"{name}.txt").read_text() for name in names}


@pytest.fixture
def root(tmp_path):
    write(tmp_path, FILES)
    return tmp_path


def closure(root, stage="one"):
    return Code(root).closure(stage)


def test_the_closure_follows_imports_and_leaves_out_what_cannot_change_a_result(root):
    assert closure(root) == [
        "jz3/core/hashing.py",
        "jz3/part/lazy.py",
        "jz3/part/logic.py",
        "jz3/part/named.py",
        "stages/one.py",
    ]


def test_a_module_that_is_run_in_a_process_of_its_own_is_in_the_closure(root):
    (root / "jz3/part/named.py").write_text(
        "COMMAND = ['python', '-m', 'jz3.part.worker']\nSCRIPT = 'zygote.py'\n"
    )
    write(root, {"jz3/part/worker.py": "X = 1\n", "jz3/part/zygote.py": "X = 1\n"})
    assert {"jz3/part/worker.py", "jz3/part/zygote.py"} <= set(closure(root))


def test_a_package_whose_init_runs_code_is_in_the_closure(root):
    (root / "jz3/part/__init__.py").write_text("X = 1\n")
    assert "jz3/part/__init__.py" in closure(root)


def test_a_template_is_in_the_closure_and_counts_byte_by_byte(root):
    write(root, {"jz3/part/templates/page.html": "<p>\n"})
    before = lists(root)["one"]
    assert "jz3/part/templates/page.html" in read_list(before)
    write(root, {"jz3/part/templates/page.html": "<p>\n\n"})
    assert lists(root)["one"] != before


def test_every_stage_but_code_has_a_list(root):
    assert sorted(lists(root)) == ["many", "one"]
    assert list(read_list(lists(root)["one"])) == closure(root)


def test_a_module_that_is_no_python_is_named(root):
    (root / "jz3/part/named.py").write_text("def f(:\n")
    with pytest.raises(
        CodeError, match=r"jz3/part/named\.py is not valid Python: .* in line 1; a module was"
    ):
        lists(root)


def test_a_stage_without_a_file_is_named(root):
    with pytest.raises(CodeError, match=r"the stage other; .*stages/other\.py was expected to run it"):
        Code(root).closure("other")


@pytest.fixture
def ours(tmp_path):
    """The code of this repository, to be mutated."""
    for folder in ("jz3", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_an_edit_changes_the_lists_of_the_stages_behind_which_it_is_and_no_others(ours):
    module = "jz3/tables/reject.py"
    before, text = lists(ours), (ours / module).read_text()
    behind = {stage for stage, listed in before.items() if module in read_list(listed)}
    assert 0 < len(behind) < len(before)
    write(ours, {module: f"{text}\nimport jz3.tables.added\n", "jz3/tables/added.py": "X = 1\n"})
    after = lists(ours)
    assert {stage for stage in before if after[stage] != before[stage]} == behind
    assert {stage for stage in before if "jz3/tables/added.py" in read_list(after[stage])} == behind


def test_what_decides_a_result_is_watched_and_what_cannot_is_not():
    code = Code(ROOT)
    names = [file.stem for file in (ROOT / "stages").glob("[!_]*.py") if file.stem != "code"]
    behind = {name: set(code.closure(name)) for name in names}
    for stage, files in behind.items():
        assert "jz3/core/table_bytes.py" in files, stage
    for stage in ("sample", "tasks", "mix", "distill"):
        assert "jz3/core/hashing.py" in behind[stage]
    for stage in ("sample", "compose", "mix"):
        assert "jz3/core/external_sort.py" in behind[stage]
    every = set().union(*behind.values())
    assert not [file for file in every if file.startswith(("jz3/store/", "jz3/workers/"))]
    assert not {"jz3/core/stage.py", "jz3/core/artifacts.py", "jz3/generation/pace.py"} & every
    assert {"jz3/generation/chat.py", "jz3/generation/drawing.py"} <= every, "of keys and of draws"


def test_every_exempt_module_is_there():
    for path in EXEMPT:
        assert (ROOT / path).exists(), path


# What a module means.

MODULES = sorted((ROOT / "jz3").rglob("*.py"))


@pytest.mark.parametrize("file", random.Random(9).sample(MODULES, 5), ids=lambda file: file.stem)
def test_of_our_own_modules_reformatting_means_nothing_and_every_changed_constant_something(file):
    source = file.read_text()
    before = meaning(source)
    assert before == meaning(ast.unparse(ast.parse(source)))
    places = range(len(numbers(ast.parse(source))))
    for place in places:
        tree = ast.parse(source)
        numbers(tree)[place].value = 12345 + place
        assert before != meaning(ast.unparse(tree))


def numbers(tree):
    return [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, int)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(a, b)", "f(b, a)"),
        ("x = None", "x = ()"),
        ("return_ = f()", "return_ = f(None)"),
        ("def f():\n    return", "def f():\n    return None"),
        ("f(**a)", "f(*a)"),
        ("{**a}", "{None: a}"),
        ("x: int", "x: int = 0"),
        ("def f(a, /): 0", "def f(a): 0"),
        ("def f(*, a): 0", "def f(a): 0"),
        ("lambda: (yield)", "lambda: (yield None)"),
        ("x[1:]", "x[1::]"),
        ("a < b < c", "a < b and b < c"),
        ("f'{a}'", "f'{a!r}'"),
        ("f'{a:>3}'", "f'{a:<3}'"),
        ("'1'", "b'1'"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("raise A", "raise A from None"),
        ("from a import b", "from .a import b"),
        ("match x:\n    case None: 0", "match x:\n    case True: 0"),
        ("async def f(): 0", "def f(): 0"),
    ],
)
def test_sources_of_another_syntax_tree_mean_something_else(one, other):
    wanted = ast.dump(ast.parse(one)) != ast.dump(ast.parse(other))
    assert (
        meaning(f"if 1:\n {one}" if "\n" not in one else one)
        != meaning(f"if 1:\n {other}" if "\n" not in other else other)
    ) == wanted


def test_a_docstring_counts_where_the_module_reads_it():
    assert meaning('"""A."""\nprint(__doc__)\n') != meaning('"""B."""\nprint(__doc__)\n')
    assert meaning('"""A."""\nprint(1)\n') == meaning('"""B."""\nprint(1)\n')


def test_a_digest_is_the_same_under_every_version_of_python(tmp_path):
    """Otherwise another version would run all stages again."""
    source = (
        "@d\nclass A(B, metaclass=C):\n    x: int = 1\n    async def f(self, /, a, *b, c=2, **d) -> str:\n"
        "        async with a as b: yield (e := [*b])\n        return f'{a!r:>{c}} {{}} {d[1:2, ::3]=}'\n"
        "match a:\n    case {'k': [1, *_], **r} | A(x=None) if r: del r\n    case _: pass\n"
        "try: ...\nexcept* E as e: raise X from e\nelse: x = -1.5e3j; y = b'\\xff'; z = not (lambda: 0)\n"
    )
    write(tmp_path, {"stages/x.py": source})
    assert Code(tmp_path).digest("stages/x.py") == "5dbe46071e7544874f5eb31d3c5fa593"


def test_an_empty_text_in_an_f_string_means_nothing(monkeypatch):
    """Python 3.12.1 leaves one after `{width}` in `{x:<{width}}`, other versions none."""
    source, parse = "print(f'{x:<{width}} {y}', '', ['', x])\n", ast.parse
    before = meaning(source)

    def parse_as_3_12_1(text):
        tree = parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                node.values.append(ast.Constant(value=""))
        return tree

    monkeypatch.setattr(ast, "parse", parse_as_3_12_1)
    assert meaning(source) == before
    assert before.count("value='',") == 2, "of the call and of the list"


# What becomes stale after an edit.

LISTING = f"""\
import sys
sys.path[0] = {str(ROOT)!r}
from pathlib import Path
from jz3.core.artifacts import InFiles, OutDir
from jz3.graph.code import write_lists
from jz3.tables.code_manifest import CodeManifest
write_lists([InFiles(Path("jz3")), InFiles(Path("stages"))], OutDir(CodeManifest, Path("data/code")))
"""
STAGES = f"""\
stages:
  code:
    cmd: {sys.executable} listing.py
    deps: [jz3, stages]
    outs: [data/code]
  many:
    cmd: cp data/code/many.txt many.txt
    deps: [data/code/many.txt]
    outs: [many.txt]
  one:
    cmd: cp data/code/one.txt one.txt
    deps: [data/code/one.txt, many.txt]
    outs: [one.txt]
"""


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    """A repository whose stages, two of which have code behind them, have run."""
    root = tmp_path_factory.mktemp("built") / "repository"
    write(root, FILES | {"dvc.yaml": STAGES, "listing.py": LISTING, ".dvcignore": "__pycache__\n"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_SITE_CACHE_DIR", str(root.parent / "site"))
        run_in(root, "git", "init", "-q")
        run_in(root, "dvc", "init", "-q", "-f")
        assert ran(root) == ["code", "many", "one"]
    return root


@pytest.fixture
def built(built_once, tmp_path, monkeypatch):
    """A copy of it, to be edited."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    return shutil.copytree(built_once, tmp_path / "repository")


def ran(root):
    printed = run_in(root, "dvc", "repro").splitlines()
    return [line.split("'")[1] for line in printed if line.startswith("Running stage")]


def test_a_comment_runs_the_lists_alone_and_an_edit_what_is_behind_it(built):
    write(built, {"jz3/part/named.py": "# Another word.\nimport   json\n"})
    assert [one.stage for one in stale_stages(built)] == ["code"]
    assert as_text(why(built, "one")) == "one: up to date"
    assert ran(built) == ["code"]
    assert stale_stages(built) == []
    write(built, {"jz3/part/named.py": "import json\nX = 1\n", "jz3/part/other.py": ""})
    shutil.rmtree(built / "data/code")  # the results are found in the cache
    assert [one.stage for one in stale_stages(built)] == ["code", "one"]
    said = as_text(why(built, "one")).splitlines()
    assert said[0] == "one: would run"
    assert [line.split(": ")[0] for line in said[1:]] == ["  code jz3/part/named.py"]
    assert as_text(why(built, "many")) == "many: up to date"
    assert ran(built) == ["code", "one"]
    assert stale_stages(built) == []


def test_a_list_of_which_nothing_is_known_any_more_is_named_as_a_whole(built):
    write(built, {"stages/many.py": "X = 2\n"})
    for place in (built / ".dvc/cache", built / "data/code"):
        shutil.rmtree(place)
    reasons = {one.stage: [reason.what for reason in one.reasons] for one in stale_stages(built)}
    assert reasons["many"][0] == "data/code/many.txt"
    assert is_code("data/code/many.txt")
