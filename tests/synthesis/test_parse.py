"""Law: a completion becomes one problem or one reject, however the completions are cut into frames."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.execution import load_execution
from jz3.core.frames import Accounted
from jz3.synthesis.parse import ParseParams, StrangeCompletionError, parse
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


def parsed_of(frames, read):
    """The table of Problem, and what is known about the completions."""
    parsed = Accounted(parse(frames, read, prompts.lazy(), PARAMS, threads=1))
    return pl.concat([Problem.create_empty(), *parsed]), parsed.account


written = st.tuples(
    st.sampled_from(TEXTS),
    st.sampled_from(["cot", "tool"]),
    st.sampled_from(["stop", "length", "content_filter"]),
)


@given(st.lists(written, max_size=12), st.integers(1, 5))
def test_problems_and_rejects_share_out_the_completions(rows, frame_rows):
    table = completions(rows)
    kept, parsed = parsed_of(table.iter_slices(frame_rows), len(rows))
    whole, of_whole = parsed_of([table], len(rows))
    assert kept.equals(whole)
    ids = kept["problem_id"].to_list() + parsed.rejects["row_id"].to_list()
    assert sorted(ids) == table["completion_id"].to_list()
    assert parsed.metrics == of_whole.metrics
    Problem.validate(kept)
    Reject.validate(parsed.rejects)


@pytest.mark.parametrize("count", [0, 3])
def test_a_row_that_is_not_accounted_for_is_an_error(count):
    table = completions([(TEXTS[0], "cot", "stop")] * count)
    with pytest.raises(ValueError, match="accounts for"):
        parsed_of([table], count + 1)


def test_each_completion_meets_its_rule():
    rows = [(text, "cot", "stop") for text in TEXTS] + [
        (TEXTS[0], "cot", "length"),
        (TEXTS[0], "tool", "stop"),
    ]
    kept, parsed = parsed_of([completions(rows)], len(rows))
    assert kept["problem_id"].to_list() == ["c000", "c006"]
    assert kept["answer"].to_list() == ["5", "5"]
    assert dict(parsed.rejects.select("row_id", "rule").iter_rows()) == {
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
        parsed_of([table], 1)


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
