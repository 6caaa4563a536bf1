"""Benchmark items are found however they are dressed up; a longer n never finds more; the certificate says
what was done.
"""

import random
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import In, InDir, Out, OutDir
from jz3.curation.decontaminate import decontaminate, questions_of
from jz3.curation.overlap import DecontaminateParams, ItemIndex
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.hit import Hit
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict
from jz3.text.words import words
from tests.curation.respelt import SPELLINGS, all_at_once
from tests.curation.rows import (
    benchmark_questions,
    items,
    needs_benchmarks,
    needs_samples,
    problem,
    problems,
    sampled,
)


@pytest.fixture(autouse=True, scope="module")
def own_store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        yield


QUESTION = (
    "Ann has 12 red marbles and twice as many blue ones. She gives 5 red and 6 blue marbles to Bob. "
    "How many marbles are left?"
)


def params(**changes):
    return DecontaminateParams.model_validate(
        {
            "ngram": 13,
            "least_contained_words": 6,
            "least_filled_share": 0.6,
            "short_ngram": 8,
            "short_ngram_coverage": 0.5,
            "least_masked_words": 6,
        }
        | changes
    )


def classes(question, text, **changes):
    return list(ItemIndex(pl.Series([question]), params(**changes)).hits(pl.Series([text])).values())


TEXTS = st.lists(st.sampled_from(["one", "Two", "3", "four.", "x", "(y)"]), min_size=1, max_size=30)
SEVERAL = st.lists(TEXTS.map(" ".join), min_size=1, max_size=6)


@given(st.text(min_size=1).filter(str.strip), st.randoms())
def test_a_question_that_is_a_row_is_found_whatever_its_case_spacing_and_punctuation(question, draws):
    dressed = "".join(c.upper() + draws.choice(["", " ", ".", "\n"]) if c.isascii() else c for c in question)
    assert classes(question, question), question
    if any(map(str.isalnum, question)):
        assert classes(question, dressed), dressed


@given(TEXTS, TEXTS, TEXTS)
def test_a_question_of_thirteen_words_is_found_inside_any_row(before, question, after):
    row = " ".join([*before, *(word.upper() + "," for word in question), *after])
    found = classes(" ".join(question), row)
    assert found == ["ngram"] if len(words(" ".join(question))) >= 13 else True


@given(SEVERAL, SEVERAL, st.integers(1, 14), st.integers(1, 6))
def test_a_longer_n_never_finds_more(questions, rows, n, longer):
    def found(length):
        hits = ItemIndex(
            pl.Series(questions), params(ngram=length, short_ngram=8, short_ngram_coverage=1.0)
        ).hits(pl.Series(rows))
        return {pair for pair, hit_class in hits.items() if hit_class in ("ngram", "whole")}

    assert found(n + longer) <= found(n)


@given(SEVERAL, SEVERAL)
def test_hits_are_those_of_a_plain_search(questions, rows):
    """The numpy index against plain sets of tuples."""
    hits = ItemIndex(pl.Series(questions), params(ngram=4)).hits(pl.Series(rows))
    ngram = {pair for pair, hit_class in hits.items() if hit_class == "ngram"}
    assert ngram == {
        (row, item)
        for row, text in enumerate(rows)
        for item, question in enumerate(questions)
        if grams(text) & grams(question)
    }


def grams(text):
    sequence = words(text)
    return {tuple(sequence[start : start + 4]) for start in range(len(sequence) - 3)}


@given(SEVERAL, SEVERAL.filter(lambda rows: len(rows) > 1))
def test_rows_are_judged_one_by_one(questions, rows):
    index = ItemIndex(pl.Series(questions), params(ngram=5))
    together = index.hits(pl.Series(rows))
    alone = {
        (row, item): c
        for row, text in enumerate(rows)
        for (_, item), c in index.hits(pl.Series([text])).items()
    }
    assert together == alone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (QUESTION.upper(), ["ngram"]),
        ("Ann's story. " + QUESTION.replace(" ", "\n") + " Explain!", ["ngram"]),
        ("Ann has 12 red marbles and twice as many blue ones. What does she have?", []),
        (QUESTION.replace("red", "green").replace("Ann", "Eve"), ["short_ngram"]),
        (QUESTION.replace("12", "40").replace("5", "7").replace("6", "9"), ["number_masked"]),
        ("Ben reads 3 books a month. How many does he read in a year?", []),
    ],
)
def test_how_a_long_question_is_repeated_decides_its_class(text, expected):
    # Runs of unchanged words between the numbers have at most ten.
    coverage = 0.1 if expected == ["short_ngram"] else 0.9
    assert classes(QUESTION, text, short_ngram_coverage=coverage) == expected


def test_a_short_question_counts_anywhere_and_a_very_short_one_where_it_is_most_of_the_row():
    assert classes(
        "What is the smallest prime number above 90?",
        f"{QUESTION} What is the smallest prime number above 90?",
    ) == ["whole"]
    assert classes("What is 3 + 4?", "What is 3+4 ?") == ["whole"]
    assert classes("What is 3 + 4?", f"{QUESTION} What is 3 + 4?") == []


@pytest.mark.parametrize(("words", "expected"), [("x", []), ("x + 3", ["whole"])])
def test_commands_of_a_short_question_count_as_words_for_at_most_half_of_them(words, expected):
    question = rf"Find $\displaystyle \left( \mathbf{{{words}}} \quad \right) \hfill$"
    assert classes(question, question) == ["whole"]
    assert classes(question, f"{QUESTION} {question} {QUESTION}") == expected


def test_each_number_of_words_may_be_one():
    least = {"ngram": 1, "least_contained_words": 1, "short_ngram": 1, "least_masked_words": 1}
    assert classes("Marbles?", QUESTION, **least) == ["ngram"]
    assert classes("Two", "Four", **least) == []


def test_a_question_without_words_is_found():
    assert classes("△ + □ = ?", "△+□=?") == ["whole"]


ROWS = problems(
    problem("1", QUESTION),
    problem("2", QUESTION.replace("12", "40").replace("5", "7").replace("6", "9")),
    problem("3", "Find the area of a circle of radius 2."),
    problem("4", "What is the sum of all digits of 1234?"),
)
ITEMS = items(
    QUESTION, "What is the sum of all digits of 1234?", "Name the largest even prime number below 9."
)


def test_each_row_has_one_verdict_that_names_the_item():
    found = decontaminate([ROWS.head(2), ROWS.tail(2)], ITEMS, params(), threads=1)
    table = Verdict.validate(found.verdicts)
    assert table.rows() == [
        ("1", "decontaminate.ngram", "exam/00000"),
        ("2", None, None),
        ("3", None, None),
        ("4", "decontaminate.whole", "exam/00001"),
    ]
    assert found.metrics(found.verdicts.height).hit_items == 2
    assert found.metrics(found.verdicts.height).rows.rejected == {
        "decontaminate.ngram": 1,
        "decontaminate.whole": 1,
    }


def test_the_certificate_names_method_counts_and_pairs(tmp_path):
    certificate = OutDir(CertificateManifest, tmp_path / "synthetic")
    decontaminate([ROWS], ITEMS, params(), threads=1).certify("synthetic", certificate)
    manifest = InDir(CertificateManifest, tmp_path / "synthetic").manifest()
    assert (manifest.certified, manifest.rows, manifest.method["ngram"]) == ("synthetic", 4, 13)
    (check,) = manifest.benchmarks
    assert (check.items, check.hit_items) == (3, 2)
    assert check.hits_by_class == {"ngram": 1, "whole": 1, "short_ngram": 0, "number_masked": 1}
    hits = In(Hit, tmp_path / "synthetic" / "hits.parquet").read()
    assert set(hits["hit_class"]) == {"ngram", "whole", "number_masked"}
    assert hits.filter(pl.col("row_id") == "1")["row_text"].item() == QUESTION


def test_the_frames_of_a_table_do_not_change_its_certificate(tmp_path):
    for name, frames in (("whole", [ROWS]), ("cut", [ROWS.head(1), ROWS.tail(3)])):
        decontaminate(frames, ITEMS, params(), threads=1).certify(
            "x", OutDir(CertificateManifest, tmp_path / name)
        )
    for file in ("manifest.json", "hits.parquet"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "cut" / file).read_bytes()


def test_of_a_table_only_questions_are_read_in_frames_that_change_no_verdict(tmp_path, monkeypatch):
    monkeypatch.setattr("jz3.curation.decontaminate.FRAME_ROWS", 3)
    told = ROWS.with_columns(solution=pl.lit(QUESTION))
    Out(Problem, tmp_path / "problems").write(Problem.validate(told))
    frames = list(questions_of(In(Problem, tmp_path / "problems")))
    assert [(frame.columns, frame.height) for frame in frames] == [
        (["problem_id", "problem"], 3),
        (["problem_id", "problem"], 1),
    ]
    whole = decontaminate([ROWS], ITEMS, params(), threads=1)
    assert decontaminate(frames, ITEMS, params(), threads=1).verdicts.equals(whole.verdicts)


def test_no_rows_and_no_items_are_no_trouble():
    empty = decontaminate([ROWS], ITEMS.clear(), params(), threads=1)
    assert empty.metrics(4).rows.kept == 4
    assert decontaminate([ROWS.clear()], ITEMS, params(), threads=1).verdicts.height == 0


@needs_benchmarks
def test_real_questions_of_any_length_are_found_in_another_dress():
    questions = list(benchmark_questions())
    draws = random.Random(1)
    planted = [
        question.upper().translate(str.maketrans(dict.fromkeys("?,.!", " "))) for question in questions
    ]
    chosen = draws.sample(range(len(questions)), 800)
    hits = ItemIndex(pl.Series(questions), params()).hits(pl.Series([planted[number] for number in chosen]))
    found = {(row, item) for (row, item), hit_class in hits.items() if hit_class != "number_masked"}
    assert all((row, number) in found for row, number in enumerate(chosen))


@pytest.fixture(scope="module")
def all_items():
    questions = list(benchmark_questions())
    return questions, ItemIndex(pl.Series(questions), params())


@needs_benchmarks
@needs_samples
@pytest.mark.parametrize("spelling", [*SPELLINGS, all_at_once])
def test_real_questions_are_found_in_any_spelling_alone_and_inside_a_row(spelling, all_items):
    questions, index = all_items
    others = [row["problem"] for row in sampled("cot", 100)]
    draws = random.Random(1)
    chosen = [number for number, question in enumerate(questions) if spelling(question) != question]
    rows = [spelling(questions[number]) for number in chosen]
    for place, number in enumerate(list(chosen)):
        if len(re.findall(r"[^\W_]+", questions[number])) >= params().least_contained_words:
            around = draws.choice(others)
            rows.append(f"{around[:200]}. {rows[place]} {around[200:400]}")
            chosen.append(number)
    found = index.hits(pl.Series(rows))
    hits = [found.get((row, number), "number_masked") != "number_masked" for row, number in enumerate(chosen)]
    assert len(hits) >= 30
    assert sum(hits) >= 0.995 * len(hits)


@needs_benchmarks
def test_released_rows_are_hit_as_seldom_as_was_measured():
    """One of the 1,000 released cot rows has 13-grams in a benchmark (measured)."""
    found = decontaminate(
        [problems(*sampled("cot", 1000))], items(*benchmark_questions()), params(), threads=1
    )
    assert found.metrics(found.verdicts.height).rows.rejected == {"decontaminate.ngram": 1}


def test_a_row_without_a_verdict_fails_the_stage():
    found = decontaminate(
        [problems(problem("a"), problem("b")).head(1)], items(QUESTION), params(), threads=1
    )
    with pytest.raises(ValueError, match="read 2 rows and accounts for 1"):
        found.metrics(2)
