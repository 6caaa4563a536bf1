"""An answer by program consists of what the model wrote and what its programs really printed."""

from pathlib import Path

import polars as pl
import pytest

from jz3.answers.equality import equal
from jz3.answers.extract import extract_strict
from jz3.core.artifacts import InDir, InFiles
from jz3.core.errors import UserError
from jz3.evaluation.answer import AnswerParams, answer
from jz3.evaluation.shots import Shot, ShotParams, ShotsError, read_shots
from jz3.evaluation.templates import ASK_FOR_BOX, CHAT, COT, JIUZHANG, JIUZHANG_TORA, prompt, shown
from jz3.evaluation.tool_loop import Attempt, answer_with_tools, continued, program_so_far
from jz3.generation.completion_rows import GENERATE
from jz3.generation.engine import Generated
from jz3.generation.engines import open_engine
from jz3.sandbox.pool import open_sandbox
from jz3.sandbox.settings import Limits, SandboxSettings
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.response import Response
from tests.evaluation.test_grade import items
from tests.generation.builders import execution, tiny_model

SETTINGS = SandboxSettings(
    workers=1,
    required_level=2,
    limits=Limits(wall_seconds=5, cpu_seconds=5, memory_mb=256, output_characters=2000),
)


@pytest.fixture(scope="module")
def sandbox():
    with open_sandbox(SETTINGS) as opened:
        yield opened


def scripted(*texts):
    """A model that writes these texts, one per call, whatever it reads; it records what it read."""
    waiting, read = list(texts), []

    def generate(requests):
        read.extend(request.prompt for request in requests)
        return [Generated(waiting.pop(0), "stop", prompt_tokens=3, completion_tokens=2) for _ in requests]

    return generate, read


def answered(sandbox, *texts, rounds=4, shown_characters=400):
    generate, read = scripted(*texts)
    attempt = Attempt(seed=1)
    (done,) = answer_with_tools(
        ["Q\n"], [attempt], generate, sandbox.run_all, rounds=rounds, shown_characters=shown_characters
    )
    return done, read


def test_a_program_runs_and_the_model_reads_its_output(sandbox):
    done, read = answered(sandbox, "```python\nprint(6 * 7)\n```\n", "The answer is \\boxed{42}.")
    assert done.text == ("```python\nprint(6 * 7)\n```\n```output\n42\n```\nThe answer is \\boxed{42}.")
    assert read[1] == "Q\n" + done.text.removesuffix("The answer is \\boxed{42}.")
    assert (done.calls, done.prompt_tokens, done.completion_tokens) == (2, 6, 4)


def test_a_second_program_sees_the_first_and_shows_only_its_own_output(sandbox):
    done, _ = answered(
        sandbox,
        "```python\nx = 5\nprint(x)\n```\n",
        "```python\nprint(x + 1)\n```\n",
        "\\boxed{6}",
    )
    assert done.text.count("```output\n5\n```") == 1
    assert "```output\n6\n```" in done.text


@pytest.mark.parametrize(
    "written",
    [
        "We count.\n```python\nprint(f'\\\\boxed{{{6 * 7}}}')\n```\n",
        "```py\n# goes into \\boxed{}\nprint(42)\n```\n",
        "It goes into \\boxed{}.\n~~~~ Python3 {.numberLines}\nprint(42)\n~~~~\n",
        "1. So:\n   ```python\n   print(42)\n   ```\n",
        "We guess \\boxed{41} and compute.\n```Python\nprint(42)\n```\n",
        "```python\nprint(42)\n",
        "```python\nprint(42)\n```\nThe program prints:\n",
        "```python\nprint(42)\n```\n```Output\n41\n```\nThe answer is \\boxed{41}.",
    ],
)
def test_a_program_runs_before_the_answer_ends(sandbox, written):
    done, read = answered(sandbox, written, "So \\boxed{42}.")
    assert (len(read), done.calls) == (2, 2)
    assert read[1].endswith(("```output\n42\n```\n", "```output\n\\boxed{42}\n```\n"))
    assert "41\n" not in read[1]
    assert done.text.endswith("```\nSo \\boxed{42}.")


def test_an_answer_behind_its_program_ends_at_once_and_so_does_one_that_was_cut(sandbox):
    done, read = answered(sandbox, "```python\nprint(42)\n```\nIt is \\boxed{42}.", "never asked")
    assert (done.ended, len(read)) == (True, 1)
    cut = continued(Attempt(seed=1), Generated("```python\nprint(4", "length", 1, 1))
    assert (cut.ended, cut.text) == (True, "```python\nprint(4")


def test_an_output_that_speaks_of_errors_is_no_error(sandbox):
    done, _ = answered(sandbox, "```python\nprint('finance ...')\n```\n", "\\boxed{1}")
    assert "```output\nfinance ...\n```" in done.text


def test_an_error_is_shown_by_its_last_line(sandbox):
    done, _ = answered(sandbox, "```python\n1 / 0\n```\n", "\\boxed{1}")
    assert "```output\nZeroDivisionError: division by zero\n```" in done.text


def test_an_answer_without_a_program_ends_at_once_and_rounds_are_bounded(sandbox):
    done, read = answered(sandbox, "I do not know.", "never asked")
    assert (done.text, len(read)) == ("I do not know.", 1)
    done, read = answered(sandbox, *["```python\nprint(1)\n```\n"] * 9, rounds=3)
    assert done.calls == len(read) == 3


def test_a_long_output_is_shown_by_its_ends(sandbox):
    done, _ = answered(sandbox, "```python\nprint('a' * 50 + 'b' * 50)\n```\n", "", shown_characters=10)
    assert "```output\naaaaa...bbbbb\n```" in done.text


def test_a_program_is_built_from_the_answer_alone():
    assert program_so_far("text ```python\na = 1\n``` more ```python\nb = 2\n```") == "a = 1\nb = 2\n"


def test_prompts_are_those_of_the_training_rows():
    assert prompt(JIUZHANG, "Why?", None, ()) == "## Question\nWhy?\n\n## Solution\n"
    assert prompt(JIUZHANG_TORA, "Why?", None, ()).endswith("\n\n## Code Solution\n")
    assert shown("Which?", ["3", "4"]) == "Which?\nAnswer Choices: (A) 3 (B) 4"


SHOTS = (Shot("1+1?", "It is \\boxed{2}."), Shot("2+2?", "It is \\boxed{4}."))


def test_examples_stand_before_a_question_two_blank_lines_apart():
    assert prompt(COT, "Why?", None, SHOTS) == (
        "Question: 1+1?\nAnswer: It is \\boxed{2}.\n\n\n"
        "Question: 2+2?\nAnswer: It is \\boxed{4}.\n\n\n"
        "Question: Why?\nAnswer:"
    )
    assert prompt(JIUZHANG, "Why?", ["3"], SHOTS[:1]) == (
        "## Question\n1+1?\n\n## Solution\nIt is \\boxed{2}.\n\n\n"
        "## Question\nWhy?\nAnswer Choices: (A) 3\n\n## Solution\n"
    )


@pytest.mark.parametrize("template", [JIUZHANG, JIUZHANG_TORA, COT])
def test_a_stop_word_ends_what_would_be_the_next_question(template):
    following = template.text("Next?", ())
    written = f"\\boxed{{1}}.\n\n\n{following}"
    assert min(written.find(stop) for stop in template.stop if stop in written) <= len("\\boxed{1}.\n")
    assert not any(stop in shot.solution for stop in template.stop for shot in SHOTS)


def test_a_conversation_shows_examples_as_turns_and_asks_for_a_box_once():
    turns = prompt(CHAT, "Why?", None, SHOTS)
    assert [turn.role for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert [turn.content.count("boxed{}") for turn in turns] == [1, 0, 0, 0, 0]
    assert turns[-1].content == "Why?"
    (alone,) = prompt(CHAT, "Why?", None, ())
    assert alone.content == f"{ASK_FOR_BOX}\n\nWhy?"


FILES = InFiles(Path(__file__).parents[2] / "data/raw/shots")


def all_shots(name):
    count = len((FILES.path / name).read_text(encoding="utf-8").splitlines())
    return read_shots(FILES, ShotParams(file=name, count=count))


ANSWERS = {
    "arithmetic.jsonl": [
        6 * 45 * 4,
        (84 - 12) / 9,
        4 * 3 + 6 * 1.5,
        5 + 7 + 9 + 11,
        240 * 3 / 4 / 20,
        150 - (150 * 0.4 + 27),
        (25 - 4) / 3,
        80 - 80 / 4 + 5,
    ],
    "competition.jsonl": ["5,2", 3**20 % 10, (5 + 12 - 13) / 2, "4/10", r"x < -3 or x \ge 1"],
    "choices.jsonl": ["C", "D", "B", "A", "D"],
    "programs.jsonl": [18 * 24 * 2, 50, 3, 53 - 35],
}


def test_every_example_of_ours_ends_with_the_right_answer():
    assert {file.name for file in FILES.matching("*.jsonl")} == set(ANSWERS)
    for name, answers in ANSWERS.items():
        for shot, right in zip(all_shots(name), answers, strict=True):
            assert equal(extract_strict(shot.solution).answer, str(right)).equal, shot.question


def test_the_programs_of_the_examples_print_what_stands_below_them(sandbox):
    shots = all_shots("programs.jsonl")
    results = sandbox.run_all([program_so_far(shot.solution) for shot in shots])
    for shot, result in zip(shots, results, strict=True):
        assert f"```output\n{result.stdout}```" in shot.solution


def test_examples_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ShotsError, match=r"arithmetic.jsonl has 8 examples; 9 were expected"):
        read_shots(FILES, ShotParams(file="arithmetic.jsonl", count=9))
    with pytest.raises(ShotsError, match=r"none.jsonl does not exist"):
        read_shots(FILES, ShotParams(file="none.jsonl", count=1))
    (tmp_path / "odd.jsonl").write_text('{"question": "Q"}\n')
    with pytest.raises(ShotsError, match=r"odd.jsonl line 1 is not an example"):
        read_shots(InFiles(tmp_path), ShotParams(file="odd.jsonl", count=1))
    assert read_shots(FILES, None) == ()


def parameters(**changes):
    return AnswerParams.model_validate(
        {
            "engine": "transformers",
            "dtype": "saved",
            "prose": {"template": "jiuzhang", "benchmarks": ["b"], "shots": {}, "forced_end": None},
            "tool": {
                "benchmarks": [],
                "shots": {},
                "rounds": 2,
                "limits": SETTINGS.limits,
                "shown_characters": 400,
            },
            "samples": 1,
            "seed": 0,
            "temperature": 1.0,
            "top_p": 1.0,
            "max_tokens": 8,
        }
        | changes
    )


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """Answers by a tiny real model, through a row store of its own."""
    directory = tmp_path_factory.mktemp("answers")
    model = InDir(ModelManifest, tiny_model(directory / "model", context=512))
    table = items(["1", "2"])

    def answer_with(params):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JZ3_STORE", str(directory / "store"))
            with open_engine("transformers", model, "saved", execution()) as engine:
                return answer(table, FILES, engine, params, execution())

    return answer_with


def test_each_item_is_answered_as_often_as_asked_and_more_samples_keep_the_first(answering):
    few = answering(parameters(samples=2)).responses
    more = answering(parameters(samples=3))
    many = more.responses
    Response.validate(many)
    assert many.height == more.metrics.rows.kept == 6
    assert not more.forced_ends.height
    kept = many.filter(pl.col("draw") < 2).sort("response_id")
    assert kept.equals(few.sort("response_id"))
    assert many["text"].n_unique() > 2, "draws differ"


def test_examples_lengthen_the_prompt_that_the_model_reads(answering):
    bare = answering(parameters()).responses
    prose = {
        "template": "cot",
        "benchmarks": ["b"],
        "shots": {"b": {"file": "arithmetic.jsonl", "count": 1}},
        "forced_end": None,
    }
    shown_one = answering(parameters(prose=prose)).responses
    (shot,) = read_shots(FILES, ShotParams(file="arithmetic.jsonl", count=1))
    assert bare["prompt_tokens"].to_list() == [len("## Question\nq\n\n## Solution\n")] * 2
    assert shown_one["prompt_tokens"].to_list() == [len(COT.text("q", [shot]).encode())] * 2


CHATTING = {
    "template": "chat",
    "benchmarks": ["b"],
    "shots": {"b": {"file": "arithmetic.jsonl", "count": 2}},
    "forced_end": None,
}


def test_a_model_without_a_chat_template_cannot_chat(answering):
    with pytest.raises(UserError, match=r"no chat template; an instruct model was expected.*answer.prose"):
        answering(parameters(prose=CHATTING))


@pytest.fixture(scope="module")
def instruct(tmp_path_factory):
    """A tiny real model with a chat template of its own."""
    return InDir(ModelManifest, tiny_model(tmp_path_factory.mktemp("instruct"), context=2048, chat=True))


def test_an_instruct_model_answers_in_its_own_chat_template(instruct, tmp_path, monkeypatch):
    """Token for token what transformers itself makes of the conversation; then greedy, as `generate`
    continues.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    table = items(["1", "2"]).with_columns(question=pl.Series(["What is 1 + 0?", "What is <user>1 + 1?"]))
    params = parameters(prose=CHATTING, temperature=0.0)
    with open_engine("transformers", instruct, "saved", execution()) as engine:
        responses = answer(table, FILES, engine, params, execution()).responses
    Response.validate(responses)
    tokenizer = AutoTokenizer.from_pretrained(instruct.path)
    model = AutoModelForCausalLM.from_pretrained(instruct.path)
    shots = read_shots(FILES, ShotParams(file="arithmetic.jsonl", count=2))
    for number, row in enumerate(responses.sort("item_id").iter_rows(named=True)):
        # Special tokens spelled out in a question are not marks of a turn: they are broken up by a blank.
        question = table["question"][number].replace("<user>", "< user>")
        turns = [vars(turn) for turn in prompt(CHAT, question, None, shots)]
        assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2 + ["user"]
        tokens = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")[
            "input_ids"
        ]
        marks = tokenizer.convert_tokens_to_ids(["<user>", "<assistant>", "<end>"])
        assert [int((tokens == mark).sum()) for mark in marks] == [3, 3, 5]
        assert row["prompt_tokens"] == tokens.shape[1]
        written = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=8, do_sample=False
        )
        theirs = written[0, tokens.shape[1] :]
        assert row["text"] == tokenizer.decode(theirs, skip_special_tokens=True)
        assert row["completion_tokens"] == len(theirs)


def test_a_conversation_that_was_answered_is_not_asked_for_again(instruct, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    params = parameters(prose=CHATTING)
    with open_engine("transformers", instruct, "saved", execution()) as engine:
        first = answer(items(["1", "2"]), FILES, engine, params, execution()).responses
        stored = len(list(open_store().rows(GENERATE)))
        again = answer(items(["1", "2"]), FILES, engine, params, execution()).responses
        assert again.equals(first)
        assert len(list(open_store().rows(GENERATE))) == stored == 2
