"""Problems are answered anew: by a server on loopback that can add, and by a tiny model that cannot."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jz3.core.artifacts import InDir
from jz3.curation.consistency import OwnSolver, SelfConsistency, ServedSolver, inconsistent_rows, judge
from jz3.curation.filter import judge_samples
from jz3.tables.model_manifest import ModelManifest
from tests.curation.rows import problem, problems, verdicts
from tests.generation.builders import execution, tiny_model


def right(a, b, **changes):
    text, row_id = f"How many are {a} plus {b}?", changes.pop("problem_id", f"{a}+{b}")
    return problem(row_id, text, f"{a} + {b} = {a + b}, so \\boxed{{{a + b}}}.", **changes)


class Adder(BaseHTTPRequestHandler):
    """Adds the numbers of a question, one too many for each fourth seed or so; it refuses sums with 13."""

    asked: list[str]

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["messages"][0]["content"]
        a, b = map(int, re.findall(r"\d+", prompt)[:2])
        self.server.asked.append((prompt, body["seed"]))
        if 13 in (a, b):
            return self.reply(400, {"error": {"message": "I do not do 13", "code": None}})
        text = f"Let us see. \\boxed{{{a + b + (body['seed'] % 4 == 0)}.0}}"
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return self.reply(
            200, {"id": "1", "object": "chat.completion", "model": "adder", "choices": [choice]}
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
    server = ThreadingHTTPServer(("127.0.0.1", 0), Adder)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def adder(tmp_path, monkeypatch):
    with serving() as server:
        monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        yield server


SERVED = SelfConsistency(
    solver=ServedSolver(engine="openai", provider="vllm", model="adder"),
    samples=8,
    least_agreeing=4,
    seed=5,
    temperature=0.7,
    top_p=1.0,
    max_tokens=100,
)
NO_MODEL = InDir(ModelManifest, None)


def check(rows, params=SERVED, model=NO_MODEL):
    return inconsistent_rows(rows.lazy(), model, params, execution()).sort("row_id")


def test_a_wrong_answer_is_found_and_right_ones_are_kept(adder):
    wrong = problem("wrong", "How many are 3 plus 5?", "3 + 5 = 9, so \\boxed{9}.")
    found = check(problems(right(3, 4), right(20, 5), wrong))
    assert found["row_id"].to_list() == ["wrong"]
    assert found["rule"].to_list() == ["filter.inconsistent"]
    assert "say '9'" in found["evidence"][0]
    assert len(adder.asked) == 24
    assert len(set(adder.asked)) == 24, "each sample has a seed of its own"
    assert all("\\boxed{}" in prompt for prompt, _ in adder.asked)


def test_what_was_answered_once_is_not_asked_again_and_more_samples_ask_for_the_new_ones(adder):
    rows = problems(right(3, 4), right(20, 5))
    first = check(rows)
    assert check(rows).equals(first)
    assert len(adder.asked) == 16
    check(rows, SERVED.model_copy(update={"samples": 9}))
    assert len(adder.asked) == 18


def test_only_prose_with_a_number_for_an_answer_is_asked(adder):
    rows = problems(
        right(1, 2, kind="tool"),
        right(1, 3, answer=None),
        right(1, 4, answer="yes"),
        right(1, 5, answer="1" * 100),
    )
    assert not check(rows).height
    assert adder.asked == []


def test_a_problem_that_got_no_answers_is_unchecked_and_asked_again(adder):
    rows = problems(right(13, 1), right(2, 2))
    found = check(rows)
    assert found.select("row_id", "rule").rows() == [("13+1", "filter.unchecked")]
    sent = len(adder.asked)
    assert check(rows).equals(found)
    assert len(adder.asked) == sent + 8


def test_null_asks_nothing_and_rules_of_form_stand_first(adder, tmp_path):
    from tests.curation.test_filter import PARAMS

    rows = problems(right(3, 4), right(3, 5, answer="9"))
    before = verdicts({"3+4": None, "3+5": "filter.x"})
    assert judge_samples(before, rows.lazy(), NO_MODEL, PARAMS, execution()) is before
    params = PARAMS.model_copy(update={"self_consistency": SERVED})
    after = judge_samples(before, rows.lazy(), NO_MODEL, params, execution())
    assert after["rule"].to_list() == [None, "filter.x"]
    assert len(adder.asked) == 8, "what is rejected is not asked"


def test_the_engine_of_the_graph_answers_too_and_its_rows_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    model = InDir(ModelManifest, tiny_model(tmp_path / "model", context=256))
    params = SERVED.model_copy(
        update={"solver": OwnSolver(engine="transformers", form="text"), "samples": 2, "least_agreeing": 1}
    )
    rows = problems(right(3, 4), right(20, 5))
    found = check(rows, params, model)
    assert found["rule"].to_list() == ["filter.inconsistent"] * 2, "random weights cannot add"
    assert check(rows, params, model).equals(found)


@pytest.mark.parametrize(
    ("texts", "rule"),
    [
        (["\\boxed{7}", "\\boxed{7.0}", "\\boxed{8}"], None),
        (["\\boxed{7}", "\\boxed{9}", "\\boxed{8}"], "filter.inconsistent"),
        (["\\boxed{7}", "seven", "\\boxed{8}"], "filter.inconsistent"),
        (["\\boxed{7}", None, "\\boxed{8}"], "filter.unchecked"),
        ([None, "", "\\boxed{8}"], "filter.inconsistent"),
    ],
)
def test_enough_answers_must_agree_and_missing_ones_do_not_condemn(texts, rule):
    finding = judge("7", texts, 2)
    assert (finding and finding[0]) == rule
