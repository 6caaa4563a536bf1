"""Grades follow from text, gold and certificate, each by its rule."""

import polars as pl
import pytest

from jz3.core.errors import UserError
from jz3.evaluation.certificates import Contamination, contamination_of_mix
from jz3.evaluation.grade import GradeParams, apart, grade
from jz3.tables.certificate_manifest import BenchmarkCheck, CertificateManifest
from jz3.tables.grade import Grade
from jz3.tables.item import Item
from jz3.tables.response import Response

PARAMS = GradeParams(symbolic_seconds=5, test=[])
CLEAN = Contamination(
    benchmarks=frozenset({"b"}), hit_items=frozenset({"b/1"}), certificates={"synthetic": "d"}
)


def items(golds, choices=None, benchmark="b"):
    return Item.validate(
        pl.DataFrame(
            [
                {
                    "item_id": f"{benchmark}/{number}",
                    "benchmark": benchmark,
                    "revision": "r",
                    "question": "q",
                    "choices": choices,
                    "gold": gold,
                    "subject": "s",
                    "level": None,
                }
                for number, gold in enumerate(golds)
            ],
            schema=Item.create_empty().schema,
        )
    )


def responses(texts, benchmark="b"):
    return Response.validate(
        pl.DataFrame(
            [
                {
                    "response_id": f"{benchmark}/{number}/prose/0",
                    "item_id": f"{benchmark}/{number}",
                    "setting": "prose",
                    "draw": 0,
                    "text": text,
                    "finish_reason": "stop",
                    "calls": 1,
                    "prompt_tokens": 1,
                    "completion_tokens": 1,
                }
                for number, text in enumerate(texts)
            ],
            schema=Response.create_empty().schema,
        )
    )


@pytest.fixture(scope="module")
def graded():
    texts = ["So \\boxed{\\frac{1}{2}}.", "The answer is 7", "\\boxed{8}", "I do not know"]
    return grade(responses(texts), items(["0.5", "7", "9", "1"]), CLEAN, PARAMS)


def test_a_box_counts_strictly_and_a_phrase_leniently(graded):
    table, metrics = graded
    Grade.validate(table)
    assert list(table["correct"]) == [True, False, False, False]
    assert list(table["correct_lenient"]) == [True, True, False, False]
    assert list(table["predicted"]) == ["\\frac{1}{2}", None, "8", None]
    assert table["rule"][3] == "no_answer"
    assert (metrics.correct, metrics.correct_lenient, metrics.answered) == (0.25, 0.5, 0.5)


def test_the_second_opinion_is_asked(graded):
    table, metrics = graded
    assert list(table["second_opinion"]) == [True, False, False, False]
    assert metrics.disagreements == 0


def test_each_item_carries_what_the_certificate_says(graded):
    assert list(graded[0]["contamination"]) == ["clean", "hit", "clean", "clean"]


def test_each_grade_names_the_certificates_of_the_mix(graded):
    assert set(graded[0]["certificate"]) == {"synthetic d"}
    named = CLEAN.model_copy(update={"certificates": {"synthetic": "b" * 32, "instruction": "a" * 32}})
    assert named.name == f"instruction {'a' * 12}, synthetic {'b' * 12}"


def test_grades_of_test_benchmarks_stand_apart_and_in_no_metric():
    held = GradeParams(symbolic_seconds=5, test=["t"])
    answered = pl.concat([responses(["\\boxed{1}", "\\boxed{5}"]), responses(["\\boxed{3}"], benchmark="t")])
    asked = pl.concat([items(["1", "2"]), items(["3"], benchmark="t")])
    graded, metrics = grade(answered, asked, CLEAN, held)
    development, test = apart(graded, held)
    assert (list(development["benchmark"]), list(test["benchmark"])) == (["b", "b"], ["t"])
    assert test["correct"].all()
    assert (metrics.rows.kept, metrics.correct, sum(metrics.by_rule.values())) == (3, 0.5, 2)


def test_a_test_benchmark_that_nobody_answered_is_one_line():
    with pytest.raises(UserError, match=r"grade\.test names typo, to which there is no response"):
        grade(responses(["1"]), items(["1"]), CLEAN, GradeParams(symbolic_seconds=5, test=["typo"]))


def test_equal_answers_of_one_item_are_one_candidate_of_a_vote():
    drawn = ["\\boxed{1/2}", "\\boxed{3}", "\\boxed{0.5}", "nothing", "\\boxed{x = 3}"]
    table = responses(drawn).with_columns(
        item_id=pl.lit("b/0"),
        draw=pl.Series(range(5), dtype=pl.Int64),
        response_id=pl.format("b/0/prose/{}", pl.Series(range(5))),
    )
    graded, _ = grade(table, items(["3"]), CLEAN, PARAMS)
    assert graded.sort("draw")["same_as"].to_list() == [0, 1, 0, None, 1]


def test_choices_are_read_as_letters():
    table, _ = grade(responses(["The answer is (B)."]), items(["B"], choices=["3", "4"]), CLEAN, PARAMS)
    assert list(table["correct"]) == [True]


def certificate(name, benchmarks):
    checks = [
        BenchmarkCheck(benchmark=b, revision="r", items=1, items_digest="i", hit_items=0, hits_by_class={})
        for b in benchmarks
    ]
    return CertificateManifest(
        certified=name, certified_digest=f"digest of {name}", rows=1, method={}, benchmarks=checks
    )


def hits(*rows):
    return pl.DataFrame(rows, schema={"item_id": pl.String, "hit_class": pl.String}, orient="row")


def test_a_benchmark_is_checked_where_each_part_of_the_mix_is():
    both = {
        "pretrain": (certificate("synthetic", ["a", "b"]), hits(("a/0", "ngram"), ("a/1", "number_masked"))),
        "instruction": (certificate("instruction", ["a"]), hits(("a/2", "whole"))),
    }
    whole = contamination_of_mix(pl.DataFrame({"part": ["pretrain", "instruction"]}), both)
    assert [whole.of("a", f"a/{n}") for n in range(3)] == ["hit", "clean", "hit"]
    assert whole.of("b", "b/0") == "unchecked"
    alone = contamination_of_mix(pl.DataFrame({"part": ["instruction"]}), both)
    assert alone.of("a", "a/0") == "clean"
    assert alone.certificates == {"instruction": "digest of instruction"}
