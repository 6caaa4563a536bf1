"""Files for the benchmarks whose public files are not available, row by row as their formats are described.

The questions are ours; fields, spellings and oddities are those of the formats (docs/evaluation.md).
"""

import json

import pytest

from jz3.answers.benchmark_rules import rules_of
from jz3.answers.equality import equal, equal_choices
from jz3.core.artifacts import InFiles
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.raw import DataError

TABLE = "Day | Tickets\nMonday | 1,204\nTuesday | 996"


def tabmwp(question, answer, ans_type, choices=None, unit=None, title="Tickets sold"):
    return {
        "question": question,
        "choices": choices,
        "answer": answer,
        "unit": unit,
        "table_title": title,
        "table": TABLE,
        "row_num": 3,
        "column_num": 2,
        "solution": "",
        "ques_type": "multi_choice" if choices else "free_text",
        "ans_type": ans_type,
        "grade": 4,
        "split": "test",
    }


# format: rows of a file, and for each the question, the choices, the gold answer and the subject.
FILES = {
    "tabmwp": (
        [
            tabmwp("How many more on Monday?", "208", "integer_number"),
            tabmwp("How many in both days?", "2,200", "integer_number"),
            tabmwp("How much for one?", "8.30", "decimal_number", unit="$"),
            tabmwp("What fraction was sold on Tuesday?", "249/550", "decimal_number", title=None),
            tabmwp("What share?", "45%", "decimal_number"),
            tabmwp("On which day were more sold?", "Monday", "extractive_text", ["Monday", "Tuesday"]),
            tabmwp("Is it a surplus?", "no", "boolean_text", ["yes", "no"]),
            tabmwp("When does it open?", "6:15 P.M.", "other_text"),
        ],
        [
            (f"Table: Tickets sold\n{TABLE}\n\nHow many more on Monday?", None, "208", None),
            (f"Table: Tickets sold\n{TABLE}\n\nHow many in both days?", None, "2200", None),
            (f"Table: Tickets sold\n{TABLE}\n\nHow much for one?", None, "8.3", None),
            (f"{TABLE}\n\nWhat fraction was sold on Tuesday?", None, "249/550", None),
            (f"Table: Tickets sold\n{TABLE}\n\nWhat share?", None, "0.45", None),
            (
                f"Table: Tickets sold\n{TABLE}\n\nOn which day were more sold?\nOptions: Monday, Tuesday",
                None,
                "Monday",
                None,
            ),
            (f"Table: Tickets sold\n{TABLE}\n\nIs it a surplus?\nOptions: yes, no", None, "no", None),
            (f"Table: Tickets sold\n{TABLE}\n\nWhen does it open?", None, "6:15 P.M.", None),
        ],
    ),
    "minerva_math": (
        [
            {
                "problem": "A star has $R=2.1$.\nWhat is its mass in grams?",
                "solution": r"With $M=\rho V$ the mass is \boxed{4.5e33} grams.",
                "type": "Introduction to Astronomy (8.282J Spring 2006)",
                "idx": 0,
            },
            {
                "problem": "What is the potential?",
                "solution": r"By symmetry, $\phi = \boxed{\frac{q \lambda}{2 \pi \epsilon_{0}} \ln{r}}$.",
                "type": "Physics III (8.03)",
                "idx": 1,
            },
            {
                "problem": "How long is the wave?",
                "solution": r"Hence \boxed{\lambda_{\text{red}}/\sqrt{2}} as it was to be shown.",
                "type": "Physics III (8.03)",
                "idx": 2,
            },
            {
                "problem": "Find the speed.",
                "solution": r"It is \boxed{33 \mathrm{~km} / \mathrm{s}}.",
                "type": "Introduction to Astronomy (8.282J Spring 2006)",
                "idx": 3,
            },
        ],
        [
            (
                "A star has $R=2.1$.\nWhat is its mass in grams?",
                None,
                "4.5e33",
                "Introduction to Astronomy (8.282J Spring 2006)",
            ),
            (
                "What is the potential?",
                None,
                r"\frac{q \lambda}{2 \pi \epsilon_{0}} \ln{r}",
                "Physics III (8.03)",
            ),
            ("How long is the wave?", None, r"\lambda_{\text{red}}/\sqrt{2}", "Physics III (8.03)"),
            (
                "Find the speed.",
                None,
                r"33 \mathrm{~km} / \mathrm{s}",
                "Introduction to Astronomy (8.282J Spring 2006)",
            ),
        ],
    ),
    "sat_math": (
        [
            {
                "id": "1",
                "question": "If $3x = 12$, what is $x + 1$?",
                "options": "A) 3 B) 4 C) 5 D) 6",
                "Answer": "C",
            },
            {
                "id": "2",
                "question": "Which is a factor of $x^2 - 1$?",
                "options": "A) (x + 1) B) (x + 2) C) x^2 D) 1/x",
                "Answer": "A",
            },
            {
                "id": "3",
                "question": "Which interval?",
                "options": "A) 0 < x < 1 B) (B) is wrong C) $x \\ge 2$ D) none of A, B and C",
                "Answer": "D",
            },
        ],
        [
            ("If $3x = 12$, what is $x + 1$?", ["3", "4", "5", "6"], "C", None),
            ("Which is a factor of $x^2 - 1$?", ["(x + 1)", "(x + 2)", "x^2", "1/x"], "A", None),
            ("Which interval?", None, "D", None),
        ],
    ),
    "mmlu_stem": (
        [
            {
                "question": "What is 5 * 4?",
                "subject": "elementary_mathematics",
                "choices": ["9", "20", "1", "54"],
                "answer": 1,
                "type": "elementary_mathematics",
            },
            {
                "question": "Which gas do plants take in?",
                "choices": ["oxygen", "carbon dioxide", "neon", "none of these"],
                "answer": 1,
                "type": "high_school_biology",
            },
            {
                "question": "The order of the factor group Z_6/<3> is",
                "choices": ["2", "3", "6", "12"],
                "answer": "1",
                "type": "abstract_algebra",
            },
            {
                "question": "A heap is kept in",
                "choices": ["a tree", "a list", "an array", "a set"],
                "answer": 2,
                "subject": "college_computer_science",
            },
        ],
        [
            ("What is 5 * 4?", ["9", "20", "1", "54"], "B", "elementary_mathematics"),
            (
                "Which gas do plants take in?",
                ["oxygen", "carbon dioxide", "neon", "none of these"],
                "B",
                "high_school_biology",
            ),
            ("The order of the factor group Z_6/<3> is", ["2", "3", "6", "12"], "B", "abstract_algebra"),
            ("A heap is kept in", ["a tree", "a list", "an array", "a set"], "C", "college_computer_science"),
        ],
    ),
    "math": (
        [
            {
                "problem": "What is $1+1$?",
                "level": "Level 1",
                "type": "Prealgebra",
                "solution": r"It is $\boxed{2}$.",
            },
            {
                "problem": "Solve.",
                "level": "Level 5",
                "type": "Intermediate Algebra",
                "solution": r"So $x^2=4$, \boxed{x=4}? No: $\boxed{x = \pm 2}$.",
            },
            {
                "problem": "Which?",
                "level": "Level ?",
                "type": "Geometry",
                "solution": r"Thus $\boxed{\frac{1}{\sqrt{2}}}$.",
            },
        ],
        [
            ("What is $1+1$?", None, "2", "Prealgebra"),
            ("Solve.", None, r"x = \pm 2", "Intermediate Algebra"),
            ("Which?", None, r"\frac{1}{\sqrt{2}}", "Geometry"),
        ],
    ),
}


ALIKE = ("minerva_math", "math")


def written(folder, form, rows, **changes):
    """The items of a file with these rows, by the entry of a profile."""
    file = folder / form / "test.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    source = {
        "name": form,
        "reader": "file",
        "pattern": f"{form}/*.jsonl",
        "format": form,
        "items": len(rows),
        "digest": None,
    }
    params = BenchmarksParams.model_validate({"sources": [source | changes]})
    return collect_items(InFiles(folder), params)[0].sort("item_id")


@pytest.mark.parametrize("form", FILES)
def test_each_row_of_a_file_is_read_as_the_format_says(tmp_path, form):
    rows, expected = FILES[form]
    found = written(tmp_path, form, rows)
    for item, (question, choices, gold, subject) in zip(found.iter_rows(named=True), expected, strict=True):
        assert (item["question"], item["gold"], item["subject"]) == (question, gold, subject)
        if choices is not None:
            assert item["choices"] == choices


@pytest.mark.parametrize("form", FILES)
def test_each_gold_is_equal_to_itself_by_the_rules_of_its_benchmark(tmp_path, form):
    for item in written(tmp_path, form, FILES[form][0]).iter_rows(named=True):
        boxed = f"\\boxed{{{item['gold']}}}"
        judged = (
            equal_choices(item["gold"], item["gold"])
            if item["choices"]
            else equal(item["gold"], boxed, rules_of(form).tolerance)
        )
        assert judged.equal, item["gold"]


@pytest.mark.parametrize("form", FILES)
def test_a_file_with_other_content_is_named(tmp_path, form):
    rows = FILES[form][0]
    with pytest.raises(DataError, match=rf"benchmark '{form}' has {len(rows) - 1} items; {len(rows)} were"):
        written(tmp_path, form, rows[:-1], items=len(rows))
    with pytest.raises(DataError, match=rf"has the digest .*; 0a1b was expected for benchmark '{form}'"):
        written(tmp_path, form, rows, digest="0a1b")
    # A row of MATH has all fields of a Minerva row, and more: count and digest tell the two apart.
    others = {other: FILES[other][0] for other in FILES if other != form and (form, other) != ALIKE}
    for other, foreign in others.items():
        with pytest.raises(DataError, match=rf"row 1 is not of the format '{form}'.*its fields are"):
            written(tmp_path / other, form, foreign)
