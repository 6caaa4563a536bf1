"""Rules of form: each has a case that it rejects and a similar one that it does not."""

import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.curation.copying import Copying, copied_rows, copied_shares
from jz3.curation.filter import FilterParams, Length, filter_metrics, judge, judge_copies, judge_form
from jz3.curation.last_step import contradiction, contradictions
from jz3.curation.latex import unbalanced
from jz3.curation.patterns import WORD
from jz3.curation.repetition import coded, most_frequent_share, repeated_lines_share, repeated_share
from jz3.tables.verdict import Verdict
from jz3.text.problem_text import last_boxed
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw
from tests.curation.rows import needs_samples, passages, problem, problems, sampled, verdicts

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
        "english": {
            "most_foreign_letters": 0.02,
            "common_words": ["the", "is", "has", "and"],
            "least_common": 2,
            "least_words": 20,
        },
        "copied_phrases": ["[problem", "the passage"],
        "copied_passage": {"ngram": 4, "most": 0.5},
        "figure_phrases": ["figure below", "![", "in the diagram"],
        "most_parts": 3,
        "doubt_phrases": ["wait,", "i made a mistake"],
        "boxed": {"cot": ["grade", "high"], "tool": ["high"]},
        "step_rounding": 1.0,
        "most_miscopied": 0.5,
        "self_consistency": None,
    }
)

GOOD = problem(
    "good",
    "Tom has 3 apples and buys 4 more. How many apples has he?",
    "He has 3 + 4 = 7 apples.\nThe answer is \\boxed{7}.",
)


def judged(*rows):
    """Rule and evidence of each row, in the order of their ids."""
    return judge(problems(*rows), PARAMS).select("rule", "evidence").rows()


def rule_of(**changes):
    row = GOOD | changes
    return judged(row | {"answer": last_boxed(row["solution"])})[0][0]


def test_a_good_problem_is_kept():
    assert judged(GOOD) == [(None, None)]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"problem": "Why?"}, "problem_length"),
        ({"problem": " \n\t "}, "problem_length"),
        ({"problem": "many words " * 40}, "problem_length"),
        ({"solution": "\\boxed{7}"}, "solution_length"),
        ({"problem": "Сколько яблок у Тома, если у него их три?"}, "language"),
        (
            {
                "problem": "Tom hat drei Birnen und kauft noch vier dazu. Wie viele Birnen hat er dann?",
                "solution": "Er hat 3 + 4 = 7 Birnen.\nDie Antwort lautet \\boxed{7}.",
            },
            "language",
        ),
        ({"problem": "As the passage says, Tom has 3 apples. How many?"}, "copied_template"),
        ({"solution": GOOD["solution"] + "\n[Problem] next"}, "copied_template"),
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
        {"problem": "Ana sells 40 lemons for $.25 each. How much money does she make in dollars?"},
        {"problem": "A ticket costs 300$ and a child pays half of it. What do both of them pay?"},
        {"problem": "A ticket costs 300 $, and a child pays half of it. What do both of them pay?"},
        {"problem": "The table gives the cost in US$ for each of the goods. How many goods are there?"},
        {"problem": "A shop has a profit of $-5 in one month. How many months has it lost money?"},
        {
            "solution": r"$\frac{\alpha}{\beta} \cdot \sqrt{\gamma} \leq \int \limits \quad "
            + r"\Rightarrow \mathbb{E} \left[ \delta \right] \geq \sum \omega \times \overline{\rho} \approx "
            r"\binom{n}{k}" + "$: \\boxed{7}"
        },
        {
            "solution": "We reduce the matrix step by step. "
            + "Then $"
            + r"\begin{pmatrix} 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 1 & 0 \end{pmatrix}" * 5
            + "$ has the rank that we sought in the beginning of all this, and the rest is plain: \\boxed{7}"
        },
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
        ("One piece measures 6 * 10 / 2 = 30, and the kite is made of two of them.", "60", False),
        ("We find 250 / 40 = 6.25 buses, and no bus can be hired in parts.", "7", False),
        ("We find 250 / 40 = 6.25, rounded up.", "7", False),
        ("It takes 7 / 2 = 3.5 hours. We convert this.", "210", False),
        ("The share is 1 / 4 = 0.25, which we give in percent.", "25", False),
        ("So 3 + 4 = 7.\nDoubling this we have it.", "14", False),
        ("So 3 + 4 = 7 square units. Therefore we have it.", "9", True),
        ("So 2 + 3 = 5 + 1.", "6", False),
        ("So x - 1 = 2x.", "6", False),
        ("No equation here.", "6", False),
    ],
)
def test_only_a_plain_contradiction_counts(steps, boxed, fires):
    solution = f"{steps}\nThe answer is \\boxed{{{boxed}}}."
    assert (contradiction(solution, boxed) is not None) == fires
    found = contradictions(pl.Series(["no box", solution]), pl.Series([None, boxed]))
    assert found.is_not_null().to_list() == [False, fires]


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
    before, result, after = unbalanced(pl.Series(["{ é \\", text, "$ $"]))
    assert (before, after) == ("{", None), "texts do not touch each other"
    assert (result is None) == (found is None)
    assert found in (result, "array")


@given(st.lists(st.text(alphabet="{}\\$é(", max_size=12), max_size=6))
def test_texts_are_judged_as_if_each_were_alone(texts):
    together = unbalanced(pl.Series(texts, dtype=pl.String)).to_list()
    assert together == [unbalanced(pl.Series([text]))[0] for text in texts]


@given(st.text(alphabet="{}\\a", max_size=12))
def test_braces_match_as_one_reads_them(text):
    depth, escaped, wrong = 0, False, False
    for character in text:
        if not escaped:
            depth += {"{": 1, "}": -1}.get(character, 0)
        wrong |= depth < 0
        escaped = character == "\\" and not escaped
    assert (unbalanced(pl.Series([text]))[0] == "{") == (wrong or depth != 0)


def numbered(*texts):
    return coded(pl.Series([list(text) for text in texts], dtype=pl.List(pl.String)))


letter_texts = st.lists(st.text(alphabet="abcd", max_size=24), min_size=1, max_size=5)


@given(letter_texts, st.integers(1, 6))
def test_shares_are_shares_and_nothing_repeats_in_a_text_of_different_words(texts, n):
    once = ["".join(dict.fromkeys(text)) for text in texts]
    for shares in (lambda rows: repeated_share(rows, n, 0.0), lambda rows: most_frequent_share(rows, n)):
        found = shares(numbered(*texts))
        assert ((found >= 0) & (found <= 1)).all()
        assert (shares(numbered(*once)) == 0).all()


@given(letter_texts, st.integers(1, 6))
def test_shares_are_what_one_counts_window_by_window(texts, n):
    def covered(text):
        seen, places = set(), set()
        for start in range(len(text) - n + 1):
            window = text[start : start + n]
            places |= set(range(start, start + n)) if window in seen else set()
            seen.add(window)
        return len(places) / max(len(text), 1)

    def most(text):
        windows = [text[start : start + n] for start in range(len(text) - n + 1)]
        count = max(map(windows.count, windows), default=0)
        return min(1.0, n * count / len(text)) if count > 1 else 0.0

    assert repeated_share(numbered(*texts), n, 0.0).tolist() == pytest.approx(list(map(covered, texts)))
    assert most_frequent_share(numbered(*texts), n).tolist() == pytest.approx(list(map(most, texts)))


def test_a_text_said_twice_repeats_half_of_itself_or_more():
    words = "".join(map(chr, range(ord("a"), ord("a") + 26)))
    assert repeated_share(numbered("ab", words + words), 10, 0.1) == pytest.approx([0, 0.5])
    assert most_frequent_share(numbered("ab" * 10, ""), 2) == pytest.approx([1.0, 0])
    assert repeated_lines_share(pl.Series(["one", "we add one more\n" * 4])) == pytest.approx([0, 0.75])


few = settings(max_examples=25)  # each judges a table by every rule, twice
any_texts = st.lists(
    st.tuples(st.text(min_size=1), st.text(min_size=1), st.sampled_from(["cot", "tool"])), max_size=6
)


@few
@given(any_texts)
def test_kept_and_rejected_partition_any_input_and_neither_order_nor_frames_matter(texts):
    rows = problems(*(problem(f"{n}", p, s, kind=kind) for n, (p, s, kind) in enumerate(texts)))
    found = judge_form([rows], PARAMS)
    assert Verdict.validate(found)["row_id"].to_list() == rows["problem_id"].to_list()
    assert filter_metrics(found, rows.lazy()).rows.read == rows.height
    again = judge_form(reversed(list(rows.iter_slices(2))), PARAMS)
    assert again.sort("row_id").equals(found.sort("row_id"))


@few
@given(any_texts)
def test_a_second_pass_over_what_is_kept_keeps_all_of_it(texts):
    rows = problems(*(problem(f"{n}", p, s, kind=kind) for n, (p, s, kind) in enumerate(texts)))
    kept = rows.filter(judge_form([rows], PARAMS)["rule"].is_null())
    assert judge_form([kept], PARAMS)["rule"].null_count() == kept.height


def test_a_row_without_a_verdict_fails_the_stage():
    rows = problems(GOOD, GOOD | {"problem_id": "other"})
    lost = judge_form([rows.head(1)], PARAMS)
    with pytest.raises(ValueError, match="read 2 rows and accounts for 1"):
        filter_metrics(lost, rows.lazy())


PASSAGE = "A lattice of order four has two maximal chains of equal length between its bounds in every case."


@pytest.mark.parametrize(
    ("text", "rejected"),
    [
        (PASSAGE, True),
        (PASSAGE.upper().replace(" ", "  "), True),
        (f"Show this: {PASSAGE}", True),
        (f"A lattice of order four is given. {GOOD['problem']}", False),
        (GOOD["problem"], False),
        ("Maximal chains?", False),
    ],
)
def test_a_problem_that_is_its_passage_is_rejected_and_one_that_takes_a_name_is_not(text, rejected):
    rows = problems(GOOD | {"passage_id": "p1", "problem": text}, problem("without"))
    found = judge_copies(
        verdicts({"good": None, "without": None}),
        rows.lazy(),
        passages(p0="other", p1=PASSAGE).lazy(),
        PARAMS,
    )
    assert found["rule"].to_list() == ["filter.copied_passage" if rejected else None, None]
    assert found.schema == Verdict.create_empty().schema


def test_a_rule_of_form_stands_before_the_copy():
    rows = problems(GOOD | {"passage_id": "p1", "problem": PASSAGE})
    found = judge_copies(verdicts({"good": "filter.x"}), rows.lazy(), passages(p1=PASSAGE).lazy(), PARAMS)
    assert found["rule"].to_list() == ["filter.x"]


@given(st.lists(st.tuples(st.text("ab "), st.text("ab ")), min_size=1, max_size=5), st.integers(1, 4))
def test_a_copied_share_is_that_of_the_windows_which_the_passage_holds(pairs, n):
    def windows(text):
        words = [word for word in text.split(" ") if word]
        return [words[start : start + n] for start in range(len(words) - n + 1)]

    def share(text, passage):
        own = windows(text)
        return sum(window in windows(passage) for window in own) / max(len(own), 1)

    texts, others = (pl.Series(side, dtype=pl.String) for side in zip(*pairs, strict=True))
    assert copied_shares(texts, others, n).tolist() == pytest.approx([share(*pair) for pair in pairs])


def test_copies_are_found_in_every_share_of_a_large_table(monkeypatch):
    monkeypatch.setattr("jz3.curation.copying.SHARE_ROWS", 3)
    texts = {f"p{n}": f"{PASSAGE} {n}" for n in range(10)}
    rows = problems(
        *(problem(f"{n}", texts[f"p{n}"] if n % 2 else "fine", passage_id=f"p{n}") for n in range(10))
    )
    found = copied_rows(rows.lazy(), passages(**texts).lazy(), Copying(ngram=4, most=0.5))
    assert sorted(found["row_id"]) == ["1", "3", "5", "7", "9"]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_the_problem_writer_writes_is_kept(family):
    written = [
        (kind, write_draw(family, kind, values, family.name))
        for values in distinct_draws(family, "teacher", 3, family.name)
        for kind in ("cot", "tool")
    ]
    rows = (
        problem(f"{n}", text.problem, text.solution, level=family.level, kind=kind, answer=text.answer)
        for n, (kind, text) in enumerate(written)
    )
    assert judged(*rows) == [(None, None)] * 6


@needs_samples
def test_most_released_rows_are_kept_where_no_box_is_asked_for():
    longer = {"problem_words": Length(least=5, most=400), "solution_words": Length(least=5, most=1200)}
    params = PARAMS.model_copy(update={"boxed": {}, "most_parts": 4} | longer)
    rows = problems(*sampled("cot", 150), *sampled("tool", 150))
    assert 0.85 < filter_metrics(judge_form([rows], params), rows.lazy()).kept_share < 1


@needs_samples
def test_a_thousand_released_solutions_are_judged_in_a_second():
    """Six million rows then take some 15 minutes of one core; row by row they took over an hour."""
    rows = problems(*sampled("cot", 500), *sampled("tool", 500))
    judge(rows, PARAMS)
    started = time.process_time()
    judge(rows, PARAMS)
    assert time.process_time() - started < 1.0
    assert rows["solution"].str.count_matches(WORD).median() > 100


@pytest.mark.parametrize(
    "text",
    ["\0" * 1_000_000, "\n" * 1_000_000, "1+" * 500_000, "$" * 1_000_001, "\\" * 1_000_000, "{" * 1_000_000],
    ids=["NUL", "empty lines", "sum", "dollars", "backslashes", "braces"],
)
def test_a_megabyte_of_anything_is_judged_at_once(text):
    """Within seconds: a rule that is quadratic in the length would take hours."""
    started = time.process_time()
    for changes in (
        {"problem": text},
        {"problem": GOOD["problem"] + text},
        {"solution": GOOD["solution"] + text},
    ):
        judged(GOOD | changes)
    assert time.process_time() - started < 20
