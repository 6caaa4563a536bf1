"""`jz3 grade`: answer files in other tools' layouts, compared with intervals; mistakes are named."""

import doctest
import gzip
import json
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.core.errors import UserError
from jz3.evaluation import joining, shares
from jz3.evaluation.answer_files import Fields, read_file
from jz3.evaluation.compare import compare
from jz3.evaluation.shares import holm, wilson

N = 12
GUESSED = Fields()


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def gold(tmp_path):
    """Gold in GSM8K's format: the answer is 3i + 1,000."""
    rows = [
        {
            "question": f"What is {i} times 3 and 1,000?",
            "answer": f"It is <<{i}*3>>{3 * i}.\n#### 1,{3 * i:03}",
        }
        for i in range(N)
    ]
    return write(tmp_path / "gold.jsonl", rows)


def response(i, right):
    return f"We multiply {i} by 3 and add 1000 to it.\nSo the answer is {1000 + 3 * i if right else 7}."


def layouts(i, right):
    text = response(i, right)
    message = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    question = f"What is {i} times 3 and 1,000?"
    target = f"#### 1,{3 * i:03}"
    return {
        "own": {"question": question, "response": text},
        "lm_eval": {
            "doc_id": i,
            "doc": {"question": question},
            "target": target,
            "resps": [[text]],
            "filtered_resps": ["1"],
            "filter": "strict-match",
        },
        "verl": {"input": question, "output": text, "gts": str(1000 + 3 * i), "score": 0.0, "step": 1},
        "rollout": {
            "responses": [text],
            "reward_model": {"style": "rule", "ground_truth": str(1000 + 3 * i)},
            "extra_info": {"index": i},
        },
        "openai": {
            "id": f"batch_req_{i}",
            "custom_id": str(i),
            "response": {"status_code": 200, "body": message},
            "error": None,
        },
    }


def judged(file, gold_file=None, *, fields=GUESSED, whole=None, benchmark=None):
    right = read_file(gold_file, Fields()) if gold_file else None
    return compare([read_file(file, fields)], right, benchmark, whole=whole)


@pytest.mark.parametrize("layout", ["own", "lm_eval", "verl", "rollout", "openai"])
def test_each_layout_gives_the_same_verdicts(tmp_path, gold, layout):
    file = write(tmp_path / "a.jsonl", [layouts(i, i % 3)[layout] for i in range(N)])
    found = judged(file, gold)
    assert [one.equal for one in found.judged] == [bool(i % 3) for i in range(N)]
    assert [one.math_verify for one in found.judged] == [bool(i % 3) for i in range(N)]
    assert found.judged[1].extracted == "1003"


@pytest.mark.parametrize("layout", ["lm_eval", "verl", "rollout"])
def test_a_layout_with_golds_of_its_own_needs_no_file_of_them(tmp_path, layout):
    file = write(tmp_path / "a.jsonl", [layouts(i, i % 3)[layout] for i in range(N)])
    assert [one.equal for one in judged(file).judged] == [bool(i % 3) for i in range(N)]


def test_filters_of_lm_eval_count_an_item_once(tmp_path):
    rows = [layouts(i, 1)["lm_eval"] | {"filter": name} for i in range(N) for name in ("strict", "flexible")]
    assert judged(write(tmp_path / "a.jsonl", rows)).scores[0].answers == N


def test_tables_and_csv_are_read_and_fields_by_name(tmp_path, gold):
    table = pl.DataFrame([{"n": i, "said": response(i, i)} for i in range(N)])
    table.write_parquet(tmp_path / "a.parquet")
    table.write_csv(tmp_path / "a.csv")
    for file in (tmp_path / "a.parquet", tmp_path / "a.csv"):
        assert judged(file, gold, fields=Fields(predicted="said")).scores[0].accuracy == pytest.approx(
            100 * 11 / 12
        )


def test_math_golds_are_the_boxes_of_solutions(tmp_path):
    row = {"problem": "p", "solution": "As x = 1, half is $\\boxed{\\frac{1}{2}}$.", "response": "It is 0.5."}
    assert judged(write(tmp_path / "a.jsonl", [row])).scores[0].accuracy == 100


def test_a_failed_request_is_no_answer(tmp_path, gold):
    rows = [layouts(i, 1)["openai"] for i in range(N)]
    rows[3]["response"] = None
    found = judged(write(tmp_path / "a.jsonl", rows), gold)
    assert (found.judged[3].rule, found.scores[0].no_answer, found.scores[0].items) == ("no_answer", 1, N)


def mistakes():
    right = [layouts(i, 1)["own"] for i in range(N)]
    yield "swapped", None, right, "look swapped"
    yield "no ids", {}, [{"id": f"x{i}", "response": response(i, 1)} for i in range(3)], "joins a row"
    yield "no field", {}, [{"id": "1", "text_of_mine": "4"}], "--field"
    yield "wrong column", {"predicted": "note"}, [row | {"note": "fine"} for row in right], "--field response"
    yield "absent column", {"predicted": "nosuch"}, right, "it has question, response"


@pytest.mark.parametrize(("name", "fields", "rows", "said"), mistakes())
def test_likely_mistakes_are_named(tmp_path, gold, name, fields, rows, said):
    file = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(UserError, match=said):
        judged(gold, file) if fields is None else judged(file, gold, fields=Fields(**fields))


def test_whole_responses_as_gold_and_swapped_fields_are_named(tmp_path):
    long = "We look at each of the numbers in turn, add what is there, and see that it is so. " * 4
    rows = [{"gold": long, "predicted": "18"} for _ in range(3)]
    with pytest.raises(UserError, match="look swapped"):
        judged(write(tmp_path / "a.jsonl", rows))
    rows = [{"gold": long, "predicted": long} for _ in range(3)]
    with pytest.raises(UserError, match="holds whole texts"):
        judged(write(tmp_path / "b.jsonl", rows))


def test_nothing_equal_is_said_with_what_was_compared(tmp_path):
    found = judged(write(tmp_path / "a.jsonl", [{"gold": "1", "predicted": "2"}]))
    assert "NOTHING IS EQUAL" in found.notes[-1]
    assert "gold '1', taken '2'" in found.notes[-1]


def test_an_unknown_benchmark_is_said(tmp_path):
    file = write(tmp_path / "a.jsonl", [{"gold": "1", "predicted": "1", "benchmark": "GSM-8K"}])
    assert any("Did you mean gsm8k" in note for note in judged(file).notes)


BAD_LINES = [b"{", b"[1]", b'"text"', b'{"gold": "\xff"}']


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_named_and_the_rest_is_graded(tmp_path, line):
    path = tmp_path / "bad.jsonl"
    good = b'{"gold": "1", "predicted": "1"}\n'
    path.write_bytes(good + b"\n" + line + b"\n" + good)
    found = judged(path)
    assert found.scores[0].items == 2
    assert found.notes[0].startswith(f"{path}, line 3: not")


def test_numbers_stay_as_they_are_written(tmp_path):
    path = tmp_path / "numbers.jsonl"
    huge = "7" * 3900
    path.write_text(f'\ufeff{{"gold": {huge}, "predicted": {huge}}}\n{{"gold": 0.10, "predicted": 1e-1}}\n')
    assert [one.equal for one in judged(path, whole=False).judged] == [True, True]


@given(st.integers(1, 3000), st.floats(0, 1))
def test_an_interval_holds_the_share_and_lies_in_bounds(n, share):
    low, high = wilson(share, n)
    assert 0 <= low <= 100 * share + 1e-9
    assert 100 * share - 1e-9 <= high <= 100


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_raises_each_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    ranked = sorted(range(len(p_values)), key=lambda place: p_values[place])
    assert [adjusted[place] for place in ranked] == sorted(adjusted)


@pytest.mark.parametrize("form", ["a list", "rows"])
def test_the_mean_of_several_answers_counts_for_an_item(tmp_path, gold, form):
    texts = [[response(i, right=True), response(i, right=i % 2 == 0)] for i in range(N)]
    questions = [f"What is {i} times 3 and 1,000?" for i in range(N)]
    rows = [{"question": q, "responses": said} for q, said in zip(questions, texts, strict=True)]
    if form == "rows":
        rows = [{"question": row["question"], "response": text} for row in rows for text in row["responses"]]
    found = judged(write(tmp_path / "several.jsonl", rows), gold)
    (score,) = found.scores
    assert (score.items, score.answers, score.accuracy) == (N, 2 * N, 75)
    assert any("their mean counts" in note for note in found.notes)


def test_names_keep_their_dots_and_a_file_given_twice_is_named(tmp_path, gold):
    rows = [{"question": "What is 0 times 3 and 1,000?", "response": response(0, right=True)}]
    right = read_file(gold, Fields())
    file = read_file(write(tmp_path / "model-4.1.jsonl", rows), Fields())
    packed = tmp_path / "model-4.0.jsonl.gz"
    packed.write_bytes(gzip.compress(file.path.read_bytes()))
    scores = compare([file, read_file(packed, Fields())], right, None, whole=None).scores
    assert [score.file for score in scores] == ["model-4.1", "model-4.0"]
    with pytest.raises(UserError, match="is given twice"):
        compare([file, file], right, None, whole=None)


def test_doctests():
    assert doctest.testmod(joining) == doctest.TestResults(0, 3)
    assert doctest.testmod(shares) == doctest.TestResults(0, 2)


def test_the_command_compares_three_files_and_leaves_a_table(tmp_path, gold, monkeypatch):
    files = [
        write(tmp_path / f"{name}.jsonl", [layouts(i, i % 3 < worth)[layout] for i in range(N)])
        for name, layout, worth in (("x", "own", 3), ("y", "openai", 2), ("z", "lm_eval", 1))
    ]
    table = tmp_path / "items.jsonl"
    arguments = ["grade", *map(str, files), "--gold", str(gold), "--table", str(table), "--json"]
    done = CliRunner().invoke(app, arguments)
    document = json.loads(done.stdout)
    assert [round(one["accuracy"], 1) for one in document["scores"]] == [100, 66.7, 33.3]
    assert [(one["better"], one["worse"]) for one in document["pairs"]] == [(4, 0), (8, 0), (4, 0)]
    assert document["pairs"][1]["p_value"] == 2 / 2**8
    assert document["pairs"][1]["p_holm"] == 6 / 2**8
    assert [json.loads(line) for line in table.read_text().splitlines()] == document["items"]
    table.write_text("mine")
    assert CliRunner().invoke(app, arguments).exit_code == 1
    assert table.read_text() == "mine"
    done = CliRunner().invoke(app, ["grade", "-", "--gold", str(gold)], input=files[1].read_bytes())
    assert done.stdout.startswith("-: 8 of 12 equal (66.67 %, 95 % interval 39.06 to 86.19)")


SHARED = Path(os.environ.get("JZ3_SHARED", "../shared")) / "benchmarks"


@pytest.mark.parametrize("name", ["gsm8k", "math-oai"])
def test_public_golds_are_found_and_equal_themselves(name):
    file = SHARED / name / "test.jsonl"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    gold = read_file(file, Fields())
    answers = [row["answer"] for row in gold.rows[:25]]
    rows = [{"response": f"So \\boxed{{{joining.gold_answer(text)}}}."} for text in answers]
    own = type(gold)(Path("own"), "own rows", rows, "response", None, None)
    some = type(gold)(gold.path, gold.layout, gold.rows[:25], gold.predicted, gold.gold, gold.identity)
    assert compare([own], some, None, whole=None).scores[0].accuracy == 100


@pytest.mark.parametrize(
    ("ours", "theirs"), [("question", "problem"), ("prompt", "Problem"), ("Question",) * 2]
)
def test_questions_join_whatever_their_field_is_called(tmp_path, ours, theirs):
    """The same rows in another order: joined by the order of the rows, every answer would be wrong."""
    gold = write(
        tmp_path / "gold.jsonl", [{theirs: f"What is {i} plus 1?", "Answer": i + 1} for i in range(N)]
    )
    rows = [
        {ours: f"What is {i} plus  1?", "response": f"The answer is {i + 1}."} for i in reversed(range(N))
    ]
    found = judged(write(tmp_path / "a.jsonl", rows), gold)
    assert found.scores[0].accuracy == 100
    named = f"`{ours}`" if ours == theirs else f"`{ours}` and `{theirs}`"
    assert any(note.endswith(f"by {named}") for note in found.notes)


def test_ids_that_name_other_questions_give_way(tmp_path):
    """Ids of two files that each number their own rows."""
    gold = write(
        tmp_path / "gold.jsonl", [{"id": i, "question": f"{i} + 1?", "answer": i + 1} for i in range(N)]
    )
    turned = [{"id": i, "question": f"{N - 1 - i} + 1?", "response": f"It is {N - i}."} for i in range(N)]
    found = judged(write(tmp_path / "a.jsonl", turned), gold)
    assert found.scores[0].accuracy == 100
    assert any("name other questions" in note for note in found.notes)
    # Differently worded questions say nothing against the ids.
    asked = [{"id": i, "question": f"Add 1 to {i}.", "response": f"It is {i + 1}."} for i in range(N)]
    assert judged(write(tmp_path / "b.jsonl", asked), gold).scores[0].accuracy == 100


CHOICES = ["north", "east", "south", "west"]


@pytest.mark.parametrize(
    "answer", [lambda i: {"response": f"The answer is ({'ABCD'[i]})."}, lambda i: {"predicted": i}]
)
@pytest.mark.parametrize("own", [False, True])
def test_numbers_of_choices_are_letters(tmp_path, answer, own):
    """MMLU has `answer: 1` if a model says B."""
    rows = [{"question": f"Where from {i}?", "choices": CHOICES, "answer": i} for i in range(4)]
    said = [{"question": row["question"], **answer(i)} for i, row in enumerate(rows)]
    file = write(
        tmp_path / "a.jsonl", [row | more for row, more in zip(rows, said, strict=True)] if own else said
    )
    gold = None if own else write(tmp_path / "gold.jsonl", rows)
    assert [one.gold for one in judged(file, gold).judged] == ["A", "B", "C", "D"]
    assert judged(file, gold).scores[0].accuracy == 100


def test_a_choice_that_is_itself_a_number_stays_one(tmp_path):
    rows = [
        {"id": i, "options": ["0", "1", "2", "3"], "answer": str(i), "predicted": str(i)} for i in range(4)
    ]
    assert [one.gold for one in judged(write(tmp_path / "a.jsonl", rows)).judged] == ["0", "1", "2", "3"]


def test_objects_for_answers_are_named_and_what_is_in_them_can_be(tmp_path):
    rows = [{"answer": {"value": i, "unit": "m"}, "said": {"text": f"The answer is {i}."}} for i in range(N)]
    file = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(UserError, match=r"`said` holds objects with said\.text"):
        judged(file, fields=Fields(predicted="said"))
    with pytest.raises(UserError, match=r"`answer` holds objects with answer\.value, answer\.unit"):
        judged(file, fields=Fields(predicted="said.text"))
    found = judged(file, fields=Fields(predicted="said.text", gold="answer.value"))
    assert found.scores[0].accuracy == 100
    with pytest.raises(UserError, match=r"has no field `answer\.nosuch`"):
        judged(file, fields=Fields(gold="answer.nosuch"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("indent", [None, 1])
def test_json_lines_come_in_other_encodings_and_as_one_list(tmp_path, encoding, indent):
    rows = [{"gold": f"{i}é", "predicted": f"{i}é"} for i in range(N)]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding=encoding)
    (tmp_path / "list.jsonl").write_text(json.dumps(rows, indent=indent), encoding=encoding)
    for name in ("lines", "list"):
        assert judged(tmp_path / f"{name}.jsonl").scores[0].accuracy == 100


def test_whole_numbers_as_pandas_writes_them_are_the_same_ids(tmp_path):
    golds = write(tmp_path / "gold.jsonl", [{"id": i, "answer": f"#### {i + 3}"} for i in (4, 7, 9)])
    own = tmp_path / "own.csv"
    own.write_text("id,generated_solution\n9.0,\\boxed{12}\n4.0,\\boxed{7}\n7.0,\\boxed{11}\n")
    done = CliRunner().invoke(app, ["grade", str(own), "--gold", str(golds)])
    assert "own: 2 of 3 equal" in done.stdout
    own.write_text(own.read_text().replace("7.0", "7.1"))
    done = CliRunner().invoke(app, ["grade", str(own), "--gold", str(golds)])
    assert "such as 9.0" in done.stderr


def test_ids_that_repeat_over_other_golds_name_no_item(tmp_path):
    rows = [{"id": 1, "gold": str(i), "predicted": str(i % 2)} for i in range(N)]
    found = judged(write(tmp_path / "a.jsonl", rows))
    assert (found.scores[0].items, found.scores[0].answers) == (N, N)
    assert any("does not identify items" in note for note in found.notes)


def test_rows_without_an_id_are_items_of_their_own(tmp_path):
    rows = [{"gold": "1", "predicted": "1"} | ({"id": "x"} if i == 0 else {}) for i in range(N)]
    assert judged(write(tmp_path / "a.jsonl", rows)).scores[0].items == N


def test_of_several_golds_in_a_row_it_is_said_that_one_counts(tmp_path):
    rows = [{"gold": ["1", "2"], "predicted": "1"}, {"gold": ["2"], "predicted": "2"}]
    found = judged(write(tmp_path / "a.jsonl", rows))
    assert any("`gold` holds up to 2 right answers a row; the first counts" in note for note in found.notes)


def test_a_question_with_two_right_answers_joins_nothing(tmp_path):
    """SVAMP's `Question` is the end of a text whose beginning is in another field."""
    gold = write(
        tmp_path / "gold.jsonl",
        [{"Question": f"How many of {i // 2}?", "Answer": i} for i in range(4)]
        + [{"Question": "One?", "Answer": 1}],
    )
    rows = [{"question": text, "response": "It is 1."} for text in ("How many of 0?", "One?")]
    found = judged(write(tmp_path / "a.jsonl", rows), gold)
    assert [one.gold for one in found.judged] == ["1"]
    assert any("1 of 2 answers have no gold" in note for note in found.notes)


SVAMP = [
    {
        "ID": f"chal-{i}",
        "Body": f"Dan had $ {i} left after he bought a candy bar. If he had $ {2 * i + 1} at the start",
        "Question": "How much did the candy bar cost?",
        "Answer": float(i + 1),
    }
    for i in range(N)
]


@pytest.mark.parametrize("parts", [("Body", "Question"), ("question",)])
def test_a_question_is_joined_with_the_story_that_it_asks_about(tmp_path, parts):
    """In SVAMP the same question ends many stories; by itself it joins nothing."""
    gold = write(tmp_path / "gold.jsonl", SVAMP)
    rows = [
        (row if len(parts) == 2 else {"question": f"{row['Body']} {row['Question']}"})
        | {"response": f"It is {int(row['Answer'])}.", "ID": None, "Answer": None}
        for row in reversed(SVAMP)
    ]
    found = judged(write(tmp_path / "a.jsonl", rows), gold)
    assert (found.scores[0].items, found.scores[0].accuracy) == (N, 100)
    assert any("`Body` and `Question`" in note or "`question`" in note for note in found.notes)


@pytest.mark.parametrize("who", [("role", "content", "user", "assistant"), ("from", "value", "human", "gpt")])
@pytest.mark.parametrize("as_text", [False, True])
def test_turns_are_read_without_a_name(tmp_path, gold, who, as_text):
    """The last answer, joined by the question before it."""
    speaker, text, asking, answering = who
    turns = [
        [
            {speaker: asking, text: f"What is {i} plus 1?"},
            {speaker: answering, text: f"So the answer is \\boxed{{{i + 1}}}."},
        ]
        for i in reversed(range(N))
    ]
    asked = [{"question": f"What is {i} plus 1?", "answer": str(i + 1)} for i in range(N)]
    gold = write(tmp_path / "gold.jsonl", asked)
    rows = [{"messages": json.dumps(one) if as_text else one} for one in turns]
    found = judged(write(tmp_path / "a.jsonl", rows), gold)
    assert found.scores[0].accuracy == 100
    assert any("predicted from `messages`" in note for note in found.notes)
    prompts = [
        {"messages": one[:1], "answer": str(i + 1)} for i, one in zip(reversed(range(N)), turns, strict=True)
    ]
    found = judged(write(tmp_path / "b.jsonl", prompts), gold)
    assert found.scores[0].accuracy == 100, "turns that end in a question are a prompt"


def test_a_compressed_file_without_its_ending_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(b'{"gold": "1", "predicted": "1"}\n'))
    with pytest.raises(UserError, match=r"is gzip by its first bytes.* Rename it to a.jsonl.gz"):
        read_file(tmp_path / "a.jsonl", Fields())
