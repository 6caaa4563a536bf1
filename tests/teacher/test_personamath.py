"""PersonaMath from seeds to judged rows: the problem writer's server, client, row store, grader."""

from collections import Counter
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jz3.answers.equality import equal
from jz3.core.artifacts import InFiles
from jz3.generation.chat import CHAT, chat_key
from jz3.graph.recipe_asks import recipe_asks
from jz3.store.row_store import open_store
from jz3.teacher.augment import augment, request_of
from jz3.teacher.personas import read_personas
from jz3.teacher.stated_numbers import stated_numbers
from jz3.teacher.taught import AugmentParams, asks_of_a_seed, next_round, rounds_of
from jz3.writer.catalogue import FAMILIES
from tests.teacher.builders import EXECUTION, REPLAY, seed_problems, seed_row
from tests.teacher.builders import teacher as declared

PROMPTS = InFiles(Path(__file__).parents[2] / "data/recipes/personamath")


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def params(k1=2, k2=3, reflections=1):
    return AugmentParams.model_validate(
        {
            "teachers": {"one": declared(temperature=0.7, max_tokens=1024).model_dump()},
            "seed": 41,
            "recipe": {"name": "personamath", "k1": k1, "k2": k2, "reflections": reflections},
        }
    )


KNOWN = [seed_row(number, family) for number, family in enumerate(FAMILIES[::16])]
ROWS = [
    *KNOWN,
    KNOWN[0] | {"seed_id": "wrong", "answer": "-99"},
    KNOWN[1]
    | {"seed_id": "unread", "question": "A van holds 7 crates of 8 jars. How many jars?", "answer": "56"},
    KNOWN[2] | {"seed_id": "goldless", "answer": None},
]


def seeds(rows=ROWS):
    return seed_problems(rows)


@pytest.fixture(scope="module")
def boxless(tmp_path_factory):
    """Prompts whose first attempts have no box, because the writer rewords in place of solving. So all are
    hard.
    """
    folder = tmp_path_factory.mktemp("prompts") / "personamath"
    copytree(PROMPTS.path, folder)
    (folder / "solve.md").write_text((PROMPTS.path.parent / "metamath/rephrase.md").read_text())
    return InFiles(folder)


@pytest.fixture(scope="module")
def stages(boxless, tmp_path_factory):
    """A run of each stage, for tests that look at what they left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        return augment(seeds(), PROMPTS, params(), EXECUTION), augment(seeds(), boxless, params(), EXECUTION)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.sets(st.sampled_from(range(len(ROWS)))),
    sizes=st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)),
    hard=st.booleans(),
)
def test_every_operator_accounts_for_all_that_it_asked(rows, sizes, hard, boxless):
    some = seeds([ROWS[row] for row in sorted(rows)])
    done = augment(some, boxless if hard else PROMPTS, params(*sizes), EXECUTION)
    by_operator = Counter(done.lineage["operator"])
    for name, operator in done.metrics.operators.items():
        ledger = operator.rows
        assert ledger.read == ledger.kept + sum(ledger.rejected.values()) == operator.answered
        assert by_operator[name] == (0 if name in ("rewrite", "rewrite_hard") else ledger.kept)
    assert done.metrics.rows.kept == done.problems.height == by_operator.total()
    assert done.metrics.rows.rejected == Counter(done.rejects["rule"])
    assert done.rejects["row_id"].is_unique().all()


def test_seeds_that_are_solved_right_are_retold_and_the_others_reflected_on(stages):
    done, _ = stages
    ledgers = {name: one.rows for name, one in done.metrics.operators.items()}
    assert {name: rows.read for name, rows in ledgers.items()} == {
        "solve": 6, "rewrite": 8, "rewritten": 8, "reflect": 2,
    }  # fmt: skip
    assert ledgers["solve"].rejected == {"personamath.answer_differs": 1, "personamath.no_answer": 1}
    assert ledgers["reflect"].rejected == {"personamath.still_wrong": 1, "personamath.no_correction": 1}
    assert ledgers["rewritten"].kept == 8


def test_a_mended_seed_is_retold_k2_times_and_wrong_attempts_at_that_are_mended_too(stages):
    _, hard = stages
    ledgers = {name: one.rows for name, one in hard.metrics.operators.items()}
    assert ledgers["solve"].rejected == {"personamath.no_answer": 6}
    assert ledgers["reflect"].kept == 4
    assert ledgers["rewrite_hard"].kept == ledgers["rewritten_hard"].rejected["personamath.no_answer"] == 12
    assert ledgers["reflect_hard"].kept == 12
    assert set(hard.lineage["operator"]) == {"reflect", "reflect_hard"}


def test_rows_are_held_against_gold_and_name_persona_and_parents(stages):
    by_seed = {row["seed_id"]: row for row in ROWS}
    personas = {one.persona_id: one.group for one in read_personas(PROMPTS)}
    for done in stages:
        for row, line in zip(done.problems.to_dicts(), done.lineage.to_dicts(), strict=True):
            seed = by_seed[line["seed_ids"][0]]
            assert line["expected_from"] == "gold"
            assert equal(seed["answer"], row["answer"]).equal
            of_seed = line["operator"] in ("solve", "reflect")
            assert (row["problem"] == seed["question"]) == of_seed
            assert stated_numbers(seed["question"]).as_in(stated_numbers(row["problem"]))
            assert bool(line["variant"]) != of_seed
            parents = {"solve": 0, "rewritten": 1, "reflect": 1, "reflect_hard": 2}
            assert len(line["parent_ids"]) == parents[line["operator"]]
        told = [
            (line["seed_ids"][0], personas[line["variant"].partition("/")[0]])
            for line in done.lineage.iter_rows(named=True)
            if line["variant"]
        ]
        assert len(set(told)) == len(told), "each persona of a seed is of another group"


def test_the_row_of_a_reflection_is_the_new_solution_alone(stages):
    _, hard = stages
    for row in hard.problems.iter_rows(named=True):
        assert not any(
            word in row["solution"].lower() for word in ("mistake", "wrong", "attempt", "no answer")
        )
        assert row["solution"].count("\\boxed") == 1


def test_what_a_wrong_attempt_took_is_spent_and_not_kept(boxless):
    done = augment(seeds(KNOWN), boxless, params(k2=1), EXECUTION)
    kept = [done.metrics.operators[name] for name in ("reflect", "reflect_hard")]
    assert all(one.rows.kept == one.rows.read for one in kept)
    assert done.metrics.kept_tokens == sum(one.prompt_tokens + one.completion_tokens for one in kept)


def test_retellings_that_the_teacher_refuses_are_failures_and_lead_nowhere(tmp_path):
    folder = tmp_path / "personamath"
    copytree(PROMPTS.path, folder)
    text = (folder / "retell.md").read_text().replace("{persona}", "A cook.")
    (folder / "retell.md").write_text(text.replace("Task: retell", "Task: {persona}"))
    (folder / "personas.csv").write_text("persona_id,group,licence,text\na,a,MIT,retell\nb,b,MIT,sing\n")
    done = augment(seeds(KNOWN), InFiles(folder), params(k1=2), EXECUTION)
    ledgers = {name: one.rows for name, one in done.metrics.operators.items()}
    assert ledgers["rewrite"].failed == done.failures.height == len(KNOWN)
    assert ledgers["rewrite"].kept == ledgers["rewritten"].read == ledgers["rewritten"].kept == len(KNOWN)


def test_a_second_reflection_shows_the_last_attempt():
    rounds = rounds_of(seeds([ROWS[0]]), PROMPTS, params(k1=0, k2=0, reflections=2))
    (solve,) = next(rounds).asks
    (first,) = next_round(rounds, {solve.ask_id: "It is \\boxed{-1}."}).asks
    (second,) = next_round(rounds, {first.ask_id: "Now it is \\boxed{-2}."}).asks
    last = next_round(rounds, {second.ask_id: "And now it is \\boxed{-3}."})
    assert (solve.form, first.form, second.form) == ("attempt", "correction", "correction")
    assert "boxed{-1}" in first.prompt
    assert "boxed{-2}" in second.prompt
    assert "boxed{-1}" not in second.prompt
    assert second.parent_ids == (solve.ask_id, first.ask_id)
    assert (first.draw, second.draw) == (0, 1)
    assert not last.asks


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("A driver loads 7 crates of 8 jars into a van. How many jars does the driver load?", None),
        (
            "A driver loads 7 crates of 9 jars into a van. How many jars does the driver load?",
            "numbers_changed",
        ),
        ("", "reply_is_empty"),
    ],
)
def test_a_retelling_is_solved_only_where_its_numbers_are_the_same(text, rule):
    rounds = rounds_of(seeds([ROWS[-2]]), PROMPTS, params(k1=1))
    (solve,) = next(rounds).asks
    (rewrite,) = next_round(rounds, {solve.ask_id: "\\boxed{56}"}).asks
    after = next_round(rounds, {rewrite.ask_id: text})
    assert [one.refusal and one.refusal.rule for one in after.judged] == [rule]
    assert [(one.operator, one.question) for one in after.asks] == ([] if rule else [("rewritten", text)])


def test_more_draws_ask_for_the_new_ones_alone_and_a_replay_gives_the_same(boxless):
    for prompts in (PROMPTS, boxless):
        few = augment(seeds(), prompts, params(2, 2), EXECUTION)
        paid = {row.key for row in open_store().rows(CHAT)}
        many = augment(seeds(), prompts, params(4, 4), EXECUTION)
        assert paid < {row.key for row in open_store().rows(CHAT)}
        old = many.problems.filter(pl.col("problem_id").is_in(few.problems["problem_id"].implode()))
        assert old.sort("problem_id").equals(few.problems.sort("problem_id"))
        again = augment(seeds(), prompts, params(4, 4), REPLAY)
        assert again.problems.equals(many.problems)
        assert again.metrics == many.metrics


ATTEMPTS = {"right": "It is \\boxed{{{gold}}}.", "wrong": "It is \\boxed{{-123}}.", "none": "I do not know."}
RETELLINGS = {"good": "It came to her at noon: {question}", "bad": "There are 987654 more."}


def all_asks(rows, params_, attempts, corrections, retellings):
    """Every ask, and what was judged, if the teacher answers by seed and persona as specified."""
    rounds = rounds_of(seeds(rows), PROMPTS, params_)
    gold = {row["seed_id"]: row["answer"] for row in rows}
    asked, judged, round_ = [], [], next(rounds)
    while round_ is not None:
        asked += round_.asks
        judged += round_.judged
        written = {}
        for one in round_.asks:
            place = sum(map(ord, one.seed_ids[0] + one.variant))
            by_form = {
                "attempt": attempts,
                "solution": attempts,
                "correction": corrections,
                "text": retellings,
            }
            template = by_form[one.form][place % len(by_form[one.form])]
            if one.form != "solution":
                written[one.ask_id] = template.format(gold=gold[one.seed_ids[0]], question=one.question)
        round_ = next_round(rounds, written)
    return asked, judged


WITH_GOLD = [row for row in ROWS if row["answer"]]


@settings(max_examples=15, deadline=None)
@given(
    order=st.permutations(WITH_GOLD),
    sizes=st.tuples(st.integers(0, 3), st.integers(0, 13), st.integers(0, 2)),
    attempts=st.lists(st.sampled_from(list(ATTEMPTS.values())), min_size=1, max_size=5),
    corrections=st.lists(st.sampled_from(list(ATTEMPTS.values())), min_size=1, max_size=3),
    retellings=st.lists(st.sampled_from(list(RETELLINGS.values())), min_size=1, max_size=3),
)
def test_neither_the_order_of_seeds_nor_more_draws_change_an_ask(
    order, sizes, attempts, corrections, retellings
):
    answers = (attempts, corrections, retellings)
    asked, judged = all_asks(order, params(*sizes), *answers)
    assert (asked, judged) == all_asks(WITH_GOLD, params(*sizes), *answers)
    assert len({one.ask_id for one in asked}) == len(asked)
    assert {one.row_id for one in judged} == {one.ask_id for one in asked if one.form == "text"}
    k1, k2, reflections = sizes
    more = {one.ask_id: one for one in all_asks(WITH_GOLD, params(k1 + 1, k2 + 1, reflections), *answers)[0]}
    assert all(more[one.ask_id].prompt == one.prompt for one in asked)


def test_the_plan_counts_requests_of_each_operator_before_and_after_they_are_made():
    before = recipe_asks(seeds(), PROMPTS, params(), open_store())
    done = augment(seeds(), PROMPTS, params(), EXECUTION)
    asked = {name: one.answered for name, one in done.metrics.operators.items()}
    assert (before.stored, before.known) == (0, {"solve": 6})
    assert {name: before.ahead[name] for name in ("rewrite", "rewritten")} == {"rewrite": 12, "rewritten": 12}
    assert before.ahead["reflect"] == 1, "the usual share"
    after = recipe_asks(seeds(), PROMPTS, params(), open_store())
    assert (after.known, after.stored, after.ahead) == (asked, sum(asked.values()), {})
    assert asks_of_a_seed(params(11, 22)) == pytest.approx(
        {"solve": 1, "rewrite": 11, "rewritten": 11, "reflect": 0.16,
         "rewrite_hard": 0.352, "rewritten_hard": 0.352, "reflect_hard": 0.352}
    )  # fmt: skip


def test_the_keys_of_answers_are_those_of_ever():
    row = KNOWN[0] | {"seed_id": "s1", "question": "What is 2 + 3?", "answer": "5"}
    rounds = rounds_of(seeds([row]), PROMPTS, params(k1=1))
    fields = {"temperature": 0.7, "top_p": 1.0, "max_tokens": 1024}
    keyed = params()
    keyed.teachers["one"] = declared(**fields)
    (solve,) = next(rounds).asks
    (rewrite,) = next_round(rounds, {solve.ask_id: "\\boxed{5}"}).asks
    assert [(one.ask_id, chat_key(request_of(one, keyed))) for one in (solve, rewrite)] == [
        ("a7c283fda0a15f958e4dffb80488d068", "a519eacdf3b21fb2101e87500152a5f0"),
        ("ddd06446f18b74238c6ecab85cba2a2d", "cc929b43f8aecfa2055d250eaed45231"),
    ]
