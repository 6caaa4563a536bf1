"""Duplicates: kept and dropped rows partition the input, a second pass and the order of rows change nothing,
and each dropped row names a kept one that is like it.
"""

import random
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles
from jz3.curation.dedup import DedupParams, dedup
from jz3.curation.released import index_notes, read_releases
from jz3.tables.verdict import Verdict
from jz3.teacher.number_masks import masks_of
from jz3.teacher.recipes.metamath import TOLD
from jz3.text.words import tokens
from tests.curation.planted import jaccard as similarity
from tests.curation.rows import needs_samples, problem, problems, sampled, verdicts

THRESHOLD = 0.5
PARAMS = DedupParams(seed=3, threshold=THRESHOLD, bands=16, rows_per_band=4, releases=[], with_solution=[])
NOTES = index_notes(PARAMS.bands, PARAMS.rows_per_band)

# Few words, so that many rows are nearly the same by chance.
QUESTIONS = st.lists(
    st.lists(st.sampled_from(["one", "Two", "3", "four,", "five", "+"]), max_size=12)
    .map(" ".join)
    .map("Q {}".format),
    max_size=25,
)


NOWHERE = Path(tempfile.gettempdir()) / "no-releases"
SCRATCH = Path(tempfile.gettempdir())


def survivors(questions, ids=None):
    return find_survivors(ids or [f"r{number}" for number in range(len(questions))], questions, PARAMS)


def find_survivors(ids, questions, params):
    """Id to rule and survivor; nothing for a kept row."""
    schema = {"problem_id": pl.String, "problem": pl.String}
    rows = pl.DataFrame({"problem_id": ids, "problem": questions}, schema=schema)
    released = read_releases(InFiles(NOWHERE), [], index_notes(params.bands, params.rows_per_band))
    found = dedup(rows.lazy(), [], released, params, 2, SCRATCH)
    return {row_id: (rule, survivor) for row_id, rule, survivor in found.verdicts.iter_rows()}


@settings(max_examples=40)
@given(QUESTIONS)
def test_each_row_is_judged_once_and_each_dropped_one_names_a_kept_one_like_it(questions):
    found = survivors(questions)
    text = {f"r{number}": question for number, question in enumerate(questions)}
    assert found.keys() == text.keys()
    for row_id, (rule, survivor) in found.items():
        if rule is None:
            assert survivor is None
            continue
        assert found[survivor] == (None, None)
        assert similarity(text[row_id], text[survivor]) >= THRESHOLD
        assert (rule == "dedup.exact") == (tokens(text[row_id]) == tokens(text[survivor]))


@settings(max_examples=40)
@given(QUESTIONS)
def test_a_second_pass_drops_nothing(questions):
    found = survivors(questions)
    kept = [row_id for row_id, (rule, _) in found.items() if rule is None]
    again = survivors([questions[int(row_id[1:])] for row_id in kept], kept)
    assert all(rule is None for rule, _ in again.values())


@settings(max_examples=40)
@given(QUESTIONS, st.randoms())
def test_the_order_of_rows_does_not_matter(questions, shuffler):
    numbered = [(f"r{number}", question) for number, question in enumerate(questions)]
    found = survivors(questions)
    shuffler.shuffle(numbered)
    assert survivors([text for _, text in numbered], [row_id for row_id, _ in numbered]) == found


@settings(max_examples=40)
@given(QUESTIONS.filter(bool), st.data())
def test_an_exact_duplicate_is_always_found_whatever_its_case_and_punctuation(questions, data):
    planted = data.draw(st.sampled_from(questions))
    found = survivors([*questions, planted.upper().replace(" ", "  ") + "?"])
    same = [
        found[f"r{number}"]
        for number, question in enumerate([*questions, planted])
        if tokens(question) == tokens(planted)
    ]
    kept = [finding for finding in same if finding[0] is None]
    assert len(kept) <= 1
    assert len({survivor for _, survivor in same if survivor}) == 1


def test_a_chain_does_not_swallow_what_differs_from_every_kept_row():
    """A ~ b and b ~ c, but a and c differ: if b is dropped for one of them, the other stays."""
    start = [f"w{number}" for number in range(40)]
    changed = [*start[:37], "v0", "v1", "v2"]
    changed_more = ["u0", "u1", "u2", *changed[3:]]
    questions = [" ".join(text) for text in (start, changed, changed_more)]
    assert similarity(questions[0], questions[1]) >= 0.8 > similarity(questions[0], questions[2])
    params = PARAMS.model_copy(update={"threshold": 0.8, "bands": 32})
    orders = set()
    for trial in range(12):
        ids = [f"{trial}/{number}" for number in range(3)]
        found = find_survivors(ids, questions, params)
        dropped = [number for number in range(3) if found[ids[number]][0]]
        orders.add(tuple(dropped))
        assert dropped in ([1], [0, 2])
    assert orders == {(1,), (0, 2)}, "both survivor orders were met"


def test_the_folder_of_temporary_files_need_not_be_there(tmp_path):
    rows = problems(problem("a", "What is one?"), problem("b", "What is one?"))
    released = read_releases(InFiles(NOWHERE), [], NOTES)
    found = dedup(rows.lazy(), [], released, PARAMS, 1, tmp_path / "not/yet")
    assert found.metrics.rows.kept == 1


def test_of_no_row_none_is_a_duplicate():
    released = read_releases(InFiles(NOWHERE), [], NOTES)
    metrics = dedup(problems().lazy(), [], released, PARAMS, 1, SCRATCH).metrics
    assert (metrics.rows.read, metrics.duplicate_share, metrics.largest_group) == (0, 0.0, 0)


def test_problems_that_differ_in_a_sign_alone_are_no_exact_duplicates():
    found = survivors(["Solve x + 2 = 0.", "Solve x - 2 = 0."])
    assert {rule for rule, _ in found.values()} != {None, "dedup.exact"}


def test_rows_that_were_rejected_before_are_neither_judged_nor_survivors():
    rows = problems(problem("a"), problem("b"), problem("c"))
    none = read_releases(InFiles(NOWHERE), [], NOTES)
    tables = [verdicts({"a": "execute.failed"}), verdicts({"b": None})]
    found = dedup(rows.lazy(), tables, none, PARAMS, 2, SCRATCH)
    metrics = found.metrics
    Verdict.validate(found.verdicts)
    assert sorted(found.verdicts["row_id"]) == ["b", "c"]
    kept = found.verdicts.filter(pl.col("rule").is_null())["row_id"].to_list()
    assert pl.concat(found.index())["problem_id"].to_list() == kept
    assert metrics.rows.model_dump() == {"read": 2, "kept": 1, "rejected": {"dedup.exact": 1}, "failed": 0}
    assert (metrics.duplicate_share, metrics.largest_group) == (0.5, 2)


@pytest.mark.parametrize("batch_rows", [1, 2, 5])
def test_texts_read_in_small_batches_give_the_same_verdicts_and_index(batch_rows, monkeypatch):
    kinds = ("What is one and one?", "Is {0} more than {1}?", "Name a number next to {0}.")
    rows = problems(*(problem(f"{n:02}", kinds[n % 3].format(n, n + 1)) for n in range(12)))
    none = read_releases(InFiles(NOWHERE), [], NOTES)
    at_once = dedup(rows.lazy(), [verdicts({"04": "execute.failed"})], none, PARAMS, 2, SCRATCH)
    index = pl.concat(at_once.index())
    monkeypatch.setattr("jz3.curation.dedup.BATCH_ROWS", batch_rows)
    found = dedup(rows.lazy(), [verdicts({"04": "execute.failed"})], none, PARAMS, 2, SCRATCH)
    frames = list(found.index())
    assert len(frames) > 1
    assert found.verdicts.equals(at_once.verdicts)
    assert pl.concat(frames).equals(index)


def test_questions_without_words_are_compared_as_they_are():
    found = survivors(["△ □", "△ □", "□ △"])
    assert sorted(str(rule) for rule, _ in found.values()) == ["None", "None", "dedup.exact"]


@needs_samples
@pytest.mark.parametrize("edits", [1, 2, 3])
def test_edited_copies_of_real_questions_are_found_where_they_are_like_enough(edits):
    """At 0.7 with 16 bands of 4, one pair in eighty is missed."""
    params = PARAMS.model_copy(update={"threshold": 0.7})
    draws = random.Random(edits)
    rows = [row["problem"] for row in sampled("cot", 300)]
    copies = [edited(text, edits, draws) for text in rows]
    like = [
        n for n, (text, copy) in enumerate(zip(rows, copies, strict=True)) if similarity(text, copy) >= 0.7
    ]
    ids = [*(f"o{n}" for n in range(300)), *(f"c{n}" for n in range(300))]
    found = find_survivors(ids, rows + copies, params)
    pairs = [(found[f"o{n}"], found[f"c{n}"]) for n in like]
    assert len(like) > 150
    assert sum(any(rule for rule, _ in pair) for pair in pairs) >= 0.97 * len(like)
    text_of = dict(zip(ids, rows + copies, strict=True))
    dropped = pl.DataFrame([(row, end) for row, (rule, end) in found.items() if rule], orient="row")
    assert all(similarity(text_of[row], text_of[end]) >= 0.7 for row, end in dropped.iter_rows())


def edited(text, edits, draws):
    changed = text.split()
    for _ in range(edits):
        changed[draws.randrange(len(changed))] = "changed"
    return " ".join(changed)


def test_rows_of_the_named_sources_are_the_same_only_with_the_same_solution():
    question = "Anna has 3 apples and buys 4 more of them at the market. How many apples does she have?"
    solutions = ("We add 3 + 4 = 7 apples.", "Four more than three makes seven of them in all.")
    rows = pl.DataFrame(
        [
            (f"{source}{number}", source, question, solution)
            for source in ("seed", "web")
            for number, solution in enumerate([*solutions, solutions[0].upper()])
        ],
        schema=["problem_id", "source", "problem", "solution"],
        orient="row",
    )
    released = read_releases(InFiles(NOWHERE), [], NOTES)

    def kept(with_solution):
        params = PARAMS.model_copy(update={"with_solution": with_solution, "threshold": 0.95})
        verdicts = dedup(rows.lazy(), [], released, params, 2, SCRATCH).verdicts
        return verdicts.filter(pl.col("rule").is_null())["row_id"].str.slice(0, 3).to_list()

    assert len(kept([])) == 1
    assert sorted(kept(["seed"])) == ["see", "see", "web"]
    assert len(kept(["seed", "web"])) == 2


LONG = (
    "At the beginning of the school year the headmistress of a village school bought 24 boxes of crayons for "
    "the art room, and each of the boxes held 16 crayons in many bright colors. During the first term the "
    "children of the youngest class used up 130 of the crayons while they painted a long picture of the "
    "harvest festival on the wall of the gym, and the teacher gave another 38 crayons to the kindergarten "
    "next door, which had lost its own in a flood. How many crayons are left in the art room?"
)
SOLVED = {
    "24": "x * 16 - 130 - 38 = 216. So x * 16 = 216 + 130 + 38 = 384. So x = 384 / 16 = 24.",
    "16": "24 * x - 130 - 38 = 216. So 24 * x = 216 + 130 + 38 = 384. So x = 384 / 24 = 16.",
    "130": "24 * 16 - x - 38 = 216. That is 384 - 38 - x = 216. So x = 384 - 38 - 216 = 130.",
    "38": "24 * 16 - 130 - x = 216. That is 384 - 130 - x = 216. So x = 254 - 216 = 38.",
}
"""What a teacher writes about each masking of it."""


def test_rows_of_one_seed_that_differ_in_the_masked_place_all_stay():
    """At the threshold of the GPU profiles, though their questions alone are far above it."""
    released = read_releases(InFiles(NOWHERE), [], NOTES)
    rows = pl.DataFrame(
        [
            (
                masked.label,
                "seed",
                f"{masked.text} {TOLD.format(gold='216', variable=masked.variable)}",
                f"The equation is {SOLVED[masked.label]} The answer is \\boxed{{{masked.label}}}.",
            )
            for masked in masks_of(LONG)
        ],
        schema=["problem_id", "source", "problem", "solution"],
        orient="row",
    )
    assert rows["problem_id"].to_list() == list(SOLVED)

    def kept(with_solution):
        params = PARAMS.model_copy(update={"with_solution": with_solution, "threshold": 0.7})
        return dedup(rows.lazy(), [], released, params, 2, SCRATCH).metrics.rows.kept

    assert min(similarity(one, rows["problem"][0]) for one in rows["problem"]) > 0.8
    assert kept([]) == 1
    assert kept(["seed"]) == len(SOLVED)
