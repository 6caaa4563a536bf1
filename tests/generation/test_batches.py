"""Batch files: joined by id, partial results kept, only the missing sent again, found after a kill."""

import os
import signal
import subprocess
import sys
import time

import pytest

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import BatchFiles
from jz3.generation.asking import ask_all
from jz3.generation.chat import CHAT, ChatAnswer, ChatFailure
from jz3.generation.client import Endpoint
from jz3.store.row_store import open_store
from tests.conftest import ROOT
from tests.generation.builders import execution
from tests.generation.test_asking import KEY, PRICES, answer, ask, request

FILES = {"requests": 50_000, "megabytes": 200.0, "enqueued_tokens": 1_000_000, "poll_s": 0.02}


def by_batch(server, prompts, key=KEY, files=(), **changes):
    limits = BatchFiles.model_validate(FILES | dict(files))
    return ask(server, prompts, key, teacher="batch", batch_files=limits, **changes)


def in_batch(prompt):
    return ChatAnswer(**vars(answer(prompt)) | {"by_batch": True})


def left(tmp_path):
    return [file for file in (tmp_path / "store/batches").iterdir() if file.name != "lock"]


def test_a_batch_gives_what_calls_would_give_at_half_the_price(server, tmp_path):
    prompts = [f"fine {n}" for n in range(30)]
    assert by_batch(server, prompts) == [in_batch(prompt) for prompt in prompts]
    assert len(server.state["batches"]) == 1
    assert ask(server, prompts, key=None, teacher="replay") == [in_batch(prompt) for prompt in prompts]
    assert server.answered.total() == 30
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("files", "batches"),
    [({"requests": 7}, 5), ({"megabytes": 0.0025}, 3), ({"enqueued_tokens": 30}, 3)],
    ids=["requests", "bytes", "tokens"],
)
def test_files_are_cut_by_each_limit(server, files, batches):
    prompts = [f"fine {n:02}" for n in range(30)]
    by_batch(server, prompts, files=files)
    state = server.state
    assert abs(len(state["batches"]) - batches) <= 1
    assert max(state["uploads"]) <= files.get("megabytes", 200) * 1e6
    assert max(batch["requests"] for batch in state["batches"]) <= files.get("requests", 30)
    assert server.answered.total() == 30


@pytest.mark.parametrize("ends", ["expired", "cancelled", "completed"])
def test_what_a_broken_off_batch_answered_is_taken_and_the_rest_sent_again(server, ends):
    server.set(batch={"ends": ends, "answers": 0.6})
    prompts = [f"fine {n}" for n in range(20)]
    assert by_batch(server, prompts) == [in_batch(prompt) for prompt in prompts]
    assert [batch["requests"] for batch in server.state["batches"]] == [20, 8]
    assert set(server.answered.values()) == {1}


def test_refused_rows_fail_alone_and_hindered_ones_go_out_again(server):
    prompts = ["fine a", "always-400 b", "500 c", "429 d"]
    replies = by_batch(server, prompts)
    assert [replies[0], *replies[2:]] == [in_batch(prompt) for prompt in (prompts[0], *prompts[2:])]
    assert isinstance(replies[1], ChatFailure)
    assert "400" in replies[1].reason
    assert server.seen["always-400 b"] == 1


def test_rows_that_never_get_an_answer_end_as_failures(server):
    replies = by_batch(server, ["always-400 a", "fine b"])
    assert isinstance(replies[0], ChatFailure)


def test_a_result_file_that_was_cut_on_its_way_is_fetched_again_not_paid_again(server):
    server.set(batch={"cut_downloads": 2})
    prompts = [f"fine {n}" for n in range(20)]
    assert by_batch(server, prompts) == [in_batch(prompt) for prompt in prompts]
    assert len(server.state["batches"]) == 1


def test_a_result_with_half_a_character_is_kept_and_paid_once(server):
    (reply,) = by_batch(server, ["halves a"])
    assert isinstance(reply, ChatAnswer)
    assert reply.text == "re: halves a seed 0 \ufffd and \U0001f600"
    assert server.seen == server.answered == {"halves a": 1}


def test_a_provider_that_takes_fewer_waiting_tokens_gets_smaller_files(server):
    server.set(batch={"token_limit": 30})
    prompts = [f"fine {n:02}" for n in range(30)]
    assert by_batch(server, prompts) == [in_batch(prompt) for prompt in prompts]
    assert server.answered.total() == 30


def test_the_cap_holds_for_batches_and_counts_their_discount(server):
    prompts = [f"fine {n}" for n in range(200)]
    cap_usd = 0.002
    with pytest.raises(BudgetReached):
        by_batch(server, prompts, budget_usd=cap_usd, prices=PRICES)
    assert cap_usd / 2 < server.state["usd"] <= cap_usd
    assert server.answered.total() > cap_usd / 53e-6, "more than at the full price"
    by_batch(server, prompts, budget_usd=1.0, prices=PRICES)
    assert server.answered.total() == 200


def test_a_server_without_batches_is_named_in_one_line(server):
    with pytest.raises(UserError, match=r"/v1/batches was expected"):
        list(
            ask_all(
                [request("fine a")],
                Endpoint(server.url.replace("/v1", "/v2"), KEY),
                execution(teacher="batch"),
                "teacher",
            )
        )


ASKER = """
import sys
from tests.generation.test_batches import by_batch
class Server: url = sys.argv[1]
by_batch(Server, [f"fine {n}" for n in range(50)])
"""


def killed_asker(server, when):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    asker = subprocess.Popen([sys.executable, "-c", ASKER, server.url], env=environment)
    while not when():
        assert asker.poll() is None
        time.sleep(0.005)
    asker.send_signal(signal.SIGKILL)
    asker.wait()


def test_a_batch_sent_before_the_process_died_is_collected_not_sent_again(server, tmp_path):
    server.set(hold=True)
    killed_asker(server, lambda: server.state["batches"])
    prompts = [f"fine {n}" for n in range(60)]
    with pytest.raises(UserError, match="wait in batch files"):
        ask(server, prompts)
    assert server.seen.total() == 50, "calls do not ask again for what waits in a batch"
    server.set(hold=False)
    assert by_batch(server, prompts) == [in_batch(prompt) for prompt in prompts]
    assert [batch["requests"] for batch in server.state["batches"]] == [50, 10]
    assert set(server.answered.values()) == {1}
    assert left(tmp_path) == []


def test_a_batch_whose_id_never_arrived_is_found_by_its_nonce(server):
    server.set(lose_creation=True)
    prompts = [f"fine {n}" for n in range(10)]
    assert by_batch(server, prompts) == [in_batch(prompt) for prompt in prompts]
    assert len(server.state["batches"]) == 1
    assert server.answered.total() == 10


def test_a_file_that_was_written_and_never_sent_is_sent_once(server, tmp_path):
    folder = tmp_path / "store/batches"
    folder.mkdir(parents=True)
    by_batch(server, ["fine a"])
    (row,) = open_store().rows(CHAT)
    (folder / "n1.requests").write_text(f"{row.key}\t{{}}\n")
    (folder / "n1.json").write_text(
        '{"nonce":"n1","requests":1,"tokens":5,"usd":0.0,"batch_id":null,"sent_on":"2026-01-01"}'
    )
    by_batch(server, ["fine a", "fine b"])
    assert server.answered == {"fine a": 1, "fine b": 1}
    assert left(tmp_path) == []
