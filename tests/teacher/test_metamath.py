"""MetaMath from seeds to judged rows: the problem writer's server, the client, the row store, the grader."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jz3.answers.equality import equal
from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id
from jz3.generation.chat import CHAT, chat_key
from jz3.graph.recipe_asks import recipe_asks
from jz3.store.row_store import open_store
from jz3.teacher.asks import filled
from jz3.teacher.augment import augment, request_of
from jz3.teacher.number_masks import masks_of
from jz3.teacher.taught import AugmentParams, next_round, rounds_of
from jz3.writer.catalogue import FAMILIES
from jz3.writer.family import Family, Values, Whole
from jz3.writer.server import ERRING_MODEL, MODEL
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw
from tests.teacher.builders import EXECUTION, REPLAY, seed_problems, seed_row
from tests.teacher.builders import teacher as declared

PROMPTS = InFiles(Path(__file__).parents[2] / "data/recipes/metamath")
OPERATORS = ("answer", "fobar", "mask", "rephrase", "reword", "self_verification", "state")


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def params(answers=1, rewordings=2, fobar=1, statements=1, verified=1):
    return AugmentParams.model_validate(
        {
            "teachers": {"one": declared(temperature=0.7, max_tokens=1024).model_dump()},
            "seed": 31,
            "recipe": {
                "name": "metamath",
                "answers": answers,
                "rephrase": {"rewordings": rewordings, "answers": 1},
                "fobar": {"answers": fobar},
                "self_verification": {"statements": statements, "answers": verified},
            },
        }
    )


ALL = [seed_row(number, family) for number, family in enumerate(FAMILIES)]
UNREAD = "A van holds 7 crates of 8 jars. How many jars?"
ROWS = [
    *ALL[::16],
    ALL[0] | {"seed_id": "wordless", "question": "Why is the sky blue?", "answer": "4"},
    ALL[1]
    | {"seed_id": "unread", "question": "A van holds 7 crates of 8 jars. How many jars?", "answer": "56"},
    ALL[2] | {"seed_id": "golden", "question": "Of 9 cats 9 sleep. How many sleep?", "answer": "9"},
]


def seeds(rows=ROWS):
    return seed_problems(rows)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One run, for tests that look at what it left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        return augment(seeds(), PROMPTS, params(), EXECUTION)


def first_round(rows=ROWS, **sizes):
    return next(rounds_of(seeds(rows), PROMPTS, params(**sizes)))


def test_every_operator_accounts_for_all_that_it_asked(done):
    assert set(done.metrics.operators) == set(OPERATORS)
    for name, operator in done.metrics.operators.items():
        rows = operator.rows
        assert rows.read == rows.kept + sum(rows.rejected.values()) + rows.failed
        assert rows.kept > 0, name
        if name != "mask":
            assert operator.answered == rows.read
            assert operator.completion_tokens > 0
    kept = {name: operator.rows.kept for name, operator in done.metrics.operators.items()}
    by_operator = Counter(done.lineage["operator"])
    assert by_operator == {name: kept[name] for name in ("answer", "rephrase", "fobar", "self_verification")}
    assert done.metrics.rows.kept == done.problems.height
    assert done.metrics.rows.rejected == Counter(done.rejects["rule"])
    assert done.rejects["row_id"].is_unique().all()
    assert done.metrics.prompt_tokens == sum(one.prompt_tokens for one in done.metrics.operators.values())


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.sets(st.sampled_from(range(len(ROWS))), max_size=4),
    sizes=st.tuples(*[st.integers(0, 2)] * 4, st.integers(1, 2)),
    model=st.sampled_from([MODEL, ERRING_MODEL]),
)
def test_whatever_is_asked_of_whom_is_kept_rejected_or_failed(rows, sizes, model):
    sized = params(*sizes)
    sized.teachers["one"] = declared(model=model, temperature=0.7, max_tokens=1024)
    done = augment(seeds([ROWS[row] for row in sorted(rows)]), PROMPTS, sized, EXECUTION)
    by_operator = Counter(done.lineage["operator"])
    for name, operator in done.metrics.operators.items():
        ledger = operator.rows
        assert ledger.read == ledger.kept + sum(ledger.rejected.values()) + ledger.failed
        assert name == "mask" or ledger.read == operator.answered
        assert name in ("mask", "reword", "state") or by_operator[name] == ledger.kept
    assert done.metrics.rows.kept == done.problems.height == by_operator.total()
    assert done.metrics.rows.rejected == Counter(done.rejects["rule"])


def test_rows_are_held_against_gold_or_label_and_name_what_they_were_written_from(done):
    by_seed = {row["seed_id"]: row for row in ROWS}
    asked = {one.ask_id: one for one in first_round().asks}
    for row, line in zip(done.problems.to_dicts(), done.lineage.to_dicts(), strict=True):
        seed = by_seed[line["seed_ids"][0]]
        assert row["problem_id"] == line["problem_id"]
        assert equal(line["expected"], row["answer"]).equal
        assert row["subject"] == seed["subject"]
        backward = line["operator"] in ("fobar", "self_verification")
        assert line["expected_from"] == ("masked" if backward else "gold")
        if backward:
            start, end = map(int, line["variant"].partition("/")[0].split("-"))
            label = next(mask.label for mask in masks_of(seed["question"]) if mask.start == start)
            assert line["expected"] == label
            assert row["problem"].startswith(seed["question"][:start].rpartition(". ")[0])
            assert end > start
        else:
            assert (row["problem"] == seed["question"]) == (line["operator"] == "answer")
        parents = {"rephrase": "reword", "self_verification": "state"}
        assert [asked[parent].operator for parent in line["parent_ids"]] == (
            [parents[line["operator"]]] if line["operator"] in parents else []
        )


def test_what_is_turned_away_has_its_rule(done):
    rules = {row["row_id"]: row["rule"] for row in done.rejects.iter_rows(named=True)}
    assert rules["wordless"] == "metamath.nothing_to_mask"
    ledgers = {name: operator.rows for name, operator in done.metrics.operators.items()}
    assert ledgers["mask"].rejected["metamath.label_is_gold"] == 2
    assert "metamath.no_answer" in ledgers["fobar"].rejected, "the writer says so where it cannot read a text"


def test_a_maskings_second_value_is_found_before_anyone_is_paid():
    asked = first_round(ALL, answers=0, rewordings=0, statements=0)
    refused = Counter(one.refusal.rule for one in asked.judged if one.refusal)
    assert refused["not_unique"] > 5
    assert refused["irrelevant"] > 0
    kept = {one.row_id for one in asked.judged if one.refusal is None}
    assert len({(one.seed_ids, one.variant) for one in asked.asks}) == len(kept)


@dataclass(frozen=True)
class Masked:
    """A masked number of a family's question."""

    row_id: str
    """Under which the recipe judges it."""
    label: str
    family: Family
    values: Values
    field: str

    @cached_property
    def fitting(self):
        """The values of its field with which the family proves the gold answer, by brute force: another way
        than `solve`, by which the rule computes.
        """
        gold, whole = self.family.solve(self.values)["answer"], self.family.fields[self.field]
        found = []
        for value in range(whole.low, whole.high + 1):
            try:
                if self.family.proves(Values({**self.values.drawn, self.field: value}), gold):
                    found.append(str(value))
            except (ZeroDivisionError, ValueError, OverflowError):
                continue
        return found


def masked_numbers(rows):
    """Every masked number of these seeds, with the field that the wording has in its place."""
    for row, family, values in rows:
        (wording,) = {one for one in family.wordings if one.format(**values.drawn) == row["question"]}
        for mask in masks_of(row["question"]):
            variant = f"{mask.start}-{mask.start + len(mask.written)}"
            row_id = content_id("metamath", "mask", row["seed_id"], variant)
            for name, field in family.fields.items():
                turned = {**values.drawn, name: mask.variable}
                if isinstance(field, Whole) and wording.format(**turned) == mask.text:
                    yield Masked(row_id, mask.label, family, values, name)


def drawn_rows(families, count):
    """So many seeds of each family, each with the values that it was written from."""
    return [
        (
            seed_row(number, family)
            | {
                "seed_id": f"{family.name}/{number}",
                "question": (written := write_draw(family, "cot", values, f"of {number}")).problem,
                "answer": written.answer,
            },
            family,
            values,
        )
        for family in families
        for number, values in enumerate(distinct_draws(family, "instruction", count, "second"))
    ]


SECOND_VALUE = ("not_unique", "irrelevant")
"""Rules that say that another value gives the same answer."""


def verdicts_of(rows):
    """The rule of each masking, None for one that is asked; and the asks."""
    asked = first_round([row for row, _, _ in rows], answers=0, rewordings=0, statements=0)
    return {one.row_id: one.refusal and one.refusal.rule for one in asked.judged}, asked.asks


def test_no_kept_backward_row_has_a_second_value():
    """By brute force, of every masking that is asked without the agreement of draws."""
    rows = drawn_rows(FAMILIES, 1)
    rule_of, asks = verdicts_of(rows)
    kept = [one for one in masked_numbers(rows) if rule_of[one.row_id] is None]
    assert len(kept) > 100
    assert [one for one in kept if one.fitting != [one.label]] == []
    confirmed = {(one.seed_ids, one.variant) for one in asks if one.confirmed}
    assert len(confirmed) == len(kept), "all of them were proven"


@pytest.mark.long
def test_what_is_rejected_as_not_unique_has_a_second_value():
    """By brute force; at most one in a hundred may be unique."""
    once = drawn_rows(FAMILIES, 1)
    rule_of, _ = verdicts_of(once)
    refused = {one.family.name for one in masked_numbers(once) if rule_of[one.row_id] in SECOND_VALUE}
    families = [family for family in FAMILIES if family.name in refused]
    rows = drawn_rows(families, 6)
    rule_of, _ = verdicts_of(rows)
    rejected = [one for one in masked_numbers(rows) if rule_of[one.row_id] in SECOND_VALUE]
    assert len(rejected) >= 100
    assert sum(one.fitting == [one.label] for one in rejected) <= 0.01 * len(rejected)
    assert all(one.label in one.fitting for one in rejected), "the number itself fits"


def test_draws_must_agree_where_no_answer_can_be_computed():
    asked = [one for one in first_round(fobar=2).asks if one.operator == "fobar" and not one.confirmed]
    assert {one.seed_ids[0] for one in asked} >= {"unread"}
    assert all(count == 5 for count in Counter((one.seed_ids, one.variant) for one in asked).values())
    known = [one for one in first_round(fobar=2).asks if one.operator == "fobar" and one.confirmed]
    assert all(count == 2 for count in Counter((one.seed_ids, one.variant) for one in known).values())


def test_more_draws_ask_for_the_new_ones_alone_and_keep_the_rows():
    few = augment(seeds(), PROMPTS, params(1, 1, 1, 1, 1), EXECUTION)
    paid = {row.key for row in open_store().rows(CHAT)}
    many = augment(seeds(), PROMPTS, params(2, 2, 2, 2, 2), EXECUTION)
    sent = [row.key for row in open_store().rows(CHAT)]
    assert paid < set(sent)
    assert len(sent) == len(set(sent)) == sum(one.answered for one in many.metrics.operators.values())
    old = many.problems.filter(pl.col("problem_id").is_in(few.problems["problem_id"].implode()))
    assert old.sort("problem_id").equals(few.problems.sort("problem_id"))


def test_a_killed_run_goes_on_from_the_round_that_it_was_in():
    first = first_round()
    paid = augment(seeds(ROWS[:2]), PROMPTS, params(), EXECUTION)
    assert 0 < paid.metrics.answered < len(first.asks)
    whole = augment(seeds(), PROMPTS, params(), EXECUTION)
    sent = [row.key for row in open_store().rows(CHAT)]
    assert len(sent) == len(set(sent)) == whole.metrics.answered
    again = augment(seeds(), PROMPTS, params(), REPLAY)
    assert again.metrics == whole.metrics
    assert again.problems.equals(whole.problems)
    assert again.lineage.equals(whole.lineage)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(ROWS), sizes=st.tuples(*[st.integers(0, 2)] * 4))
def test_neither_the_order_of_seeds_nor_more_draws_change_an_ask(order, sizes):
    names = ("answers", "rewordings", "fobar", "statements")
    asked = first_round(order, **dict(zip(names, sizes, strict=True))).asks
    again = first_round(ROWS, **dict(zip(names, sizes, strict=True))).asks
    more = first_round(ROWS, **{name: size + 1 for name, size in zip(names, sizes, strict=True)}).asks
    assert asked == again
    by_id = {one.ask_id: one for one in more}
    assert all(by_id[one.ask_id] == one for one in asked)
    assert len(by_id) == len(more)


def second_round(texts):
    """What is asked and judged after the first round gave these texts, by operator."""
    rounds = rounds_of(seeds(), PROMPTS, params())
    first = next(rounds)
    written = {
        one.ask_id: texts[one.operator]
        for one in first.asks
        if one.seed_ids == ("unread",) and one.operator in texts and one.draw == 0
    }
    return next_round(rounds, written)


REWORDED = [
    ("If 7 crates of 8 jars are in a van, how many jars does it hold?", None),
    ("Seven crates, each of eight jars, are in a van. How many jars are in it?", None),
    ("If 7 crates of 9 jars are in a van, how many jars does it hold?", "numbers_changed"),
    ("If crates of 8 jars are in a van, how many jars does it hold?", "numbers_changed"),
    ("A van holds 7 crates of 8 jars: how many jars?", "unchanged"),
    ("", "reply_is_empty"),
    ("7 crates of 8 jars are in a van. How many jars does it hold?\n\nNote: nothing changed.", "remark"),
    ("7 crates of 8 jars are in a van.", "nothing_asked"),
]


@pytest.mark.parametrize(("text", "rule"), REWORDED)
def test_a_rewording_is_answered_only_where_its_numbers_are_the_same(text, rule):
    round_ = second_round({"reword": text})
    (judged,) = round_.judged
    assert (judged.refusal.rule if judged.refusal else None) == rule
    assert [(one.operator, one.question) for one in round_.asks] == ([] if rule else [("rephrase", text)])


def test_a_statement_takes_the_last_sentences_place():
    round_ = second_round({"state": "The van holds 56 jars."})
    assert [one.refusal for one in round_.judged] == [None, None]
    assert Counter(one.question for one in round_.asks) == {
        "A van holds x crates of 8 jars. The van holds 56 jars. What is the value of x?": 5,
        "A van holds 7 crates of x jars. The van holds 56 jars. What is the value of x?": 5,
    }


@pytest.mark.parametrize(
    ("gold", "told"),
    [
        ("56", "56"),
        ("\\frac{1}{2}", "$\\frac{1}{2}$"),
        ("$\\frac{1}{2}$", "$\\frac{1}{2}$"),
        ("\\(\\pi\\)", "\\(\\pi\\)"),
    ],
)
def test_a_given_answer_is_told_as_prose_writes_it(gold, told):
    row = ALL[0] | {"seed_id": "s1", "question": UNREAD, "answer": gold}
    asks = first_round([row], answers=0, rewordings=0).asks
    backward = [one for one in asks if one.operator == "fobar"]
    assert backward
    assert all(f"the answer to this question is {told}. Which" in one.question for one in backward)
    statements = [one for one in asks if one.operator == "state"]
    template = (PROMPTS.path / "declare.md").read_text()
    assert {one.prompt for one in statements} == {
        filled(template, {"{sentence}": "How many jars?", "{answer}": told})
    }


def test_the_plan_counts_requests_of_each_operator_before_and_after_they_are_made():
    before = recipe_asks(seeds(), PROMPTS, params(), open_store())
    done = augment(seeds(), PROMPTS, params(), EXECUTION)
    asked = {name: one.answered for name, one in done.metrics.operators.items() if name != "mask"}
    assert before.stored == 0
    assert {name: before.known[name] for name in ("answer", "reword", "fobar", "state")} == {
        name: asked[name] for name in ("answer", "reword", "fobar", "state")
    }
    assert all(before.ahead[name] >= asked[name] for name in ("rephrase", "self_verification"))
    assert f"~rephrase {before.ahead['rephrase']}" in str(before)
    after = recipe_asks(seeds(), PROMPTS, params(), open_store())
    assert (after.known, after.stored, after.ahead) == (asked, sum(asked.values()), {})


def test_the_keys_of_answers_are_those_of_ever():
    row = ALL[0] | {"seed_id": "s1", "question": "What is 2 + 3?", "answer": "5"}
    asked = first_round([row], answers=2, rewordings=0, fobar=0, statements=0).asks
    fields = {"temperature": 0.7, "top_p": 1.0, "max_tokens": 1024}
    keyed = params()
    keyed.teachers["one"] = declared(**fields)
    assert [(one.ask_id, chat_key(request_of(one, keyed))) for one in asked] == [
        ("a48d9f9c39732e09990732f74e2b3d93", "1c83d682a205b49acb32652437754d61"),
        ("2d8f604b4e18a52b221e086cf4cd5540", "57eac291653e21efd678ac8e2c781c6c"),
    ]


def test_failed_texts_are_failures_and_lead_nowhere(tmp_path):
    for file in PROMPTS.path.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("Task: rephrase", "Task: sing"))
    done = augment(seeds(ROWS[:2]), InFiles(tmp_path), params(2, 1, 0, 0), EXECUTION)
    assert done.metrics.operators["reword"].rows.failed == done.failures.height == 2
    assert set(done.lineage["operator"]) == {"answer"}
    assert done.metrics.rows.read == 6
