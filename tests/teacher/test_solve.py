"""Solvers: the problem writer by its server, a tiny model by its engine, an endpoint that is never
certain.
"""

import json
import re
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from jz3.core.artifacts import In, InDir, InFiles, Metrics, Out
from jz3.generation.chat import CHAT
from jz3.generation.completion_rows import GENERATE
from jz3.store.row_store import open_store
from jz3.tables.attempt import Attempt
from jz3.tables.failure import Failure
from jz3.tables.lacking import Lacking
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.teacher.solve import SolveParams, draws_of, solve
from jz3.teacher.solvers import chat_request
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw
from stages.solve import main
from tests.generation.builders import tiny_model
from tests.same_after_kill import Killed, Place, die_at, raise_killed
from tests.teacher.builders import EXECUTION, teacher

PROMPTS = InFiles(Path(__file__).parents[2] / "data/solvers")
NO_MODEL = InDir(ModelManifest, None)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def solver(draws=4, prompt="task.md", quota=None, only=None, **who):
    declared = {"kind": "teacher", "teacher": teacher(max_tokens=1024).model_dump(), "seed": 3, **who}
    return SolveParams.model_validate(
        {
            "name": "it",
            "only": only,
            "draws": draws,
            "quota": quota,
            "prompt": prompt,
            "symbolic_seconds": 3.0,
            "solver": declared,
        }
    )


def student(draws=4, **changes):
    declared = {
        "kind": "model",
        "engine": "transformers",
        "dtype": "saved",
        "form": "text",
        "seed": 3,
        "temperature": 0.7,
        "top_p": 1.0,
        "max_tokens": 6,
        "stop": [],
    }
    return SolveParams.model_validate(
        {
            "name": "it",
            "only": None,
            "draws": draws,
            "quota": None,
            "prompt": "jiuzhang.md",
            "symbolic_seconds": 3.0,
            "solver": declared | changes,
        }
    )


def row(number, family):
    written = write_draw(family, "cot", distinct_draws(family, "teacher", 1, "seed")[0], "seed")
    return {
        "problem_id": f"p{number:02}",
        "prompt_id": None,
        "passage_id": None,
        "source": "seed",
        "level": family.level,
        "kind": "cot",
        "subject": family.name,
        "problem": written.problem,
        "solution": written.solution,
        "answer": written.answer,
    }


ROWS = [row(number, family) for number, family in enumerate(FAMILIES[::6])]


def problems(rows=ROWS):
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


def sent(operation=CHAT):
    return [row.key for row in open_store().rows(operation)]


def test_the_writer_knows_its_families_and_no_others():
    rows = [
        ROWS[0] | {"answer": None},
        ROWS[1] | {"answer": "-99"},
        ROWS[2] | {"problem": "Why?"},
        *ROWS[3:],
    ]
    done = solve(problems(rows), PROMPTS, NO_MODEL, solver(), EXECUTION)
    rates = {line["problem_id"]: line for line in done.rates.iter_rows(named=True)}
    assert set(rates) == {line["problem_id"] for line in rows}
    assert all(line["draws"] == 4 for line in rates.values())
    for other in rows[3:]:
        line = rates[other["problem_id"]]
        assert (line["right"], line["rate"], line["votes"], line["voted_right"]) == (4, 1.0, 4, True)
    without, wrong, unread = (rates[f"p{number:02}"] for number in range(3))
    assert (without["right"], without["rate"], without["voted_right"], without["votes"]) == (
        None,
        None,
        None,
        4,
    )
    assert (wrong["right"], wrong["rate"], wrong["voted_right"], wrong["votes"]) == (0, 0.0, False, 4)
    assert (unread["right"], unread["voted"], unread["votes"], unread["share"]) == (0, None, 0, 0.0)
    assert (done.metrics.rows.read, done.metrics.rows.kept) == (4 * len(rows), 4 * len(rows))
    assert done.metrics.known == len(rows) - 1
    assert done.metrics.solved == pytest.approx((len(rows) - 3) / (len(rows) - 1), abs=1e-6)
    assert done.metrics.pass_rate == done.metrics.voted_right == done.metrics.solved
    assert set(done.metrics.by_level) == {line["level"] for line in rows if line["answer"]}


@pytest.mark.parametrize("who", ["teacher", "model"])
def test_eight_draws_after_four_ask_for_four_more_and_keep_the_rows(who, tmp_path):
    if who == "teacher":
        operation, model, params = CHAT, NO_MODEL, solver
    else:
        operation, params = GENERATE, student
        model = InDir(ModelManifest, tiny_model(tmp_path / "model", context=256))
    few = solve(problems(), PROMPTS, model, params(4), EXECUTION)
    paid = set(sent(operation))
    assert len(paid) == 4 * len(ROWS)
    many = solve(problems(ROWS[::-1]), PROMPTS, model, params(8), EXECUTION)
    now = sent(operation)
    assert paid < set(now)
    assert len(now) == len(set(now)) == 8 * len(ROWS)
    assert many.attempts.filter(pl.col("draw") < 4).equals(few.attempts)
    again = solve(problems(), PROMPTS, model, params(8), EXECUTION)
    assert again.rates.equals(many.rates)
    assert len(sent(operation)) == len(now)


class Unsure(BaseHTTPRequestHandler):
    """Answers like endpoints of reasoning models: no seed, no temperature; every third answer is wrong,
    whatever is asked. It refuses to say why.
    """

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["messages"][0]["content"]
        if {"max_tokens", "temperature", "seed", "draw"} & set(body):
            return self.reply(400, {"error": {"message": "unsupported", "code": "unsupported_parameter"}})
        if "Why?" in prompt:
            return self.reply(400, {"error": {"message": "I do not say why", "code": "refused"}})
        a, b = map(int, re.findall(r"\d+", prompt)[:2])
        self.server.answered += 1
        wrong = self.server.answered % 3 == 0
        message = {
            "role": "assistant",
            "content": f"Try {self.server.answered}: so it is \\boxed{{{a + b + wrong}}}.",
            "reasoning_content": f"Is it \\boxed{{{a - b}}}? No.",
        }
        usage = {
            "prompt_tokens": 9,
            "completion_tokens": 20,
            "completion_tokens_details": {"reasoning_tokens": 12},
        }
        return self.reply(
            200,
            {
                "id": "1",
                "object": "chat.completion",
                "model": "unsure",
                "usage": usage,
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            },
        )

    def reply(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Unsure)
    server.answered = 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def unsure(draws, **changes):
    fields = {"max_completion_tokens": 50}
    declared = {
        "share": 1.0,
        "provider": "openai",
        "model": "unsure",
        "api": "chat",
        "account": "UNSURE",
        "request": fields,
    }
    return solver(draws, "boxed.md", teacher=declared, **changes)


def sums(*pairs):
    return problems(
        [
            ROWS[0]
            | {"problem_id": f"{a}+{b}", "problem": f"How many are {a} plus {b}?", "answer": str(a + b)}
            for a, b in pairs
        ]
    )


def test_a_model_that_reasons_and_takes_no_seed_answers_each_draw_anew(monkeypatch):
    with serving() as server:
        monkeypatch.setenv("UNSURE_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("UNSURE_API_KEY", "any")
        one = EXECUTION.model_copy(update={"concurrency": 1})
        done = solve(sums((7, 4)), PROMPTS, NO_MODEL, unsure(6), one)
        assert server.answered == 6, "six draws are six answers although the body of each is the same"
        assert done.rates.row(0, named=True) == {
            "problem_id": "7+4",
            "solver": "it",
            "draws": 6,
            "right": 4,
            "rate": 4 / 6,
            "voted": "11",
            "votes": 4,
            "share": 4 / 6,
            "voted_right": True,
        }
        assert done.attempts["reasoning"].to_list() == ["Is it \\boxed{3}? No."] * 6
        assert Counter(done.attempts["answer"]) == {"11": 4, "12": 2}, "no box of a thought"
        assert done.metrics.reasoning_tokens == 6 * 12
        solve(sums((7, 4)), PROMPTS, NO_MODEL, unsure(8), one)
        assert server.answered == 8


def test_a_quota_draws_on_until_it_is_met_and_a_larger_one_pays_for_the_rest_alone(monkeypatch):
    """Every third answer is wrong: draws 0, 1, 3, 4 and 6 are the first five right ones."""
    with serving() as server:
        monkeypatch.setenv("UNSURE_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("UNSURE_API_KEY", "any")
        one = EXECUTION.model_copy(update={"concurrency": 1})
        quota = {"form": "uniform", "rows": 5, "most_draws": 20}
        rows = Problem.validate(pl.concat([sums((7, 4)), problems([ROWS[0] | {"problem": "Why?"}])]))
        done = solve(rows, PROMPTS, NO_MODEL, unsure(3, quota=quota), one)
        assert server.answered == 7
        assert done.attempts["draw"].to_list() == list(range(7))
        assert (done.metrics.rows.kept, done.metrics.rows.failed) == (7, 3), (
            "what is refused is asked no more"
        )
        line = done.rates.filter(pl.col("problem_id") == "7+4").row(0, named=True)
        assert (line["draws"], line["right"]) == (3, 2), "a rate is of the first draws"
        more = solve(rows, PROMPTS, NO_MODEL, unsure(3, quota=quota | {"rows": 6}), one)
        assert server.answered == 8
        assert more.attempts.head(7).equals(done.attempts)
        short = solve(rows, PROMPTS, NO_MODEL, unsure(3, quota=quota | {"rows": 9, "most_draws": 9}), one)
        assert (server.answered, short.attempts.height) == (9, 9)
    with pytest.raises(ValidationError, match="most_draws 2 is below draws 3"):
        unsure(3, quota=quota | {"most_draws": 2})


def test_what_is_refused_is_a_failure_with_its_reason_and_no_draw(monkeypatch):
    with serving() as server:
        monkeypatch.setenv("UNSURE_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("UNSURE_API_KEY", "any")
        rows = pl.concat([sums((7, 4)), problems([ROWS[0] | {"problem": "Why?"}])])
        done = solve(Problem.validate(rows), PROMPTS, NO_MODEL, unsure(2), EXECUTION)
    assert (done.metrics.rows.read, done.metrics.rows.kept, done.metrics.rows.failed) == (4, 2, 2)
    assert done.failures["row_id"].to_list() == ["p00/0", "p00/1"]
    assert all("I do not say why" in reason for reason in done.failures["reason"])
    line = done.rates.filter(pl.col("problem_id") == "p00").row(0, named=True)
    assert (line["draws"], line["right"], line["rate"], line["share"]) == (0, 0, None, None)


def test_the_first_draw_has_the_key_that_such_a_request_always_had():
    """Only the later draws of a teacher without a seed have a field of their own."""
    first, second = (
        chat_request(draw, unsure(2).solver) for draw in draws_of(sums((7, 4)), PROMPTS, unsure(2))
    )
    assert "draw" not in first.row()
    assert second.row() == first.row() | {"draw": 1}
    assert second.body() == first.body()
    with_seed = [chat_request(draw, solver().solver) for draw in draws_of(problems(), PROMPTS, solver())]
    assert not [request for request in with_seed if request.draw is not None]


def test_draws_at_temperature_zero_are_refused():
    assert student(1, temperature=0.0).draws == 1
    with pytest.raises(ValidationError, match="4 draws at temperature 0 are one answer"):
        student(4, temperature=0.0)


def test_no_problems_are_no_draws():
    done = solve(problems([]), PROMPTS, NO_MODEL, solver(), EXECUTION)
    assert done.attempts.height == done.rates.height == done.metrics.rows.read == 0
    assert done.metrics.pass_rate is None


@pytest.mark.parametrize("number", [1, 3])
def test_a_solver_that_is_killed_goes_on_and_leaves_the_same_bytes(number, tmp_path, monkeypatch):
    model = tiny_model(tmp_path / "model", context=256)
    Out(Problem, tmp_path / "problems").write(problems())

    def leave(name):
        left = tmp_path / name
        left.mkdir(exist_ok=True)
        main(
            student(4),
            None,
            EXECUTION,
            In(Problem, tmp_path / "problems"),
            PROMPTS,
            InDir(ModelManifest, model),
            Out(Attempt, left / "attempts"),
            Out(PassRate, left / "rates.parquet"),
            Out(Lacking, left / "unsolved.parquet"),
            Out(Failure, left / "failures.parquet"),
            Metrics(left / "metrics.json"),
        )
        return {
            file.relative_to(left): file.read_bytes() for file in sorted(left.rglob("*")) if file.is_file()
        }

    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "one"))
    whole = leave("whole")
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "two"))
    with pytest.MonkeyPatch.context() as patch:
        die_at(Place("rows", number), patch, raise_killed)
        with pytest.raises(Killed):
            leave("killed")
    assert 0 < len(sent(GENERATE)) < 4 * len(ROWS)
    assert leave("killed") == whole
    rows = json.loads(whole[Path("metrics.json")])["rows"]
    assert rows["read"] == rows["kept"] == 4 * len(ROWS)
