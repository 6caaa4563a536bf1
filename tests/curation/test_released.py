"""An earlier release stands in for its problems: a later set is filtered as if both were one set."""

import hashlib
import tempfile
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles, Out
from jz3.core.hashing import draw_order
from jz3.curation.dedup import DedupParams, dedup
from jz3.curation.released import ReleaseError, index_notes, read_releases
from jz3.tables.question_index import QuestionIndex
from tests.curation.planted import jaccard
from tests.curation.rows import needs_samples, sampled

PARAMS = DedupParams(seed=3, threshold=0.5, bands=16, rows_per_band=4, releases=[], with_solution=[])
NOTES = index_notes(PARAMS.bands, PARAMS.rows_per_band)
QUESTIONS = st.lists(
    st.lists(st.sampled_from(["one", "Two", "3", "four,", "five", "+"]), max_size=10).map(" ".join),
    max_size=14,
)


def as_rows(ids, questions):
    return pl.DataFrame({"problem_id": ids, "problem": questions}, schema=SCHEMA).sort("problem_id")


SCHEMA = {"problem_id": pl.String, "problem": pl.String}


@contextmanager
def releases():
    """A directory for indexes."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def deduped(rows, directory, names=()):
    released = read_releases(InFiles(directory), list(names), NOTES)
    return dedup(rows.lazy(), [], released, PARAMS, 1, directory)


def release(found, directory, name):
    Out(QuestionIndex, directory / name).sink(found.index(), NOTES)


def kept(found):
    return set(found.verdicts.filter(pl.col("rule").is_null())["row_id"])


def ids_by_draw(count):
    """Ids in the order of survival."""
    return sorted((f"r{number:02}" for number in range(count)), key=lambda row: draw_order(PARAMS.seed, row))


@given(QUESTIONS)
@settings(max_examples=15)
def test_a_release_against_itself_keeps_nothing_and_names_itself(questions):
    rows = as_rows([f"r{number:02}" for number in range(len(questions))], questions)
    with releases() as directory:
        first = deduped(rows, directory)
        release(first, directory, "first")
        again = deduped(rows.filter(pl.col("problem_id").is_in(list(kept(first)))), directory, ["first"])
    assert kept(again) == set()
    assert set(again.verdicts["rule"]) <= {"dedup.released"}
    assert again.verdicts["evidence"].to_list() == again.verdicts["row_id"].to_list()


@given(QUESTIONS)
@settings(max_examples=15)
def test_a_release_of_no_problem_changes_nothing(questions):
    rows = as_rows([f"r{number:02}" for number in range(len(questions))], questions)
    with releases() as directory:
        release(deduped(rows.head(0), directory), directory, "empty")
        alone, against = deduped(rows, directory), deduped(rows, directory, ["empty"])
        assert against.verdicts.equals(alone.verdicts)
        assert against.metrics == alone.metrics
        assert pl.concat([*against.index(), EMPTY]).equals(pl.concat([*alone.index(), EMPTY]))


EMPTY = QuestionIndex.create_empty()


@given(QUESTIONS, QUESTIONS, QUESTIONS)
@settings(max_examples=25)
def test_sets_one_after_the_other_keep_what_all_of_them_at_once_do(first, second, third):
    """Ids are assigned so that the survival order of all is that of the sets."""
    ids = ids_by_draw(len(first) + len(second) + len(third))
    rows = pl.DataFrame({"problem_id": ids, "problem": [*first, *second, *third]}, schema=SCHEMA)
    ends = [0, len(first), len(first) + len(second), len(ids)]
    with releases() as directory:
        at_once, names, one_by_one = kept(deduped(rows.sort("problem_id"), directory)), [], set()
        for number in range(3):
            some = rows[ends[number] : ends[number + 1]].sort("problem_id")
            found = deduped(some, directory, names)
            one_by_one |= kept(found)
            names.append(f"release-{number}")
            release(found, directory, names[-1])
    assert one_by_one == at_once


@needs_samples
def test_edited_copies_of_released_problems_name_what_they_repeat(tmp_path):
    questions = [row["problem"] for row in sampled("cot", 150)]
    first = deduped(as_rows([f"a{number:03}" for number in range(150)], questions), tmp_path)
    release(first, tmp_path, "first")
    text = dict(zip((f"a{number:03}" for number in range(150)), questions, strict=True))
    copies = [f"{question} Explain." for question in questions]
    found = deduped(as_rows([f"b{number:03}" for number in range(150)], copies), tmp_path, ["first"])
    copied = dict(zip((f"b{number:03}" for number in range(150)), copies, strict=True))
    dropped = found.verdicts.filter(rule="dedup.released")
    assert dropped.height >= 140
    assert all(
        jaccard(copied[row], text[before]) >= PARAMS.threshold
        for row, before in dropped.select("row_id", "evidence").iter_rows()
    )
    assert set(dropped["evidence"]) <= kept(first)


def test_a_release_that_is_not_there_or_has_other_bands_is_one_line(tmp_path):
    with pytest.raises(ReleaseError, match=r"2026-11 does not exist, which dedup\.releases names; .*Copy"):
        read_releases(InFiles(tmp_path), ["2026-11"], NOTES)
    release(deduped(as_rows(["a"], ["How many?"]), tmp_path), tmp_path, "2026-11")
    with pytest.raises(ReleaseError, match=r"made with hashes 2, bands 16, rows_per_band 4; .*bands 12"):
        read_releases(InFiles(tmp_path), ["2026-11"], index_notes(12, 4))


def test_an_index_has_the_hashes_that_its_version_names(tmp_path):
    """Golden: if this fails, published indexes no longer mean the same questions; HASHES must change
    with it.
    """
    questions = ["What is 2 + 3?", "How many two-digit numbers are prime, and why?", "△ □"]
    (frame,) = deduped(as_rows(["a", "b", "c"], questions), tmp_path).index()
    lines = [repr(row) for row in frame.iter_rows()]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == (
        "106bdf759bd329b8bd110e805aad2c577940d4cb0c591f5bb1cb0d3578f1b6e6"
    )
