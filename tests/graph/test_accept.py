"""Cosmetic edits run nothing, and only cosmetic edits: the law is that the syntax trees are equal."""

import ast
import json
import random

import pytest

from jz3.core.errors import UserError
from jz3.graph.accept import NotCosmetic, accept, check_cosmetic, same_meaning
from jz3.graph.stale import Reason, Stale, stale_stages
from jz3.graph.why import described
from tests.conftest import ROOT
from tests.graph.conftest import FIRST_PY, jz3, run_in

COSMETIC = FIRST_PY.replace("What it does.", "What it does, in other words.").replace(
    "\nPath(", "\n# A comment.\nPath(", 1
)


def test_a_new_docstring_comment_and_line_break_are_accepted_and_then_nothing_is_stale(run, monkeypatch):
    monkeypatch.chdir(run)  # where the command line works; DVC reads paths of its run cache from here
    (run / "first.py").write_text(COSMETIC)
    assert [stale.stage for stale in stale_stages(run)] == ["first", "second"]
    assert accept(run, ["first"]) == ["first"]
    assert stale_stages(run) == []
    assert accept(run, ["first"]) == [], "there is nothing left to accept"


def test_the_command_line_says_what_it_accepted(run):
    (run / "first.py").write_text(COSMETIC)
    assert json.loads(run_in(run, *jz3("accept", "first", "--json"))) == ["first"]
    assert run_in(run, *jz3("accept", "first")) == "no code was edited: there is nothing to accept\n"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("first.py", COSMETIC.replace('"ab"', '"abc"'), r"first\.py means something else"),
        ("source.txt", "other", r"differs in more than code: dep source\.txt"),
        ("params.yaml", "first: {rate: 0.3, deep: {a: 1}}\n", r"more than code: param first\.rate"),
    ],
)
def test_whatever_means_something_is_refused_and_stays_stale(run, file, text, message):
    (run / file).write_text(text)
    with pytest.raises(NotCosmetic, match=message):
        accept(run, ["first"])
    assert "first" in {stale.stage for stale in stale_stages(run)}


def test_an_edited_template_is_code_and_never_cosmetic(tmp_path):
    template = "jz3/report/templates/style.css"
    edited = Reason("dep", template, "0" * 32, "1" * 32)
    assert described(edited).startswith(f"code {template}: ")
    with pytest.raises(NotCosmetic, match=rf"^report: {template} is a template, .*Run `dvc repro`"):
        check_cosmetic(tmp_path, Stale("report", [edited]))
    with pytest.raises(NotCosmetic, match=r"differs in more than code: dep data/prompts"):
        check_cosmetic(tmp_path, Stale("compose", [Reason("dep", "data/prompts", "0" * 32, "1" * 32)]))


def test_code_that_ran_but_was_never_committed_cannot_be_compared(run):
    lock = (run / "dvc.lock").read_text()
    md5 = next(line for line in lock.splitlines() if "md5: " in line and ".dir" not in line)
    (run / "dvc.lock").write_text(lock.replace(md5, md5[:-4] + "0000", 1))
    with pytest.raises(NotCosmetic, match=r"is not in git"):
        accept(run, ["first"])


def test_an_unknown_stage_is_named(run):
    with pytest.raises(UserError, match="no stage third"):
        accept(run, ["third"])


def test_a_docstring_counts_where_the_module_reads_it():
    assert not same_meaning('"""A."""\nprint(__doc__)\n', '"""B."""\nprint(__doc__)\n')
    assert same_meaning('"""A."""\nprint(1)\n', '"""B."""\nprint(1)\n')


FILES = sorted((ROOT / "jz3").rglob("*.py"))


@pytest.mark.parametrize("file", random.Random(9).sample(FILES, 5), ids=lambda file: file.stem)
def test_of_our_own_modules_reformatting_means_nothing_and_every_changed_constant_something(file):
    source = file.read_text()
    assert same_meaning(source, ast.unparse(ast.parse(source)))
    numbers = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, int)
    ]
    for place in range(len(numbers)):
        tree = ast.parse(source)
        node = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, int)][place]
        node.value = 12345 + place
        assert not same_meaning(source, ast.unparse(tree))
