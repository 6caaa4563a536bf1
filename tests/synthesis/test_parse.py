"""Law: a completion becomes one problem or one reject, however the completions are cut into frames."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.execution import load_execution
from jz3.synthesis.parse import ParseParams, Parsing, StrangeCompletionError
from jz3.tables.completion import Completion
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from stages.parse import main
from tests.conftest import ROOT

PARAMS = ParseParams(longest_problem=200, longest_solution=400)
TEXTS = (
    "What is 2 + 3?\n\n[Solution]\nIt is \\boxed{5}.",
    "What is 2 + 3?",
    "x" * 201 + "\n[Solution]\nNo.",
    "What is 2 + 3?\n[Solution]\n" + "y" * 401,
    "[Problem]\nWhat?\n[Solution]\nThat.\n[Problem]\nWhat?",
    "",
    "What is 2 + 3?\n[Solution]\n```python\nprint(2 + 3)\n```\n```output\n5\n```\nIt is \\boxed{5}.",
)

prompts = pl.DataFrame(
    [
        {
            "prompt_id": f"prompt-{kind}",
            "passage_id": "passage",
            "source": "web",
            "level": "grade",
            "kind": kind,
            "full": "### New problem",
            "compact": f"grade {kind}\nA passage.\n[Problem]\n",
        }
        for kind in ("cot", "tool")
    ],
    schema=Prompt.create_empty().schema,
)


def completions(rows):
    return pl.DataFrame(
        [
            {
                "completion_id": f"c{number:03}",
                "prompt_id": f"prompt-{kind}",
                "text": text,
                "finish_reason": reason,
                "prompt_tokens": 1,
                "completion_tokens": 1,
            }
            for number, (text, kind, reason) in enumerate(rows)
        ],
        schema=Completion.create_empty().schema,
    )


written = st.tuples(
    st.sampled_from(TEXTS),
    st.sampled_from(["cot", "tool"]),
    st.sampled_from(["stop", "length", "content_filter"]),
)


@given(st.lists(written, max_size=12), st.integers(1, 5))
def test_problems_and_rejects_share_out_the_completions(rows, frame_rows):
    table = completions(rows)
    parsing, whole = Parsing(prompts.lazy(), PARAMS), Parsing(prompts.lazy(), PARAMS)
    kept = pl.concat([Problem.create_empty(), *parsing.problems(table.iter_slices(frame_rows))])
    assert kept.equals(pl.concat([Problem.create_empty(), *whole.problems([table])]))
    ids = kept["problem_id"].to_list() + parsing.rejects()["row_id"].to_list()
    assert sorted(ids) == table["completion_id"].to_list()
    assert parsing.metrics(len(rows)) == whole.metrics(len(rows))
    with pytest.raises(ValueError, match="accounts for"):
        parsing.metrics(len(rows) + 1)
    Problem.validate(kept)
    Reject.validate(parsing.rejects())


def test_each_completion_meets_its_rule():
    rows = [(text, "cot", "stop") for text in TEXTS] + [
        (TEXTS[0], "cot", "length"),
        (TEXTS[0], "tool", "stop"),
    ]
    parsing = Parsing(prompts.lazy(), PARAMS)
    kept = pl.concat(parsing.problems([completions(rows)]))
    assert kept["problem_id"].to_list() == ["c000", "c006"]
    assert kept["answer"].to_list() == ["5", "5"]
    assert dict(parsing.rejects().select("row_id", "rule").iter_rows()) == {
        "c001": "parse.missing_solution",
        "c002": "parse.long_problem",
        "c003": "parse.long_solution",
        "c004": "parse.repeated_marker",
        "c005": "parse.missing_solution",
        "c007": "parse.truncated",
        "c008": "parse.tool_without_program",
    }


def test_a_completion_of_an_unknown_prompt_is_named():
    table = completions([(TEXTS[0], "strange", "stop")])
    with pytest.raises(StrangeCompletionError, match=r"c000.*prompt-strange"):
        list(Parsing(prompts.lazy(), PARAMS).problems([table]))


def test_the_stage_leaves_problems_rejects_and_an_account(tmp_path: Path):
    Out(Prompt, tmp_path / "prompts.parquet").write(prompts)
    Out(Completion, tmp_path / "completions").write(completions([(text, "cot", "stop") for text in TEXTS]))
    main(
        PARAMS,
        load_execution(ROOT / "profiles" / "execution" / "test.yaml"),
        In(Completion, tmp_path / "completions"),
        In(Prompt, tmp_path / "prompts.parquet"),
        Out(Problem, tmp_path / "problems"),
        Out(Reject, tmp_path / "rejects.parquet"),
        Metrics(tmp_path / "metrics.json"),
    )
    assert In(Problem, tmp_path / "problems").rows() == 2
    assert In(Reject, tmp_path / "rejects.parquet").rows() == 5
    rows = json.loads((tmp_path / "metrics.json").read_text())["rows"]
    assert (rows["read"], rows["kept"]) == (7, 2)
