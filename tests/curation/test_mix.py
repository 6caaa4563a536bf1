"""The training set: every row is kept or counted, synthetic before instruction rows, shuffled by hash."""

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, Out
from jz3.curation.marked_thoughts import no_thoughts
from jz3.curation.mix import Companions, Judged, MixParams, mix
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.lineage import Lineage
from jz3.tables.training_row import TrainingRow
from tests.curation.rows import problem, problems, verdicts

NO_LINEAGE = Lineage.create_empty()
PROGRAM = "The program adds.\n```python\nprint(2 + 2)\n```\n```output\n5\n```\nThe sum is \\boxed{4}."


def params(rows=None, seed=5, thoughts="left_out", **shares):
    shares = {"kinds": {}, "sources": {}, "levels": {}, "of_a_passage": None, "of_a_seed": None} | shares
    return MixParams.model_validate(
        {
            "seed": seed,
            "synthetic": {"rows": rows} | shares,
            "shown_output_characters": 8,
            "learn_output": True,
            "thoughts": thoughts,
        }
    )


def results(**printed):
    """What programs printed; it matters if it is an answer other than the 4 of the boxes here."""
    rows = [
        (row_id, "ok", [output], output, output.strip() != "4", None) for row_id, output in printed.items()
    ]
    return pl.DataFrame(rows, schema=ExecutionResult.create_empty().schema, orient="row")


def seeded(**seeds):
    """Table of Lineage: the seeds of problems."""
    rows = [
        (row_id, "x", "answer", list(of_row), [], "", 0, None, "none") for row_id, of_row in seeds.items()
    ]
    return pl.DataFrame(rows, schema=Lineage.create_empty().schema, orient="row")


def mixed(
    synthetic, instruction, settings, tables=(), instruction_table=None, printed=None, lineage=NO_LINEAGE
):
    with tempfile.TemporaryDirectory() as directory:
        training = Out(TrainingRow, Path(directory) / "training")
        chosen = mix(
            Judged(synthetic.lazy(), list(tables)),
            Judged(instruction.lazy(), [] if instruction_table is None else [instruction_table]),
            Companions(results() if printed is None else printed, lineage.lazy(), no_thoughts()),
            settings,
            training.scratch,
        )
        account = training.sink(chosen)
        return In(TrainingRow, training.path).read(), account.metrics


few = settings(max_examples=25)  # each writes and reads a table, some 80 ms

INSTRUCTIONS = problems(*(problem(f"i{n}", source="instruction", level=None) for n in range(5)))
RULE_OR_NONE = st.sampled_from([None, None, "x.rule", "y.rule"])


@few
@given(
    st.lists(st.tuples(st.sampled_from(["cot", "tool"]), RULE_OR_NONE, RULE_OR_NONE), max_size=20),
    st.none() | st.integers(0, 12),
    st.dictionaries(st.sampled_from(["cot", "tool"]), st.floats(0.1, 1)),
)
def test_every_row_is_in_the_set_or_counted_by_the_first_rule(rows, cap, kinds):
    synthetic = problems(*(problem(f"s{n:02}", kind=kind) for n, (kind, *_) in enumerate(rows)))
    first = verdicts({f"s{n:02}": row[1] for n, row in enumerate(rows)})
    second = verdicts({f"s{n:02}": row[2] for n, row in enumerate(rows)})
    training, metrics = mixed(synthetic, INSTRUCTIONS, params(cap, kinds=kinds), [first, second])
    assert metrics.rows.read == len(rows) + 5
    assert metrics.rows.kept == training.height == metrics.pretrain_rows + 5
    by_rule = {rule: sum((one or other) == rule for _, one, other in rows) for rule in ("x.rule", "y.rule")}
    assert {rule: metrics.rows.rejected.get(rule, 0) for rule in by_rule} == by_rule
    kept = {f"s{n:02}" for n, (_, one, other) in enumerate(rows) if one is None and other is None}
    assert set(training.filter(pl.col("part") == "pretrain")["row_id"]) <= kept
    assert cap is None or metrics.pretrain_rows <= cap


@few
@given(st.randoms())
def test_the_order_is_by_hash_and_not_by_file(shuffler):
    rows = [problem(f"s{n}") for n in range(9)]
    once, _ = mixed(problems(*rows), INSTRUCTIONS, params())
    shuffler.shuffle(rows)
    again, _ = mixed(pl.DataFrame(rows, schema=problems().schema), INSTRUCTIONS, params())
    assert once.equals(again)


def test_synthetic_rows_come_before_instruction_rows_and_both_are_shuffled():
    training, _ = mixed(problems(*(problem(f"s{n:02}") for n in range(40))), INSTRUCTIONS, params())
    assert training["part"].to_list() == ["pretrain"] * 40 + ["instruction"] * 5
    assert training["position"].to_list() == list(range(45))
    ids = training["row_id"].to_list()[:40]
    assert ids != sorted(ids)
    other, _ = mixed(problems(*(problem(f"s{n:02}") for n in range(40))), INSTRUCTIONS, params(seed=6))
    assert other["row_id"].to_list()[:40] != ids


def test_a_larger_cap_keeps_the_rows_of_a_smaller_one():
    synthetic = problems(*(problem(f"s{n}") for n in range(9)))
    few, _ = mixed(synthetic, INSTRUCTIONS, params(3))
    more, _ = mixed(synthetic, INSTRUCTIONS, params(5))
    assert few["row_id"].to_list()[:3] == more["row_id"].to_list()[:3]


def test_rows_have_the_headings_of_their_kind():
    synthetic = problems(problem("a", "Why?", "So.", kind="cot"), problem("b", "Why?", PROGRAM, kind="tool"))
    training, _ = mixed(synthetic, problems(), params(), printed=results(b="4\n"))
    texts = dict(training.select("row_id", "input").iter_rows())
    assert texts == {
        "a": "## Question\nWhy?\n\n## Solution\n",
        "b": "## Question\nWhy?\n\n## Code Solution\n",
    }


@pytest.mark.parametrize(
    ("printed", "expected", "corrected"),
    [
        ("4\n", "4", 1),
        ("5 \n", "5", 1),
        ("12345678\n", "12345678", 1),
        ("123456789\n", "1234...6789", 1),
        (r"\1 \g<0>", r"\1 \g<0>", 1),
    ],
)
def test_what_was_printed_takes_the_place_of_claimed_output_and_answer(printed, expected, corrected):
    synthetic = problems(problem("b", "Why?", PROGRAM, kind="tool"))
    training, metrics = mixed(synthetic, problems(), params(), printed=results(b=printed))
    with_output = PROGRAM.replace("```output\n5\n", f"```output\n{expected}\n")
    assert training["output"].item() == with_output.replace("boxed{4}", f"boxed{{{printed.strip()}}}")
    assert metrics.corrected == corrected


SEVERAL = "Add.\n{}Then:\n{}So \\boxed{{4}}.".format(
    *(f"```python\nprint({n})\n```\n```output\n9\n```\n" for n in (3, 4))
)


@pytest.mark.parametrize("learn_output", [True, False])
def test_what_each_program_printed_is_a_turn_of_its_own(learn_output):
    synthetic = problems(problem("b", "Why?", SEVERAL, kind="tool"), problem("c", "How?", "So."))
    rows = [("b", "ok", ["3\n", "4\n"], "4\n", False, None)]
    ran = pl.DataFrame(rows, schema=ExecutionResult.create_empty().schema, orient="row")
    settings = params().model_copy(update={"learn_output": learn_output})
    training, _ = mixed(synthetic, problems(), settings, printed=ran)
    turns = dict(training.select("row_id", "turns").iter_rows())
    assert [tuple(turn.values()) for turn in turns["b"]] == [
        ("user", "Why?", False),
        ("assistant", "Add.\n```python\nprint(3)\n```\n```output\n", True),
        ("tool", "3\n```\n", learn_output),
        ("assistant", "Then:\n```python\nprint(4)\n```\n```output\n", True),
        ("tool", "4\n```\n", learn_output),
        ("assistant", "So \\boxed{4}.", True),
    ]
    assert [tuple(turn.values()) for turn in turns["c"]] == [
        ("user", "How?", False),
        ("assistant", "So.", True),
    ]
    (text,) = training.filter(row_id="b").select(pl.col("input") + pl.col("output")).to_series()
    assert text == "## Question\nWhy?\n\n## Code Solution\n" + "".join(
        turn["text"] for turn in turns["b"][1:]
    )


def test_instruction_rows_stay_as_they_are_but_for_leaked_ones():
    instructions = problems(problem("i", "Why?", PROGRAM, kind="tool"), problem("j"))
    training, metrics = mixed(problems(), instructions, params(), (), verdicts({"j": "decontaminate.whole"}))
    assert training["output"].to_list() == [PROGRAM]
    assert metrics.rows.rejected == {"decontaminate.whole": 1}


def test_instruction_data_alone_counts_the_synthetic_rows_as_not_asked_for():
    synthetic = problems(*(problem(f"s{n}") for n in range(4)))
    training, metrics = mixed(synthetic, INSTRUCTIONS, params(0), [verdicts({"s1": "filter.language"})])
    assert training["part"].unique().to_list() == ["instruction"]
    assert metrics.rows.rejected == {"filter.language": 1, "mix.not_asked": 3}
    assert metrics.unfulfilled == {}


def test_the_number_of_rows_is_a_cap_where_a_share_is_asked_for_too():
    """Kinds without a share fill what the others leave, and no more."""
    synthetic = problems(*(problem(f"s{n}", kind="tool" if n < 3 else "cot") for n in range(10)))
    _, metrics = mixed(synthetic, problems(), params(4, kinds={"tool": 0.25}))
    assert sum(metrics.by_kind.values()) == 4
    assert metrics.by_kind.get("tool", 0) <= 1
    assert sum(metrics.rows.rejected.values()) == 6


def test_what_the_problems_cannot_give_is_said():
    synthetic = problems(*(problem(f"s{n}", kind="tool" if n < 2 else "cot") for n in range(10)))
    _, metrics = mixed(synthetic, problems(), params(8, kinds={"tool": 0.5, "cot": 0.5}))
    assert metrics.by_kind == {"cot": 4, "tool": 2}
    assert metrics.unfulfilled == {"kind/tool": 2, "rows": 2}
    assert metrics.rows.rejected == {"mix.kind_share": 4}


@few
@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 3))
def test_a_passage_gives_no_more_problems_than_the_cap_and_none_where_it_is_not_known(passages, cap):
    rows = [problem(f"s{n:02}", passage_id=f"p{p}" if p else None) for n, p in enumerate(passages)]
    training, metrics = mixed(problems(*rows), problems(), params(of_a_passage=cap))
    kept = {
        row_id: row["passage_id"] for row in rows if (row_id := row["problem_id"]) in set(training["row_id"])
    }
    for p in set(passages):
        expected = passages.count(p) if p == 0 else min(cap, passages.count(p))
        assert list(kept.values()).count(f"p{p}" if p else None) == expected
    assert metrics.rows.rejected.get("mix.passage_repeated", 0) == len(passages) - len(kept)


@few
@given(st.lists(st.sets(st.sampled_from("abcd"), max_size=3), max_size=20), st.integers(1, 3))
def test_a_seed_gives_no_more_problems_than_the_cap_and_nothing_goes_that_has_room(seeds, cap):
    of_row = {f"s{n:02}": own for n, own in enumerate(seeds)}
    rows = problems(*(problem(name) for name in of_row))
    lineage = seeded(**{name: own for name, own in of_row.items() if own})
    training, metrics = mixed(rows, problems(), params(of_a_seed=cap), lineage=lineage)
    kept = set(training["row_id"])
    given = {seed: sum(seed in of_row[name] for name in kept) for seed in "abcd"}
    assert all(count <= cap for count in given.values())
    assert all(any(given[seed] == cap for seed in own) for name, own in of_row.items() if name not in kept)
    assert metrics.rows.rejected.get("mix.seed_repeated", 0) == len(seeds) - len(kept)


@few
@given(st.lists(st.sampled_from("abc"), max_size=20), st.integers(1, 3))
def test_a_larger_cap_of_a_seed_keeps_the_rows_of_a_smaller_one(seeds, cap):
    of_row = {f"s{n:02}": [seed] for n, seed in enumerate(seeds)}
    rows = problems(*(problem(name) for name in of_row))
    few, more = (
        set(mixed(rows, problems(), params(of_a_seed=most), lineage=seeded(**of_row))[0]["row_id"])
        for most in (cap, cap + 1)
    )
    assert few <= more
    assert len(few) == sum(min(cap, seeds.count(seed)) for seed in "abc")


def test_a_cap_of_a_seed_on_problems_without_seeds_is_said(caplog):
    training, _ = mixed(problems(problem("a")), problems(), params(of_a_seed=1))
    assert training["row_id"].to_list() == ["a"]
    assert "the lineage names no seed" in caplog.text
