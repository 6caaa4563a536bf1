"""Inputs from the field on which jz3 once failed: `$JZ3_SHARED/faults/field`; its README says what they mean.

Its runner calls functions by their names of that time; here the same questions go to those of today.
"""

import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import yaml

from jz3.core.artifacts import InFiles, Out
from jz3.core.errors import UserError
from jz3.curation.agreement import agrees
from jz3.curation.dedup import DedupParams
from jz3.curation.filter import FilterParams, judge
from jz3.curation.overlap import DecontaminateParams, ItemIndex
from jz3.evaluation.tool_loop import Attempt, continued
from jz3.generation.engine import Generated
from jz3.raw.files import read_rows
from jz3.tables.item import Item
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.tasks import TasksParams, gather
from jz3.teacher.distill import distill
from jz3.teacher.teacher import Teachers
from jz3.text.completions import read_completion
from jz3.text.problem_text import Unusable
from tests.corpus.test_ingest import ingest, params
from tests.curation.rows import problem, problems
from tests.curation.test_dedup import find_survivors
from tests.generation.faulty import faulty, response
from tests.stage_folder import ROOT, stage_folder
from tests.teacher.builders import EXECUTION, teacher

FIELD = Path(os.environ.get("JZ3_SHARED", "../shared")).resolve() / "faults/field"
PAPER = yaml.safe_load((ROOT / "profiles/paper.yaml").read_text())
TEACHERS = Teachers(teachers={"one": teacher("openai", "m")}, seed=1)
pytestmark = pytest.mark.skipif(not FIELD.exists(), reason="no shared folder with inputs from the field")


def cases(name):
    """The lines of a file as parameters; one that is skipped if there is no file."""
    file = FIELD / f"{name}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else ['{"name": "none here"}']
    return [pytest.param(case, id=case["name"]) for case in map(json.loads, filter(None, lines))]


def prompts():
    """Eight prompts, each of which names its number, as the cases do."""
    rows = [
        {
            "prompt_id": f"p{n:03}", "passage_id": f"a{n}", "source": "web", "level": "grade", "kind": "cot",
            "full": f"Level: grade\nKind: cot\n\n### Passage\nText {n}.\n\n### New problem\n",
            "compact": f"grade cot\nText {n}.\n[Problem]\n",
        }
        for n in range(8)
    ]  # fmt: skip
    return Prompt.validate(pl.DataFrame(rows, schema=Prompt.create_empty().schema))


@pytest.fixture
def account(tmp_path, monkeypatch):
    """A function that points the teacher at a server."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("jz3.generation.pace.FIRST_WAIT_S", 0.005)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0000-1111-2222")
    return lambda server: monkeypatch.setenv("OPENAI_BASE_URL", server.url)


@pytest.mark.parametrize("case", cases("teacher"))
def test_what_a_teacher_answers(case, account):
    good = response(json.loads((FIELD / "teacher_good.jsonl").read_text())["body"])
    said = response(case["reply"][1], case["reply"][0])
    asked = iter(range(1, 1_000))

    def answer(prompt, _):
        hit = case["only"] in prompt if "only" in case else next(asked) > case.get("after", 0)
        return (said if hit else good), True

    with faulty(answer) as server:
        account(server)
        if case["want"] == "stops":
            with pytest.raises(UserError):
                distill(prompts(), TEACHERS, EXECUTION)
        else:
            kept = {"kept": 8, "others_kept": 7, "asked_again": 0}[case["want"]]
            assert distill(prompts(), TEACHERS, EXECUTION).problems.height == kept
            assert server.asked == 8
    if case["want"] in ("stops", "asked_again"):
        with faulty(lambda *_: (good, True)) as server:
            account(server)
            assert distill(prompts(), TEACHERS, EXECUTION).problems.height == 8
            assert server.asked == 8 - case.get("after", 0)


def test_the_stage_ends_with_another_status_than_0_and_leaves_nothing(tmp_path, account):
    """So that DVC does not mistake a set that is mostly unanswered for a complete one."""
    good = response(json.loads((FIELD / "teacher_good.jsonl").read_text())["body"])
    empty = response({"error": {"message": "Insufficient balance", "code": "402"}}, 402)
    asked = iter(range(1_000))
    folder = stage_folder(
        tmp_path / "run",
        params={"distill.teachers": {"one": TEACHERS.teachers["one"].model_dump(exclude_none=True)}},
    )
    Out(Prompt, folder / "prompts.parquet").write(prompts())
    Out(Passage, folder / "passages.parquet").write(Passage.create_empty())
    outputs = ("problems", "rejects", "failures", "answers", "metrics")
    read = ["--share=1.0", "--prompts=prompts.parquet", "--first=passages.parquet"]
    flags = [f"--{name}=out/{name}.{'json' if name == 'metrics' else 'parquet'}" for name in outputs]
    with faulty(lambda *_: (good if next(asked) < 3 else empty, True)) as server:
        account(server)
        done = subprocess.run(
            [sys.executable, "-m", "stages.distill", *read, *flags],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "no money left (HTTP 402: Insufficient balance)" in done.stderr.splitlines()[-1]
    assert not list((folder / "out").rglob("*.*"))


def read(folder, form, **changes):
    options = {"name": form, "files": ["**/*"]}
    sizes = {"max_characters": 1000, "min_characters": 40, "passages_per_section": 3}
    return ingest(InFiles(folder), params(format=options, **sizes | changes))


@pytest.mark.parametrize("case", cases("ingest"))
def test_what_a_corpus_holds(case):
    want, started = case["want"], time.process_time()
    passages, _, metrics = read(FIELD / "ingest" / case["folder"], case["format"], **case.get("params", {}))
    assert time.process_time() - started < want.get("seconds", 30)
    texts = passages["text"].to_list()
    assert metrics.rows.kept >= want.get("sections", 1)
    assert max(map(len, texts)) >= want.get("longest_at_least", 0)
    assert min(map(len, texts)) >= want.get("shortest_at_least", 0)
    assert not [
        text for text in texts for pattern in want.get("not_in", []) if re.search(pattern, text, re.S)
    ]


def ids(folder, texts, name="part-00.jsonl"):
    folder.mkdir()
    (folder / name).write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    passages, _, _ = read(folder, "documents", min_characters=20, passages_per_section=1)
    return dict(passages.select("text", "passage_id").rows())


@pytest.mark.parametrize("case", cases("ids"))
def test_documents_that_stay_keep_their_ids(case, tmp_path):
    texts = [
        f"Note {n}: if a shelf holds {n} books and {n + 7} more arrive, it holds {2 * n + 7}."
        for n in range(case["documents"])
    ]
    before = ids(tmp_path / "before", texts)
    changed = {
        "remove": [text for number, text in enumerate(texts, 1) if number != case.get("line")],
        "append": [*texts, "A last note, put behind all others, about nothing much at all."],
        "prepend": ["A first note, put before all others, about nothing much.", *texts],
        "shuffle": random.Random(3).sample(texts, len(texts)),
    }[case["change"]]
    after = ids(tmp_path / "after", changed)
    both = before.keys() & after.keys()
    assert len(both) >= case["documents"] - 1
    assert all(before[text] == after[text] for text in both)


@pytest.mark.parametrize("case", cases("rows"))
def test_rows_of_public_files(case, tmp_path):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in case["rows"]]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    told = {"reader": "file", "pattern": "*.jsonl", "format": case["format"]}

    def taken():
        if case["reader"] == "tasks":
            entry = told | {"rows": None, "seed": 1}
            sections = {"families": [], "targets": {}, "instructions": {"x": entry}, "seeds": {}}
            gathered = gather(InFiles(tmp_path), TasksParams.model_validate(sections))
            Out(Problem, tmp_path / "out.parquet").write(gathered.instructions)
            return gathered.instructions["answer"].to_list(), gathered.metrics.rows
        entry = told | {"name": "b", "items": None, "digest": None}
        items, metrics, _ = collect_items(
            InFiles(tmp_path), BenchmarksParams.model_validate({"sources": [entry]})
        )
        Out(Item, tmp_path / "out.parquet").write(items)
        return items["gold"].to_list(), metrics.rows

    if case["want"] == "error":
        with pytest.raises(UserError, match=r"a\.jsonl line 1") as caught:
            taken()
        assert "\n" not in str(caught.value)
        return
    golds, rows = taken()
    assert golds == case.get("golds", golds)
    assert len(golds) + sum(rows.rejected.values()) == len(lines)


def test_files_whose_columns_differ_are_read(tmp_path):
    """`datasets` could not make a single table of them."""
    folder = FIELD / "hub/other_columns"
    found = [row for _, (_, row) in read_rows(sorted(folder.iterdir()), folder)]
    assert [set(row) for row in found] == [{"question", "answer"}, {"question", "answer", "level", "extra"}]


@pytest.mark.parametrize("case", cases("completions"))
def test_thoughts_are_neither_problem_nor_solution(case):
    found = read_completion(case["text"], "stop", "cot", case["prompt"])
    if case["want"] == "unusable":
        assert isinstance(found, Unusable)
        return
    assert found.problem.startswith(case["want"])
    assert not [text for text in case.get("not", []) if text in found.problem + found.solution]


@pytest.mark.parametrize("case", cases("decontaminate"))
def test_a_question_in_another_spelling_is_found(case):
    params = DecontaminateParams.model_validate(PAPER["decontaminate"])
    hits = ItemIndex(pl.Series([case["item"]]), params).hits(pl.Series([case["row"]]))
    assert bool(set(hits.values()) - {"number_masked"}) == (case["want"] == "hit")


@pytest.mark.parametrize("case", cases("dedup"))
def test_questions_that_differ_in_mathematics_are_both_kept(case):
    params = DedupParams.model_validate(PAPER["dedup"] | {"with_solution": []})
    found = find_survivors(["a", "b"], case["questions"], params)
    assert any(rule for rule, _ in found.values()) == (case["want"] != "both kept")


@pytest.mark.parametrize("case", cases("filter"))
def test_right_rows_are_kept(case):
    row = problem("a", case["problem"], case["solution"], answer=case["answer"])
    (rule,) = judge(problems(row), FilterParams.model_validate(PAPER["filter"]["default"]))["rule"]
    assert (rule or "kept") == case["want"]


@pytest.mark.parametrize("case", cases("execute"))
def test_what_a_program_prints_agrees_with_the_box(case):
    assert agrees(case["boxed"], case["printed"]) == (case["want"] == "agree")


@pytest.mark.parametrize("case", cases("toolloop"))
def test_a_program_runs_before_the_answer_ends(case):
    assert not continued(Attempt(seed=1), Generated(case["text"], "stop", 1, 1)).ended
