"""Rows as each benchmark writes them, and what must be read from them; then whole files, if they are
there.
"""

import json
import os
from pathlib import Path

import pytest

from jz3.tasks.item_formats import READERS, ItemText, Unfit, number_text

ROWS = [
    (
        "gsm8k",
        {"question": "How many? ", "answer": "2+3=<<2+3=5>>5\n#### 1,205"},
        ItemText("How many?", "1205"),
    ),
    (
        "math-oai",
        {"problem": "Find x.", "solution": "", "answer": r"\frac{1}{2}", "subject": "Algebra", "level": 3},
        ItemText("Find x.", r"\frac{1}{2}", subject="Algebra", level="3"),
    ),
    (
        "math",
        {
            "problem": "Find x.",
            "level": "Level 5",
            "type": "Algebra",
            "solution": r"\boxed{1} or \boxed{x^{2}}.",
        },
        ItemText("Find x.", "x^{2}", subject="Algebra", level="5"),
    ),
    (
        "svamp",
        {"Body": "There are 2 cats", "Question": "How many?", "Answer": 145.0, "Type": "Sum"},
        ItemText("There are 2 cats. How many?", "145", subject="Sum"),
    ),
    (
        "svamp",
        {"Body": "There are 2 cats.", "Question": "How many?", "Answer": "2.50", "Type": "Sum"},
        ItemText("There are 2 cats. How many?", "2.5", subject="Sum"),
    ),
    (
        "asdiv",
        {"body": "Seven apples.", "question": "How many?", "solution_type": "Sum", "answer": "9 (apples)"},
        ItemText("Seven apples. How many?", "9", subject="Sum"),
    ),
    (
        "asdiv",
        {"body": "A", "question": "Enough?", "solution_type": "Sum", "answer": "No"},
        ItemText("A Enough? (Yes or No)", "No", subject="Sum"),
    ),
    (
        "asdiv",
        {"body": "A", "question": "B?", "solution_type": "Sum", "answer": "-(1/3)"},
        ItemText("A B?", "-(1/3)", subject="Sum"),
    ),
    (
        "asdiv",
        {"body": "A", "question": "B?", "solution_type": "Sum", "answer": "9 (cats); 3 (dogs)"},
        Unfit("several_answers"),
    ),
    (
        "mawps",
        {"input": "Joan has 70 .", "target": 11.5, "type": "addsub"},
        ItemText("Joan has 70 .", "11.5", subject="addsub"),
    ),
    ("carp_en", {"content": "Solve.", "answer": r"x \neq 4 "}, ItemText("Solve.", r"x \ne 4")),
    ("carp_en", {"content": "Solve.", "answer": r"\leqslant 4"}, ItemText("Solve.", r"\leqslant 4")),
    ("gsm-hard", {"input": "How much?", "target": -9867630.0}, ItemText("How much?", "-9867630")),
    (
        "gsm-hard",
        {"input": "How much?", "target": 3244047.0999999996},
        ItemText("How much?", "3244047.0999999996"),
    ),
    (
        "minerva_math",
        {"problem": "Find it.", "solution": r"So \boxed{\lambda_{\text{red}}/\sqrt{2}}.", "type": "optics"},
        ItemText("Find it.", r"\lambda_{\text{red}}/\sqrt{2}", subject="optics"),
    ),
    (
        "aqua",
        {"question": "Pick.", "options": ["A)5(√3 + 1)", "B) a (b) c", "C)None"], "correct": "B"},
        ItemText("Pick.", "B", ("5(√3 + 1)", "a (b) c", "None")),
    ),
    (
        "sat_math",
        {"question": "Pick.", "options": "A) 1/2 B) (x + 1) C) 3", "Answer": "C"},
        ItemText("Pick.", "C", ("1/2", "(x + 1)", "3")),
    ),
    (
        "mmlu_stem",
        {"question": "Pick.", "choices": ["a", "b", "c", "d"], "answer": 2, "type": "college_physics"},
        ItemText("Pick.", "C", ("a", "b", "c", "d"), "college_physics"),
    ),
    (
        "tabmwp",
        {
            "table_title": "Cats",
            "table": "Day | Cats\nMonday | 3",
            "question": "Which day?",
            "choices": ["Monday", "Friday"],
            "ans_type": "multi_choice",
            "answer": "Monday",
        },
        ItemText("Table: Cats\nDay | Cats\nMonday | 3\n\nWhich day?\nOptions: Monday, Friday", "Monday"),
    ),
    (
        "lm_eval",
        {"doc": {"question": "How many?"}, "target": "2 + 3 = 5\n#### 5"},
        ItemText("How many?", "5"),
    ),
    ("lm_eval", {"doc": {"problem": "Find."}, "target": r"So \boxed{x^{2}}."}, ItemText("Find.", "x^{2}")),
    (
        "lm_eval",
        {"doc": {"question": "Pick.", "choices": {"text": ["1", "2"], "label": ["A", "B"]}}, "target": 1},
        ItemText("Pick.", "B", ("1", "2")),
    ),
    (
        "lm_eval",
        {"doc": {"question": "Pick.", "choices": ["1", "2"]}, "target": " (A)"},
        ItemText("Pick.", "A", ("1", "2")),
    ),
    (
        "lm_eval",
        {"doc": {"ID": "2024-I-1", "Problem": "How many?", "Answer": 180}, "target": "180"},
        ItemText("How many?", "180"),
    ),
    (
        "lm_eval",
        {
            "doc": {"Problem": "pick .", "options": "a ) 38 , b ) 27.6 , c ) none", "correct": "b"},
            "target": 1,
        },
        ItemText("pick .", "B", ("38", "27.6", "none")),
    ),
    (
        "lm_eval",
        {"doc": {"Problem": "pick .", "options": "a ) 38 , b ) 27.6 , c ) none"}, "target": "2"},
        ItemText("pick .", "C", ("38", "27.6", "none")),
    ),
    ("aime", {"id": 60, "problem": "Find n.", "answer": "033", "year": "2024"}, ItemText("Find n.", "033")),
    (
        "aime",
        {"ID": "2024-II-4", "Problem": "Find n.", "Solution": "", "Answer": 33},
        ItemText("Find n.", "33"),
    ),
    ("aime", {"problem": "Find n.", "solution": r"\boxed{204}", "id": 1}, ItemText("Find n.", "204")),
    (
        "aime",
        {"problem_idx": 1, "problem": "Find n.", "answer": 0, "problem_type": ["A"]},
        ItemText("Find n.", "0"),
    ),
    ("aime", {"question": "Find n.", "answer": "$070$"}, ItemText("Find n.", "070")),
    ("amc23", {"id": 0, "problem": "How far?", "answer": 27.0, "url": "u"}, ItemText("How far?", "27")),
    ("amc23", {"id": 17, "question": "How far?", "answer": "-1"}, ItemText("How far?", "-1")),
    (
        "olympiadbench",
        {
            "id": 1606,
            "question": "Find all $x$.",
            "context": "Let $x > 0$.",
            "final_answer": ["$\\frac{1}{2}$", "$3$"],
            "is_multiple_answer": True,
            "unit": None,
            "answer_type": "Numerical",
            "subfield": "Algebra",
            "modality": "Text-only",
        },
        ItemText("Let $x > 0$.\n\nFind all $x$.", "$\\frac{1}{2}$, $3$", subject="Algebra"),
    ),
    ("olympiadbench", {"question": "Prove it.", "final_answer": None}, Unfit("no_gold")),
    (
        "olympiadbench",
        {"question": "See <image_1>.", "final_answer": ["2"], "modality": "Multimodal"},
        Unfit("needs_an_image"),
    ),
    (
        "gaokao2023en",
        {"id": 3, "question": "Find $a$.", "answer": r"$\frac{3}{2}$"},
        ItemText("Find $a$.", r"$\frac{3}{2}$"),
    ),
    (
        "college_math",
        {
            "data_source": "a.b",
            "question_number": "exercise.8",
            "question": "Simplify.",
            "answer": r"$-3 \sqrt{2}$",
            "license": "CC-BY",
            "data_topic": "college_math.algebra",
        },
        ItemText("Simplify.", r"$-3 \sqrt{2}$", subject="college_math.algebra"),
    ),
    (
        "sat_math",
        {"question": "Pick.", "options": "A. 550 B. 600 C. 1,000 D. 4,150", "Answer": "C"},
        ItemText("Pick.", "C", ("550", "600", "1,000", "4,150")),
    ),
]


@pytest.mark.parametrize(("form", "row", "item"), ROWS)
def test_a_row_is_read_as_its_benchmark_means_it(form, row, item):
    assert READERS[form](row) == item


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("aime", {"problem": "Find n.", "answer": "1000"}),
        ("aime", {"problem": "Find n.", "answer": -1}),
        ("aime", {"problem": "Find n.", "answer": 3.5}),
        ("gsm-hard", {"input": "Q", "target": float("inf")}),
        ("mmlu_stem", {"question": "Pick.", "choices": ["a", "b"], "answer": 2, "type": "t"}),
        ("mmlu_stem", {"question": "Pick.", "choices": ["a", "b"], "answer": -1, "type": "t"}),
        ("aqua", {"question": "Pick.", "options": ["A)1", "B)2"], "correct": "E"}),
        ("lm_eval", {"doc": {"question": "Pick.", "choices": ["1", "2"]}, "target": 2}),
    ],
)
def test_a_gold_that_cannot_be_is_an_error(form, row):
    with pytest.raises(ValueError, match=r"the (gold|number)"):
        READERS[form](row)


def test_every_format_has_a_case():
    assert {form for form, _, _ in ROWS} == set(READERS)


@pytest.mark.parametrize(
    ("answer", "kind", "gold"),
    [
        ("1,200", "integer_number", "1200"),
        ("3/4", "decimal_number", "0.75"),
        ("1/3", "decimal_number", "1/3"),
        ("25%", "decimal_number", "0.25"),
        ("-0.50", "decimal_number", "-0.5"),
        ("1,200", "extractive_text", "1,200"),
    ],
)
def test_numbers_of_tables_are_worked_out(answer, kind, gold):
    row = {"table_title": None, "table": "T", "question": "Q", "choices": None, "ans_type": kind}
    assert READERS["tabmwp"](row | {"answer": answer}) == ItemText("T\n\nQ", gold)


def test_numbers_are_written_as_digits():
    assert [number_text(x) for x in (145.0, -3.0, 0.5, 1e-05, 9284017268534.4)] == [
        "145",
        "-3",
        "0.5",
        "0.00001",
        "9284017268534.4",
    ]


@pytest.mark.parametrize(
    ("name", "items", "plain_numbers"),
    [
        ("gsm8k", 1319, 1319),
        ("math-oai", 500, None),
        ("svamp", 1000, 1000),
        ("asdiv", 2215, None),
        ("mawps", 2065, 2065),
        ("carp_en", 976, None),
        ("gsm-hard", 1319, 1319),
        ("aqua", 254, 0),
    ],
)
def test_the_public_files_are_read_whole(name, items, plain_numbers):
    file = Path(os.environ.get("JZ3_SHARED", "../shared")) / f"benchmarks/{name}/test.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is not there")
    read = [READERS[name](json.loads(line)) for line in file.read_text().split("\n") if line]
    assert len(read) == items
    assert all(isinstance(item, ItemText) and item.question and item.gold for item in read)
    if plain_numbers is not None:
        numbers = [item.gold.lstrip("-").replace(".", "", 1).isdecimal() for item in read]
        assert sum(numbers) == plain_numbers
    if name == "aqua":
        assert {len(item.choices) for item in read} == {5}
        assert {item.gold for item in read} == set("ABCDE")
