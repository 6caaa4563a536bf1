"""Thoughts in training rows are where they belong, are learnt with the answer, and can be told apart
from it.
"""

import re
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, Out
from jz3.curation.mix import Companions, Judged, mix
from jz3.lm.chat_rows import ChatForm
from jz3.lm.encode import joined_parts
from jz3.notation.thoughts import MARK, read_thoughts
from jz3.tables.lacking import Lacking
from jz3.tables.thought import Thought
from jz3.tables.training_row import TrainingRow
from jz3.tables.turn import read_turns
from jz3.text.turn_text import plain_parts
from tests.curation.rows import problem, problems, verdicts
from tests.curation.test_mix import NO_LINEAGE, PROGRAM, params, results
from tests.lm.chat_templates import TEMPLATES, speaking
from tests.lm.test_turn_labels import PLAIN, by_offsets, encoded

NONE = problems()


def thoughts(**by_id):
    rows = [{"problem_id": name, "thought": thought} for name, thought in by_id.items()]
    return Thought.validate(pl.DataFrame(rows, schema=Thought.create_empty().schema).sort("problem_id"))


def mixed(synthetic, thought, form="marked", instruction=NONE, tables=(), printed=None, **changes):
    with tempfile.TemporaryDirectory() as directory:
        training = Out(TrainingRow, Path(directory) / "training")
        chosen = mix(
            Judged(synthetic.lazy(), list(tables)),
            Judged(instruction.lazy(), []),
            Companions(results() if printed is None else printed, NO_LINEAGE.lazy(), thought.lazy()),
            params(thoughts=form, **changes),
            training.scratch,
        )
        account = training.sink(chosen)
        rows = In(TrainingRow, training.path).read()
    Lacking.validate(account.thoughtless)
    return {row["row_id"]: row for row in rows.iter_rows(named=True)}, account


def test_a_thought_stands_before_the_solution_and_left_out_it_stands_nowhere():
    rows = problems(problem("p"), problem("q"), problem("tool", solution=PROGRAM, kind="tool"))
    thought = thoughts(p="Two and two ...", tool="```python\nprint(1)\n```\nno.", elsewhere="x")
    training, account = mixed(rows, thought, printed=results(tool="4"))
    assert training["p"]["turns"][1]["text"] == (
        "<think>\nTwo and two ...\n</think>\n\nTwo and two are \\boxed{4}."
    )
    assert training["p"]["output"] == training["p"]["turns"][1]["text"]
    assert "<think>" not in training["q"]["output"] + training["q"]["input"] + training["p"]["input"]
    texts = [turn["text"] for turn in training["tool"]["turns"]]
    assert [turn["role"] for turn in training["tool"]["turns"]] == ["user", "assistant", "tool", "assistant"]
    assert texts[1].startswith("<think>\n```python\nprint(1)\n```\nno.\n</think>\n\nThe program adds.")
    assert texts[2].startswith("4\n"), "a program that was only thought of has no output"
    assert account.thoughtless.rows() == [("q", "mix.no_thought", "web")]
    plain, without = mixed(rows, thought, "left_out", printed=results(tool="4"))
    assert not without.thoughtless.height
    assert all("<think>" not in row["output"] for row in plain.values())
    assert without.metrics == account.metrics


def test_rows_with_marks_of_their_own_are_turned_away_and_counted():
    rows = problems(
        problem("fine"),
        problem("asks", text="What is <think>x</think>?"),
        problem("says", solution="[THINK]Hm.[/THINK] \\boxed{4}"),
        problem("thinks"),
        problem("judged", solution="<think>a</think> \\boxed{4}"),
    )
    instruction = problems(problem("i"), problem("marked", solution="Hm.</think> \\boxed{4}"))
    thought = thoughts(fine="Fine.", thinks="I <think> again.")
    table = verdicts({"fine": None, "judged": "x.rule"})
    training, account = mixed(rows, thought, instruction=instruction, tables=[table])
    assert set(training) == {"fine", "i"}
    assert account.metrics.rows.rejected == {"mix.marked_thought": 4, "x.rule": 1}
    assert account.thoughtless["row_id"].to_list() == ["i"]
    training, account = mixed(rows, thought, "left_out", instruction=instruction, tables=[table])
    assert set(training) == {"fine", "thinks", "i"}, "what is not read needs no marks"
    assert account.metrics.rows.rejected == {"mix.marked_thought": 3, "x.rule": 1}


WORDS = [
    "Tom",
    " has",
    "12",
    "3 ",
    "\n",
    " é",
    "数",
    "  ",
    "<",
    "think",
    ">",
    "</",
    "[think]",
    "```",
    "\\boxed{4}",
]
said = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(lambda words: "So" + "".join(words) + ".")
solved = st.tuples(said, said, st.none() | said, st.booleans())


def programmed(solution, runs):
    return f"{solution}\n```python\nprint(4)\n```\n```output\n5\n```\n{solution}" if runs else solution


@settings(max_examples=40)
@given(st.lists(solved, min_size=1, max_size=5))
def test_what_is_learnt_to_be_thought_and_to_be_answered_can_be_told_apart(drawn):
    rows, thought = [], {}
    for number, (text, solution, idea, runs) in enumerate(drawn):
        name, kind = f"p{number}", "tool" if runs else "cot"
        rows.append(problem(name, text, programmed(solution, runs), kind=kind))
        if idea is not None:
            thought[name] = idea
    training, account = mixed(problems(*rows), thoughts(**thought))
    for row in rows:
        name, own = row["problem_id"], thought.get(row["problem_id"])
        marked = re.search(MARK, row["problem"] + "\0" + row["solution"] + "\0" + (own or ""))
        assert (name not in training) == (marked is not None)
        if marked:
            continue
        learnt = "".join(turn["text"] for turn in training[name]["turns"][1:])
        read = read_thoughts(learnt)
        assert read.thoughts == (() if own is None else (own.strip(),))
        assert read.answer.removeprefix("\n\n" if own else "") == row["solution"]
        assert (name in account.thoughtless["row_id"].to_list()) == (own is None)
    rejected = sum(account.metrics.rows.rejected.values())
    assert len(training) == account.metrics.rows.kept == account.metrics.rows.read - rejected


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=15)
@given(solution=said, idea=st.none() | said, runs=st.booleans())
def test_tokens_learnt_are_those_of_thought_and_solution_and_nothing_else(name, solution, idea, runs):
    kind = "tool" if runs else "cot"
    row = problem("p", "Tom has 3.", programmed(solution, runs), kind=kind)
    if re.search(MARK, solution + "\0" + (idea or "")):
        return
    training, _ = mixed(problems(row), thoughts(**({} if idea is None else {"p": idea})))
    turns = read_turns(training["p"]["turns"])
    assert all(turn.learn == (turn.role != "user") for turn in turns)
    parts = plain_parts(turns, kind)
    text = "".join(piece for piece, _ in parts)
    begins = text.index(training["p"]["output"])
    flags = [place >= begins for place in range(len(text))]
    tokenizer = PLAIN[name]
    tokens, learnt = encoded(tokenizer, joined_parts(parts))
    ids, expected = by_offsets(tokenizer, text, flags, as_marks=False)
    if ids[-1] == tokenizer.eos_token_id:
        ids, expected = ids[:-1], expected[:-1]
    assert (tokens, learnt) == ([*ids, tokenizer.eos_token_id], [*expected, True])


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_chat_template_has_the_thought_of_its_last_answer_learnt(name):
    training, _ = mixed(problems(problem("p")), thoughts(p="Two and two ..."))
    written = ChatForm(speaking(TEMPLATES[name])).text(read_turns(training["p"]["turns"]))
    assert written is not None
    learnt = "".join(written.text[first:end] for first, end in written.learnt)
    assert "Two and two ..." in learnt
    assert "Two and two are \\boxed{4}." in learnt
    assert "How many" not in learnt
