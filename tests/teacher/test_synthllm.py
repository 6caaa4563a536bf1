"""SynthLLM from passages to judged rows: problem writer, row store and grader."""

import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from jz3.answers.equality import equal
from jz3.core.artifacts import In, InFiles, Out
from jz3.generation.chat import CHAT
from jz3.graph.recipe_asks import recipe_asks
from jz3.store.row_store import open_store
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.passage import Passage
from jz3.tables.seed_problem import SeedProblem
from jz3.teacher.asks import AcrossSeedsError
from jz3.teacher.augment import augment
from jz3.teacher.beginnings import PASSAGES, SEEDS, BeginningError, begun_at
from jz3.teacher.recipes.synthllm import left_out
from jz3.teacher.taught import AugmentParams, asks_of_a_seed, next_round, rounds_of, rows_of_a_seed
from jz3.teacher.workings import save_workings
from jz3.writer.catalogue import FAMILIES, read
from tests.teacher.builders import EXECUTION, REPLAY, seed_problems, seed_row, working
from tests.teacher.builders import teacher as declared

PROMPTS = InFiles(Path(__file__).parents[2] / "data/recipes/synthllm")


def params(level_1=1, level_2=1, epochs=1, questions=2, answers=1, agreeing=1, documents=2):
    return AugmentParams.model_validate(
        {
            "teachers": {"one": declared(temperature=0.7, max_tokens=2048).model_dump()},
            "seed": 47,
            "recipe": {
                "name": "synthllm",
                "topics": 3,
                "key_concepts": 20,
                "level_1": {"draws": level_1, "questions": questions},
                "level_2": {"draws": level_2, "questions": questions},
                "level_3": {
                    "epochs": epochs,
                    "topic_steps": [1, 2],
                    "concept_steps": [3, 4],
                    "epsilon": 1e-6,
                    "documents": documents,
                    "questions": questions,
                },
                "answers": answers,
                "agreeing": agreeing,
            },
        }
    )


def passage(number, text):
    return {
        "passage_id": f"p{number:02}",
        "source": ("web", "books")[number % 2],
        "document_id": f"d{number}",
        "origin": "a book",
        "licence": ("CC-BY-4.0", "MIT")[number % 2],
        "offset": 0,
        "text": text,
    }


def words_of(number):
    return " and ".join([*FAMILIES[number].words[:4], *FAMILIES[number + 1].words[:2]])


TEXTS = [
    *(f"This tells of {words_of(number)}." for number in range(7)),
    "Aunt Klara bakes bread.",
    "The determinant of an invertible matrix, by Laplace.",
]
ROWS = [passage(number, text) for number, text in enumerate(TEXTS)]


def passages(rows=ROWS):
    return Passage.validate(pl.DataFrame(rows, schema=Passage.create_empty().schema))


@pytest.fixture(scope="module")
def done(store):
    """One run, for tests that look at what it left."""
    before = recipe_asks(passages(), PROMPTS, params(), open_store())
    return before, augment(passages(), PROMPTS, params(), EXECUTION)


def test_every_operator_accounts_for_all_that_it_asked_and_found(found):
    operators = {name: one.rows for name, one in found.metrics.operators.items()}
    levels = {f"{what}_{level}" for what in ("pose", "question", "solve") for level in (1, 2, 3)}
    assert set(operators) == {"concepts", "combine"} | levels
    for rows in operators.values():
        assert rows.read == rows.kept + sum(rows.rejected.values()) + rows.failed
        assert rows.kept > 0
    for level in (1, 2, 3):
        assert operators[f"solve_{level}"].read == operators[f"question_{level}"].kept
    assert operators["concepts"].rejected == {"synthllm.unsuitable": 1}
    assert operators["pose_2"].read == operators["concepts"].kept == len(ROWS) - 1
    assert operators["pose_3"].read == operators["combine"].kept
    assert operators["combine"].rejected["synthllm.no_document"] > 0
    assert found.metrics.rows.kept == found.problems.height
    assert found.metrics.rows.rejected == Counter(found.rejects["rule"])
    assert found.metrics.seeds == len(ROWS)


def test_a_kept_row_knows_its_passages_and_says_that_nothing_confirms_it(found):
    by_id = {row["passage_id"]: row for row in ROWS}
    posed = {row["question_id"]: row for row in working(found, "questions").iter_rows(named=True)}
    combinations = {
        row["combination_id"]: row for row in working(found, "combinations").iter_rows(named=True)
    }
    for row, line in zip(found.problems.to_dicts(), found.lineage.to_dicts(), strict=True):
        question = posed[line["variant"]]
        assert line["parent_ids"] == [question["question_id"]]
        assert line["seed_ids"] == question["passage_ids"]
        assert (line["expected"], line["expected_from"]) == (None, "none")
        assert row["problem"] == question["text"]
        assert (row["passage_id"], row["source"]) == (
            line["seed_ids"][0],
            by_id[line["seed_ids"][0]]["source"],
        )
        assert row["level"] in ("grade", "middle", "high", "college")
        level = int(line["operator"][-1])
        assert (len(question["concepts"]) > 1) == (level > 1)
        assert (question["combination_id"] is not None) == (level == 3) == (len(line["seed_ids"]) == 2)
        if level == 3:
            met = combinations[question["combination_id"]]
            assert met["passage_ids"] == line["seed_ids"]
            assert set(question["concepts"]) <= set(met["names"])
        reading = read(row["problem"])
        assert equal(str(reading.answer), row["answer"]).equal, "the writer does not err"


def test_a_level_is_written_from_what_it_is_to_be_written_from(found):
    """Level 1: a word of the passage. Levels 2 and 3: two concepts of the family that words the question."""
    texts = {row["passage_id"]: row["text"] for row in ROWS}
    for question in working(found, "questions").iter_rows(named=True):
        family = read(question["text"]).family
        if question["concepts"]:
            own = {word.removesuffix("s") for word in (*family.words, family.name.partition(".")[2])}
            assert {name.removesuffix("s") for name in question["concepts"]} <= own
        else:
            (passage_id,) = question["passage_ids"]
            assert set(re.findall("[a-z]+", texts[passage_id].lower())) & set(family.words)


def test_concepts_of_several_spellings_are_one_and_edges_join_them(found, tmp_path):
    concepts = working(found, "concepts")
    assert concepts["name"].str.to_lowercase().equals(concepts["name"])
    assert concepts.group_by("kind", "name").len()["len"].max() == 1
    assert concepts.filter(pl.col("count") > 1).height > 0
    edges = working(found, "edges")
    assert set(edges["one"]) | set(edges["other"]) <= set(concepts["concept_id"])
    held = working(found, "text_concepts")
    counted = held.group_by("concept_id").len().sort("concept_id")
    assert counted["len"].to_list() == concepts.sort("concept_id")["count"].to_list()
    save_workings(found.workings, tmp_path)
    assert In(ConceptEdge, tmp_path / "edges.parquet").rows() == edges.height


def test_the_solver_sees_the_question_alone(found):
    """Every prompt of a solution is the template with its question, whatever level the question is from."""
    rounds = rounds_of(passages(), PROMPTS, params())
    first = next(rounds)
    assert {one.operator for one in first.asks} == {"pose_1", "concepts"}
    reply = "[Question 1]\nOrigin: new\nLevel: high\nWhat is 3 + 4?\n"
    second = next_round(rounds, {one.ask_id: reply for one in first.asks if one.operator == "pose_1"})
    assert {one.operator for one in second.asks} == {"solve_1"}
    (prompt,) = {one.prompt for one in second.asks}
    assert prompt == (PROMPTS.path / "solve.md").read_text().replace("{question}", "What is 3 + 4?")
    assert len({one.ask_id for one in second.asks}) == len(ROWS)


def test_the_plan_counts_what_is_asked_before_and_after(done):
    """Beforehand, the third level is estimated as the mean over many passages; for a few it is more."""
    before, found = done
    asked = {name: one.answered for name, one in found.metrics.operators.items() if one.answered}
    assert before.stored == 0
    assert all(before.known[name] + before.ahead[name] >= asked[name] for name in asked if name[-1] != "3")
    after = recipe_asks(passages(), PROMPTS, params(), open_store())
    assert (after.known, after.stored, after.ahead) == (asked, sum(asked.values()), {})
    assert asks_of_a_seed(params(epochs=3)) == {
        "pose_1": 1, "solve_1": 2, "concepts": 1, "pose_2": 1, "solve_2": 2, "pose_3": 1, "solve_3": 2,
    }  # fmt: skip
    assert rows_of_a_seed(params(level_2=4, epochs=9, answers=3, agreeing=2)) == 2 + 8 + 6
    assert asks_of_a_seed(params(level_2=0, epochs=0)) == {"pose_1": 1, "solve_1": 2}


def test_more_draws_and_epochs_ask_for_the_new_ones_alone_and_a_replay_gives_the_same(done):
    _, few = done
    paid = {row.key for row in open_store().rows(CHAT)}
    again = augment(passages(ROWS[::-1]), PROMPTS, params(), REPLAY)
    assert again.metrics == few.metrics
    for name in ("problems", "lineage", "rejects"):
        assert getattr(again, name).equals(getattr(few, name))
    for one, other in zip(again.workings, few.workings, strict=True):
        assert one.rows.equals(other.rows)
    more = augment(passages(), PROMPTS, params(level_1=2, level_2=2, epochs=2), EXECUTION)
    sent = [row.key for row in open_store().rows(CHAT)]
    assert paid < set(sent)
    assert len(sent) == len(set(sent)), "nothing was paid for twice"
    old = more.problems.filter(pl.col("problem_id").is_in(few.problems["problem_id"].implode()))
    assert old.sort("problem_id").equals(few.problems.sort("problem_id"))


def test_what_was_paid_for_before_a_kill_is_not_paid_for_again(tmp_path, monkeypatch):
    """A killed run leaves the answers to a part of the passages: the whole run uses all of levels 1 and 2."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    augment(passages(ROWS[:4]), PROMPTS, params(epochs=0), EXECUTION)
    whole = augment(passages(), PROMPTS, params(epochs=0), EXECUTION)
    sent = [row.key for row in open_store().rows(CHAT)]
    assert len(sent) == len(set(sent)) == whole.metrics.answered


def spent(done):
    return done.metrics.prompt_tokens + done.metrics.completion_tokens


def test_levels_of_one_passage_keep_within_a_cap_and_the_third_must_fit_as_a_whole(store):
    two = params(epochs=0)
    whole = augment(passages(), PROMPTS, two, EXECUTION)
    capped = augment(passages(), PROMPTS, two, REPLAY, spent(whole) // 2)
    assert 0 < spent(capped) <= spent(whole) // 2
    beyond = capped.rejects.filter(rule="synthllm.budget")
    rest = [row for row in ROWS if row["passage_id"] not in set(beyond["row_id"])]
    assert 0 < len(rest) < len(ROWS)
    alone = augment(passages(rest), PROMPTS, two, REPLAY)
    assert capped.problems.equals(alone.problems)
    assert spent(capped) == spent(alone)
    three = augment(passages(), PROMPTS, params(), EXECUTION)
    took = spent(three)
    assert augment(passages(), PROMPTS, params(), REPLAY, took).problems.equals(three.problems)
    message = rf"synthllm took {took:,} tokens .* is {took - 1:,}; it asks across passages"
    with pytest.raises(AcrossSeedsError, match=message):
        augment(passages(), PROMPTS, params(), REPLAY, took - 1)


def test_votes_keep_the_first_solution_that_the_majority_gives(store):
    three = augment(passages(), PROMPTS, params(epochs=0, answers=3, agreeing=2), EXECUTION)
    rows = three.metrics.operators["solve_1"].rows
    assert rows.rejected == {"synthllm.not_first": 2 * rows.kept}
    assert set(three.lineage["draw"]) == {0}


NAMED = "Level: high\nTopic: chance\n- fraction\n- event\n"
POSED = "[Question {}]\nConcepts: fraction; {}\nLevel: high\n{}\n"
REPLIES = [
    NAMED,
    f"{NAMED}Topic: counting\n- product\n- sum",
    POSED.format(1, "event", "What is 3 + 4?"),
    POSED.format(1, "chance", "What is 3 + 4?") + POSED.format(2, "event", "What is the text?"),
    "\n".join(POSED.format(number, "event", f"What is {number} + 4?") for number in (1, 2, 3)),
    "UNSUITABLE",
    "I would rather not.",
]


def asked_of(rows, recipe, replies):
    """All asks, and everything that was judged, if each answer is drawn by the name of its ask."""
    rounds = rounds_of(passages(rows), PROMPTS, recipe)
    asks, judged, round_ = [], [], next(rounds)
    while round_ is not None:
        asks += round_.asks
        judged += round_.judged
        texts = {one.ask_id: replies[int(one.ask_id, 16) % len(replies)] for one in round_.asks}
        round_ = next_round(rounds, {name: texts[name] for name in sorted(texts)})
    return asks, judged


@settings(max_examples=15, deadline=None)
@given(
    order=st.permutations(ROWS),
    replies=st.lists(st.sampled_from(REPLIES), min_size=1, max_size=12),
    draws=st.tuples(*[st.integers(0, 2)] * 3),
    more=st.tuples(*[st.integers(0, 2)] * 3),
)
def test_whatever_is_answered_order_moves_nothing_more_draws_keep_asks_and_all_is_judged(
    order, replies, draws, more
):
    asks, judged = asked_of(ROWS, params(*draws), replies)
    assert asked_of(order, params(*draws), replies) == (asks, judged)
    now, _ = asked_of(order, params(*map(sum, zip(draws, more, strict=True))), replies)
    ids = {one.ask_id for one in now}
    assert {one.ask_id for one in asks} <= ids
    assert len(ids) == len(now)
    rows = Counter(one.row_id for one in judged)
    assert set(rows.values()) <= {1}
    assert {one.ask_id for one in asks if one.form == "text"} <= set(rows)
    kept = Counter(one.operator for one in judged if one.refusal is None)
    solved = Counter(one.operator.replace("solve", "question") for one in asks if one.form == "solution")
    assert solved == {name: count for name, count in kept.items() if name.startswith("question")}


@settings(max_examples=60)
@given(
    answers=st.dictionaries(
        st.sampled_from("pq"), st.lists(st.sampled_from(["3", "3.0", "4", "5"]), max_size=5)
    ),
    agreeing=st.integers(3, 5),
)
def test_of_a_question_one_solution_is_kept_or_none(answers, agreeing):
    rows = [
        {"problem_id": f"{question}{draw}", "answer": answer}
        for question, given_ in answers.items()
        for draw, answer in enumerate(given_)
    ]
    recipe = params(answers=5, agreeing=agreeing).recipe
    out = left_out(rows, {row["problem_id"]: row["problem_id"][0] for row in rows}, recipe)
    for question, given_ in answers.items():
        kept = [draw for draw in range(len(given_)) if f"{question}{draw}" not in out]
        values = [float(answer) for answer in given_]
        most = max((value for value in values), key=values.count, default=None)
        won = most is not None and values.count(most) >= agreeing
        assert kept == ([values.index(most)] if won else [])
        rules = {out[one].rule for one in out if one[0] == question}
        assert won or rules <= {"no_agreement"}


def test_a_request_may_be_for_one_question_and_a_combination_for_one_passage():
    smallest = params(questions=1, documents=1)
    assert asks_of_a_seed(smallest)["solve_1"] == asks_of_a_seed(smallest)["solve_2"] == 1
    assert asks_of_a_seed(params(0, 0, 0, questions=1, documents=1)) == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"answers": 4, "agreeing": 2}, "more than half"), ({"answers": 1, "agreeing": 2}, "more than half")],
)
def test_votes_that_two_answers_could_win_are_refused(wrong, said):
    with pytest.raises(ValidationError, match=said):
        params(**wrong)


def test_a_recipe_is_told_when_its_table_is_the_other_one(tmp_path):
    seeds, none = In(SeedProblem, tmp_path / "seeds.parquet"), In(Passage, tmp_path / "none.parquet")
    Out(SeedProblem, seeds.path).write(seed_problems([seed_row(0, FAMILIES[0])]))
    Out(Passage, none.path).write(Passage.create_empty())
    assert begun_at(SEEDS, seeds, none).height == 1
    with pytest.raises(
        BeginningError, match=r"none\.parquet has no row, and .*seeds\.parquet has 1; this .* passages"
    ):
        begun_at(PASSAGES, seeds, none)


def test_without_any_suitable_passage_there_is_nothing_and_no_error(store):
    none = augment(passages(ROWS[7:8]), PROMPTS, params(), EXECUTION)
    assert none.problems.height == 0
    assert set(none.metrics.rows.rejected) == {"synthllm.unsuitable"}
    assert [one.rows.height for one in none.workings] == [0] * 5
