"""Rules of form: each has a case that it rejects and one beside it that it does not."""

import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.curation.filter import Candidate, FilterParams, Length, filter_problems, judge
from jz3.curation.last_step import contradiction
from jz3.curation.latex import unbalanced
from jz3.curation.repetition import most_frequent_share, repeated_lines_share, repeated_share
from jz3.tables.verdict import Verdict
from jz3.text.problem_text import last_boxed
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw
from tests.curation.rows import needs_samples, problem, problems, sampled

PARAMS = FilterParams.model_validate(
    {
        "problem_words": {"least": 5, "most": 60},
        "solution_words": {"least": 5, "most": 400},
        "repetition": {
            "least_words": 50,
            "lines": 0.5,
            "most_frequent": {2: 0.4, 3: 0.4},
            "repeated": {5: 0.6, 10: 0.4},
        },
        "most_foreign_letters": 0.02,
        "copied_phrases": ["[problem", "the passage"],
        "figure_phrases": ["figure below", "![", "in the diagram"],
        "most_parts": 3,
        "doubt_phrases": ["wait,", "i made a mistake"],
        "boxed": {"cot": ["grade", "high"], "tool": ["high"]},
    }
)

GOOD = Candidate(
    level="high",
    kind="cot",
    problem="Tom has 3 apples and buys 4 more. How many apples has he?",
    solution="He has 3 + 4 = 7 apples.\nThe answer is \\boxed{7}.",
    answer="7",
)


def rule_of(**changes):
    row = dataclasses.replace(GOOD, **changes)
    if "solution" in changes and "answer" not in changes:
        row = dataclasses.replace(row, answer=last_boxed(row.solution))
    return judge(row, PARAMS)[0]


def test_a_good_problem_is_kept():
    assert judge(GOOD, PARAMS) == (None, None)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"problem": "Why?"}, "problem_length"),
        ({"problem": " \n\t "}, "problem_length"),
        ({"problem": "many words " * 40}, "problem_length"),
        ({"solution": "\\boxed{7}"}, "solution_length"),
        ({"problem": "Сколько яблок у Тома, если у него их три?"}, "language"),
        ({"problem": "As the passage says, Tom has 3 apples. How many?"}, "copied_template"),
        ({"solution": GOOD.solution + "\n[Problem] next"}, "copied_template"),
        ({"problem": "Find the angle x that is marked in the figure below."}, "missing_figure"),
        ({"problem": "Tom counts. ![apples](a.png) How many apples has he?"}, "missing_figure"),
        ({"problem": "Problem 1: Find x in x = 3.\nProblem 2: Find y in y = 4."}, "several_problems"),
        (
            {"problem": "Let n = 3.\n(a) Find n.\n(b) Find 2n.\n(c) Find 3n.\n(d) Find 4n."},
            "several_problems",
        ),
        ({"solution": "We know $x = 3 and so the answer is \\boxed{7}."}, "unbalanced_latex"),
        ({"solution": "It is \\frac{1{2} of it, and that is \\boxed{7}."}, "unbalanced_latex"),
        ({"solution": "We add the same again and again. " * 20 + "\\boxed{7}"}, "repetition"),
        ({"solution": "It is 8. Wait, that is wrong, so it is \\boxed{7}."}, "self_doubt"),
        ({"solution": "He has 3 + 4 apples, and these are seven."}, "no_answer"),
        ({"solution": "He has 3 + 4 = 7 apples.\nThe answer is \\boxed{9}."}, "contradicted_answer"),
    ],
)
def test_what_is_wrong_is_named(changes, rule):
    assert rule_of(**changes) == f"filter.{rule}"


@pytest.mark.parametrize(
    "changes",
    [
        {"problem": "Let α be an angle with sin α = 1/2. What is α in degrees?"},
        {"problem": "Tom pays $3 for apples. How many apples has he now?"},
        {"problem": "A bus passage costs 3 dollars. What do the passages of 4 cost?"},
        {"problem": "Which number is it?\n(A) 1\n(B) 2\n(C) 3\n(D) 4\n(E) 5"},
        {"problem": "Let n = 3.\n(a) Find n.\n(b) Find 2n, and add them up."},
        {"solution": "He has to await, in all, 3 + 4 = 7 apples: \\boxed{7}."},
        {"solution": "He has 3 + 4 apples, and these are seven.", "level": "aime"},
        {"solution": "He has 3 + 4 apples, and these are seven.", "level": None},
    ],
)
def test_what_only_looks_wrong_is_kept(changes):
    assert rule_of(**changes) is None


@pytest.mark.parametrize(
    ("steps", "boxed", "fires"),
    [
        ("In the end 90 - 20 = 70 dollars are there.", "60", True),
        ("In the end 90 - 20 = 70 dollars are there.", "70", False),
        ("In the end 90 - 20 = 70 dollars are there.", "70.0", False),
        ("We get 2 * 600 = 1,200 in all.", "1200", False),
        ("It is 10 / 3 = 3.3333 or so.", "3.33", False),
        ("So x = 5 and y = 7, and we want their sum.", "12", False),
        ("So 2 + 3 = 5. Hence there are 12 more.", "12", False),
        ("So 1 + 2 = 3/4 of it.", "7", False),
        ("So 2 + 3 = 5 + 1.", "6", False),
        ("So x - 1 = 2x.", "6", False),
        ("No equation here.", "6", False),
    ],
)
def test_only_a_plain_contradiction_counts(steps, boxed, fires):
    solution = f"{steps}\nThe answer is \\boxed{{{boxed}}}."
    assert (contradiction(solution, boxed) is not None) == fires


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"$a_{1}$ and \(b\) and \[c\]", None),
        (r"\{1, 2\} has \$3", None),
        (r"costs $5 more", None),
        (r"$a + b", "$"),
        (r"a_{1", "{"),
        (r"}a{", "{"),
        (r"\(a", r"\("),
        (r"\left( a )", r"\left"),
        (r"\leftarrow a", None),
        (r"\begin{cases} a \end{array}", "array"),
        (r"\begin{cases} a", "cases"),
        (r"line \\[2pt] next", None),
    ],
)
def test_latex_that_is_not_closed_is_seen(text, found):
    result = unbalanced(text)
    assert (result is None) == (found is None)
    assert found in (result, "array")


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 6))
def test_shares_are_shares_and_nothing_repeats_in_a_text_of_different_words(words, n):
    for share in (repeated_share, most_frequent_share):
        assert 0 <= share(words, n) <= 1
        assert share(list(dict.fromkeys(words)), n) == 0


def test_a_text_said_twice_repeats_half_of_itself_or_more():
    words = [f"w{n}" for n in range(30)]
    assert repeated_share(words + words, 10) == pytest.approx(0.5)
    assert most_frequent_share(["a", "b"] * 10, 2) == 1.0
    assert repeated_lines_share("we add one more\n" * 4) == pytest.approx(0.75)


@given(
    st.lists(
        st.tuples(st.text(min_size=1), st.text(min_size=1), st.sampled_from(["cot", "tool"])), max_size=6
    )
)
def test_kept_and_rejected_partition_any_input_and_frames_do_not_matter(texts):
    rows = problems(*(problem(f"{n}", p, s, kind=kind) for n, (p, s, kind) in enumerate(texts)))
    found, metrics = filter_problems([rows], PARAMS)
    assert Verdict.validate(found)["row_id"].to_list() == rows["problem_id"].to_list()
    assert metrics.rows.read == rows.height
    again, same = filter_problems(reversed(list(rows.iter_slices(2))), PARAMS)
    assert again.sort("row_id").equals(found.sort("row_id"))
    assert same == metrics


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_the_problem_writer_writes_is_kept(family):
    for values in distinct_draws(family, "teacher", 3, family.name):
        for kind in ("cot", "tool"):
            written = write_draw(family, kind, values, family.name)
            row = Candidate(family.level, kind, written.problem, written.solution, written.answer)
            assert judge(row, PARAMS) == (None, None)


@needs_samples
def test_most_released_rows_are_kept_where_no_box_is_asked_for():
    longer = {"problem_words": Length(least=5, most=400), "solution_words": Length(least=5, most=1200)}
    params = PARAMS.model_copy(update={"boxed": {}, "most_parts": 4} | longer)
    _, metrics = filter_problems([problems(*sampled("cot", 150), *sampled("tool", 150))], params)
    assert 0.85 < metrics.kept_share < 1


@pytest.mark.parametrize(
    "text",
    ["\0" * 1_000_000, "\n" * 1_000_000, "1+" * 500_000, "$" * 1_000_001, "\\" * 1_000_000, "{" * 1_000_000],
    ids=["NUL", "empty lines", "sum", "dollars", "backslashes", "braces"],
)
def test_a_megabyte_of_anything_is_judged_at_once(text):
    """In seconds: a rule that is quadratic in the length would take hours."""
    started = time.process_time()
    for changes in ({"problem": text}, {"problem": GOOD.problem + text}, {"solution": GOOD.solution + text}):
        judge(dataclasses.replace(GOOD, **changes), PARAMS)
    assert time.process_time() - started < 20
