"""A judge gives its opinion besides the rules, once for each pair, and overrules nobody."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from jz3.cli.judging import pairs_of
from jz3.cli.main import app
from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.execution import Price
from jz3.generation.chat import CHAT
from jz3.store.row_store import open_store
from jz3.teacher.judge import Pair, judge, judge_requests, plan, read_verdict, teacher_named
from jz3.teacher.teacher import Teachers
from jz3.writer.tasks.judge import is_same
from tests.conftest import ROOT
from tests.teacher.builders import EXECUTION, REPLAY, teacher

PROMPTS = InFiles(ROOT / "data/judges")
WRITER = Teachers(teachers={"writer": teacher()}, seed=3)
SHARED = Path(os.environ.get("JZ3_SHARED", ROOT.parent / "shared"))


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def pair(gold, predicted, known=None, question=""):
    return Pair(gold, predicted, question, None, known)


PAIRS = [
    pair("18", "\\frac{36}{2}", known=True),
    pair("18", "19", known=False),
    pair("x+1", "1+x", known=True),  # the writer compares spellings
    pair("5", None, known=False),
    pair("18", "19", known=False),
]


def asked(pairs=PAIRS, params=WRITER, execution=EXECUTION, *, unread=False):
    return judge(pairs, PROMPTS, params, execution, unread=unread)


def test_the_rules_stand_and_every_disagreement_is_listed():
    opinions, account = asked()
    assert [one.rules.equal for one in opinions] == [True, False, True, False, False]
    assert [one.judge for one in opinions] == [True, False, False, None, False]
    assert [one.disagrees for one in opinions] == [False, False, True, False, False]
    assert opinions[3].said == "not asked"
    assert (account.pairs, account.asked, account.without_verdict) == (5, 4, 0)
    assert (account.agreeing, account.disagreeing, account.known) == (3, 1, 4)
    assert (account.rules_right, account.judge_right) == (1.0, 0.75)
    assert (account.rules_right_where_they_disagree, account.judge_right_where_they_disagree) == (1, 0)
    row = opinions[2].row(3, "writer", "m")
    assert (row["rules"], row["judge"], row["disagrees"], row["known"]) == (True, False, True, True)


def test_an_opinion_is_paid_for_once_and_equal_pairs_share_it():
    before = plan(PAIRS, PROMPTS, WRITER, EXECUTION, unread=False)
    assert (before.pairs, before.requests, before.stored, before.most_usd) == (5, 3, 0, None)
    first = asked()
    assert len(list(open_store().rows(CHAT))) == 3
    assert asked(execution=REPLAY) == first
    price = Price(as_of="2026-01-01", input=1, cached_input=1, output=1, batch_discount=0.5)
    priced = EXECUTION.model_copy(update={"prices": {WRITER.teachers["writer"].model: price}})
    assert plan(PAIRS, PROMPTS, WRITER, priced, unread=False).most_usd == 0
    more = plan([*PAIRS, pair("1", "2")], PROMPTS, WRITER, priced, unread=False)
    assert (more.requests, more.stored) == (4, 3)
    assert more.most_usd is not None
    assert more.most_usd > 0


def test_a_thinking_judge_is_read_behind_its_thought():
    request = {"max_completion_tokens": 500, "seed": "drawn"}
    thinking = Teachers(teachers={"t": teacher(model="jz3-thinking-writer-1", request=request)}, seed=3)
    opinions, account = asked(params=thinking)
    assert [one.judge for one in opinions] == [True, False, False, None, False]
    assert account.completion_tokens > asked()[1].completion_tokens
    cut = Teachers(teachers={"t": teacher(max_tokens=2)}, seed=3)
    opinions, account = asked(params=cut)
    assert (account.without_verdict, account.rules_right) == (4, None)


def test_only_what_rules_cannot_read_is_asked_where_that_is_wanted():
    rows = [pair("18", "19"), pair("18", "18"), pair("the set of all primes", "12"), pair("5", None)]
    opinions, account = asked(rows, unread=True)
    assert [one.rules.rule for one in opinions][2] == "different_kinds"
    assert [one.judge for one in opinions] == [None, None, False, None]
    assert account.asked == plan(rows, PROMPTS, WRITER, EXECUTION, unread=True).requests == 1


def test_texts_stand_in_the_prompt_as_they_are():
    (request,) = judge_requests([pair("{predicted}", "{gold} $1", question="Why?")], PROMPTS, WRITER)
    data = "### Reference answer\n{predicted}\n\n### Given answer\n{gold} $1\n\n### Verdict\n"
    assert request.prompt.endswith(f"### Problem\nWhy?\n\n{data}")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("So \\boxed{same}.", True),
        ("\\boxed{same} or \\boxed{\\text{Different}}", False),
        ("They are the same.", None),
        ("\\boxed{18}", None),
        ("", None),
    ],
)
def test_a_verdict_is_the_last_box(text, verdict):
    assert read_verdict(text) is verdict


def test_a_teacher_that_is_not_declared_is_named():
    assert list(teacher_named("writer", WRITER).teachers) == ["writer"]
    with pytest.raises(UserError, match="no teacher 'gpt'; one of writer was expected"):
        teacher_named("gpt", WRITER)


numbers = st.integers(-50, 50)


@given(numbers, st.integers(1, 20), st.integers(2, 9))
def test_the_writer_knows_one_value_in_several_spellings(top, bottom, times):
    plain = f"{top}/{bottom}"
    assert is_same(plain, f"\\frac{{{top * times}}}{{{bottom * times}}}")
    assert is_same(f"$({plain}, {top})$", f"(\\dfrac{{{top}}}{{{bottom}}}, {top}.0)")
    assert not is_same(plain, f"\\frac{{{top + 1}}}{{{bottom}}}")
    assert is_same(f"{top}\\%", f"{top}/100")


@pytest.mark.parametrize(
    ("gold", "given", "same"),
    [
        ("1,000", "1000", True),
        ("2\\sqrt{2}", "\\sqrt{8}", True),
        ("2^{10}", "1024", True),
        ("90^\\circ", "90", True),
        ("[0, 1)", "[0, 1]", False),
        ("1, 2", "2, 1", False),
        ("9**9**9**9", "1", False),
        ("(-8)^{1/3}", "1", False),
        ("__import__('os')", "0", False),
        ("((((", "((((", True),
        ("", "0", False),
    ],
)
def test_the_writer_reads_numbers_and_compares_the_spelling_of_the_rest(gold, given, same):
    assert is_same(gold, given) is same


def test_the_command_leaves_all_opinions_and_shows_what_differs(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = [{"gold": one.gold, "predicted": one.predicted, "equal": one.known} for one in PAIRS]
    file, out = tmp_path / "pairs.jsonl", tmp_path / "opinions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(*words):
        return CliRunner().invoke(app, ["judge", str(file), "--by", "writer", *words])

    planned = run("--plan")
    assert "5 pairs are 3 requests to writer (jz3-writer-1); the row store has 0" in planned.stdout
    assert not list(open_store().rows(CHAT))
    done = run("-o", str(out))
    assert done.exit_code == 0, done.output
    assert "4 verdicts of writer (jz3-writer-1): 3 agree with the rules, 1 do not" in done.stdout
    assert "rules 100.00%, judge 75.00%" in done.stdout
    assert "3: 'x+1' and '1+x': rules same" in done.stdout
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["row"] for line in lines if line["disagrees"]] == [3]
    assert [line["known"] for line in lines] == [one.known for one in PAIRS]
    assert json.loads(run("-o", str(out), "--json").stdout)["disagreeing"] == 1, "our own file may give way"
    out.write_text("mine\n")
    assert "holds no opinions" in run("-o", str(out)).output
    assert out.read_text() == "mine\n"
    assert "one of -o FILE and --plan" in run().output


def pairs_in(tmp_path, name, content):
    (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return pairs_of(tmp_path / name)


def test_pairs_are_read_from_files_of_many_shapes(tmp_path):
    asked, said = {"role": "user", "content": "What is 9 + 9?"}, {"role": "assistant", "content": "18"}
    (found,) = pairs_in(tmp_path, "a.json", [{"messages": [asked, said], "answer": "9 + 9 is\n#### 18"}])
    assert (found.gold, found.predicted, found.question) == ("18", "18", "What is 9 + 9?")
    told = {"Body": "Anna has 9 eggs.", "Question": "How many?", "Answer": "9", "predicted": ["9"]}
    (found,) = pairs_in(tmp_path, "b.json", [told])
    assert (found.predicted, found.question) == ("9", "Anna has 9 eggs. How many?")
    table = "question,gold,predicted,equal\nWhy?,1,1,True\nHow?,1,2,false\nWho?,1,,\n"
    assert [one.known for one in pairs_in(tmp_path, "c.csv", table)] == [True, False, None]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"gold": "1", "predicted": "1"}, {"gold": None, "predicted": "2"}], "row 2 has no `gold`"),
        ([{"gold": "1", "predicted": ["1", "2"]}], "row 1 has 2 answers in `predicted`"),
        ([{"gold": "1", "mine": "1"}], "has no answer of a model"),
        ([{"mine": {"right": "1"}, "predicted": "1"}], r"has no right answer.* found mine\.right, predicted"),
    ],
)
def test_what_no_judge_could_be_asked_about_is_named_with_its_row(tmp_path, rows, said):
    with pytest.raises(UserError, match=said):
        pairs_in(tmp_path, "a.json", rows)


def test_a_place_that_is_taken_is_said_before_anybody_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    file, out = tmp_path / "pairs.jsonl", tmp_path / "thesis.txt"
    file.write_text(json.dumps({"gold": "18", "predicted": "19"}) + "\n")
    out.write_text("mine\n")
    done = CliRunner().invoke(app, ["judge", str(file), "--by", "writer", "-o", str(out)])
    assert (done.exit_code, "holds no opinions" in done.output) == (1, True)
    assert not list(open_store().rows(CHAT))


@pytest.mark.skipif(not (SHARED / "answers/pairs.jsonl").is_file(), reason="no pairs under $JZ3_SHARED")
def test_the_writer_is_a_judge_of_real_pairs_and_not_the_rules_again():
    every_tenth = pairs_of(SHARED / "answers/pairs.jsonl")[::10]
    _, account = asked(every_tenth)
    assert account.known == account.pairs == len(every_tenth) > 700
    assert account.without_verdict == 0
    assert account.rules_right is not None
    assert account.judge_right is not None
    assert account.rules_right >= account.judge_right > 0.98
    assert account.disagreeing > 0
