"""`jz3 look`: rows of any table as one page that fetches nothing and never loses a row silently."""

import json
import os
import re
import subprocess
import sys
import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.cli.looking import MOST_ROWS
from jz3.core.errors import UserError
from jz3.core.placing import ArtifactError
from jz3.graph.lineage import NAMES, ancestors
from jz3.report.drawn_rows import Drawn, Placed, draw_rows
from jz3.report.look import look_page, said, write_page
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from tests.cli.test_main import jz3
from tests.conftest import ROOT
from tests.report.table_rows import HOSTILE
from tests.report.test_report import Page

SOLUTION = "We have $\\frac{1}{2}$.\n\n```python\nprint(1)\n```"


def written_to(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def page_of(path, most=MOST_ROWS, find=(), found=None):
    return look_page(path.name, draw_rows(path, most, find), find, NAMES, found or {})


def shown(drawn):
    return [placed.number for placed in drawn.rows]


def test_every_row_is_shown_with_its_values_and_drawn_formulas(tmp_path):
    rows = [{"id": f"q{n}", "right": n == 1, "grade": n / 4, "solution": SOLUTION} for n in range(3)]
    html = page_of(written_to(tmp_path / "own.jsonl", rows))
    page = Page(html)
    assert page.open == []
    assert page.tags.count("article") == 3
    assert page.tags.count("math") == 3
    assert "All 3 rows of the table." in page.text
    assert "own.jsonl line 2" in page.text
    assert ["print(1)" in page.text, "<dt>grade</dt><dd><code>0.25</code>" in html] == [True, True]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=4))
def test_whatever_a_row_holds_it_makes_a_balanced_page_that_fetches_nothing(rows):
    drawn = Drawn([Placed(n, f"line {n}", row) for n, row in enumerate(rows)], len(rows), len(rows), 0, "")
    html = look_page(HOSTILE, drawn, [HOSTILE], NAMES, {})
    page = Page(html)
    assert html.encode()
    assert page.open == []
    assert page.tags.count("article") == len(rows)
    assert page.tags.count("script") == 1
    assert not page.handlers
    assert set(page.addresses) == {"#top", "#main", "#rows"}


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_longer_file_takes_no_row_away_but_for_those_of_lower_hash(tmp_path_factory, short, most):
    folder = tmp_path_factory.mktemp("drawn")
    whole = shown(draw_rows(written_to(folder / "a.jsonl", [{"n": n} for n in range(40)]), most))
    part = shown(draw_rows(written_to(folder / "b.jsonl", [{"n": n} for n in range(short)]), most))
    assert part == sorted(part)
    assert len(part) == min(short, most)
    assert {n for n in whole if n < short} <= set(part)


def test_how_many_are_shown_of_how_many_is_said(tmp_path):
    file = written_to(tmp_path / "a.jsonl", [{"text": f"A{n % 2} $x$", "more": [n]} for n in range(30)])
    assert said(draw_rows(file, 7), []).startswith("7 of the 30 rows of the table, drawn by hash")
    found = draw_rows(file, 50, ["a1", "13"])
    assert (shown(found), found.fitting, found.read) == ([13], 1, 30)
    assert said(found, ["a1", "13"]) == "All 1 rows of the table that hold a1 and 13, of 30."


def test_the_same_rows_of_each_format(tmp_path):
    rows = pl.DataFrame({"id": [f"r{n}" for n in range(20)], "score": [n / 3 for n in range(20)]})
    rows.write_ndjson(tmp_path / "a.jsonl")
    rows.write_parquet(tmp_path / "a.parquet")
    rows.write_csv(tmp_path / "a.csv")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/manifest.json").write_text("{}")
    rows[:9].write_parquet(tmp_path / "parts/part-00000.parquet")
    rows[9:].write_parquet(tmp_path / "parts/part-00001.parquet")
    drawn = [draw_rows(tmp_path / name, 5) for name in ("a.jsonl", "a.parquet", "a.csv", "parts")]
    assert len({json.dumps([placed.row["id"] for placed in one.rows]) for one in drawn}) == 1
    assert drawn[3].rows[-1].place.startswith("part-00001.parquet row")


def test_filters_and_orders_follow_from_the_columns(tmp_path):
    rows = [{"kind": "ab"[n % 2], "score": [None, 10, 9, float("nan")][n], "name": f"n{n}"} for n in range(4)]
    html = page_of(written_to(tmp_path / "a.jsonl", rows))
    (choice,) = re.findall(r'name="f\d" data-choice>(.*?)</select>', html)
    assert re.findall(r">(\w+)</option>", choice) == ["all", "a", "b"]
    assert '<option value="s1" data-numeric>score</option>' in html
    assert re.findall(r'data-s1="(\w+)"', html) == ["10", "9"]


def test_conversations_are_shown_turn_by_turn_and_a_long_text_says_how_much_is_left_out(tmp_path):
    turns = [{"role": "user", "content": "What is $x$?"}, {"from": "gpt", "value": "y" * 20_000}]
    html = page_of(written_to(tmp_path / "a.jsonl", [{"messages": turns, "other": [1, {"a": "<b>"}]}]))
    assert '<span class="label">user</span><p>What is <math' in html
    assert '<span class="label">gpt</span>' in html
    assert "[10,000 characters more]" in html
    assert "&lt;b&gt;" in html


def test_lines_that_are_no_rows_are_counted(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": 1}\nnot json\n{"a": 2}\n')
    drawn = draw_rows(file, 5)
    assert (drawn.read, drawn.odd) == (2, 1)
    assert "1 lines are not rows and are not shown; the first is a.jsonl line 2" in page_of(file)


@pytest.mark.parametrize("name", ["nosuch.jsonl", "empty.jsonl", "folder", "a.bin"])
def test_what_holds_no_rows_is_named(tmp_path, name):
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "a.bin").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=name):
        draw_rows(tmp_path / name, 5)


def test_only_a_page_of_its_own_gives_way(tmp_path):
    page = page_of(written_to(tmp_path / "a.jsonl", [{"a": 1}]))
    for _ in range(2):
        write_page(page, tmp_path / "look.html")
    (tmp_path / "thesis.html").write_text("<h1>mine</h1>")
    with pytest.raises(ArtifactError, match=r"thesis\.html"):
        write_page(page, tmp_path / "thesis.html")
    assert (tmp_path / "thesis.html").read_text() == "<h1>mine</h1>"


GRAPH = """stages:
  sample:
    cmd: python -m stages.sample --corpus data/corpus.parquet --metrics data/sample.json
    outs: [data/corpus.parquet]
    metrics: [data/sample.json]
  compose:
    cmd: python -m stages.compose --prompts data/prompts.parquet
    outs: [data/prompts.parquet]
  parse:
    cmd: python -m stages.parse --problems data/problems.parquet --rejects data/rejects.parquet
    outs: [data/problems.parquet, data/rejects.parquet]
"""


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    (tmp_path / "data/sample.json").write_text("{}")
    common = {"source": "web", "level": "high", "kind": "cot"}
    problem = {"problem": "How many?", "solution": "$3$", "problem_id": "q1", "prompt_id": "t1"}
    for schema, name, values in (
        (Passage, "corpus", {"passage_id": "p1", "source": "web", "text": "Three $\\sqrt{9}$ apples."}),
        (
            Prompt,
            "prompts",
            {"prompt_id": "t1", "passage_id": "p1", "full": "Write.", "compact": "c", **common},
        ),
        (Problem, "problems", {**problem, "passage_id": "p1", **common}),
    ):
        empty = schema.create_empty().schema
        row = {column: values.get(column, 0 if kind == pl.Int64 else "-") for column, kind in empty.items()}
        pl.DataFrame([row], schema=empty).write_parquet(tmp_path / f"data/{name}.parquet")
    return tmp_path


def test_links_lead_from_a_problem_to_its_prompt_and_passage(repository):
    rejects = pl.DataFrame({"row_id": ["q1", "q9"], "rule": ["a.b", "c.d"]})
    rejects.write_parquet(repository / "data/rejects.parquet")
    done = jz3("look", "data/rejects.parquet", "--json", folder=repository)
    document = json.loads(done.stdout)
    assert document["linked"] == {"problem": 1, "prompt": 1, "passage": 1, "item": 0}
    html = (repository / document["page"]).read_text()
    page = Page(html)
    assert {address.removeprefix("#") for address in page.addresses} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert '<a href="#problem-1"><code>q1</code></a>' in html
    assert html.count('<a href="#prompt-1">') == 1
    assert html.count('<a href="#passage-1">') == 2
    assert "<dd>q9</dd>" in html


def test_a_row_does_not_lead_to_itself(repository):
    (row,) = pl.read_parquet(repository / "data/problems.parquet").to_dicts()
    found = ancestors(repository, [row])
    assert {kind: list(rows) for kind, rows in found.items() if rows} == {"prompt": ["t1"], "passage": ["p1"]}


def test_100_000_rows_take_less_than_five_seconds_of_cpu(tmp_path):
    text = "Find $\\frac{%d}{7}$ of $x^2$. " * 20
    rows = ({"id": n, "problem": text % ((n,) * 20), "answer": str(n)} for n in range(100_000))
    file = written_to(tmp_path / "large.jsonl", rows)
    start = time.process_time()
    html = page_of(file)
    assert time.process_time() - start < 4, "and import takes less than one"
    assert f"{MOST_ROWS} of the 100,000 rows" in html


def test_outside_a_repository_no_table_library_is_loaded(tmp_path):
    """These imports would be half of what a page costs."""
    written_to(tmp_path / "mine.jsonl", [{"id": 1, "problem": "What is 2 + 3?"}])
    program = (
        "import sys\nfrom jz3.cli.main import app\n"
        "app(['look', 'mine.jsonl'], standalone_mode=False)\n"
        "print([name for name in ('polars', 'dataframely', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "What is 2 + 3?" in (tmp_path / "look.html").read_text()
