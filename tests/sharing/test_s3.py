"""Sharing through a real S3 server: what a fresh clone runs and downloads, and what happens when it fails."""

import dataclasses
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from jz3.curation.benchmark_hits import HITS
from jz3.store.row_store import Operation, RowStore, request_key
from tests.sharing.conftest import BUCKET, commit, jz3

pytestmark = pytest.mark.long

LATE = "decontaminate@instruction"
OF_A_RECIPE = "decontaminate@seed_problems"


def ran(output):
    return set(re.findall(r"Running stage '([^']+)'", output))


def locked(machine):
    return yaml.safe_load((machine.path / "dvc.lock").read_text())["stages"]


def outs(machine, *stages):
    return {out["path"]: out for stage in stages for out in locked(machine)[stage]["outs"]}


def set_ngram(machine, ngram):
    params = machine.path / "params.yaml"
    text = re.sub(r"(decontaminate:\n(?:.*\n)*?  ngram: )\d+", rf"\g<1>{ngram}", params.read_text(), count=1)
    assert text != params.read_text()
    params.write_text(text)


def fill(machine, numbers):
    operation = Operation("double", 1)
    store = RowStore(Path(machine.environment["JZ3_STORE"]))
    with store.writer(operation) as writer:
        for number in numbers:
            writer.append(request_key(operation, {"n": number}), {"n": number}, {"twice": 2 * number})
        writer.commit()
    return store


def test_a_changed_late_parameter_runs_what_follows_and_downloads_its_direct_inputs_alone(another):
    inputs = outs(another, "tasks", "benchmarks")
    wanted = [inputs[path] for path in ("data/tasks/instructions.parquet", "data/tasks/items.parquet")]
    set_ngram(another, 12)
    output = another.run("dvc", "repro", "--pull", "--allow-missing", LATE)
    assert ran(output) == {LATE}
    made = {out["md5"] for out in outs(another, LATE).values()}
    downloaded = {md5: size for md5, size in another.objects().items() if md5 not in made}
    folder = another.path / "data/certificates/instruction"
    own = {path.stat().st_size for path in folder.iterdir()}
    (code,) = (dep["md5"] for dep in locked(another)[LATE]["deps"] if dep["path"].startswith("data/code/"))
    lists = {code, outs(another, "code")["data/code"]["md5"]}
    brought = {md5: size for md5, size in downloaded.items() if size not in own and md5 not in lists}
    assert brought == {out["md5"]: out["size"] for out in wanted}
    assert lists <= downloaded.keys()
    assert not (another.path / "data/passages").exists()


def test_nothing_is_downloaded_to_see_that_nothing_is_to_do(another):
    assert ran(another.run("dvc", "repro", "--allow-missing", LATE)) == set()
    assert another.objects() == {}


def test_what_ran_elsewhere_is_restored_and_not_run(pushed, another):
    set_ngram(pushed, 11)
    late = (LATE, OF_A_RECIPE)
    assert ran(pushed.run("dvc", "repro", *late)) == {*late}
    said = pushed.run(*jz3("push", "--json"))
    sent = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert (sent["metrics"], sent["files"] > 0) == (2, True)
    made = outs(pushed, *late)
    pushed.run("git", "checkout", "-q", ".")
    set_ngram(another, 11)
    output = another.run("dvc", "repro", "--pull", "--allow-missing", *late)
    assert ran(output) == set(), output
    for stage in late:
        assert f"Stage '{stage}' is cached - skipping run" in output
    assert outs(another, *late) == made
    pushed.run("dvc", "checkout", "-q", *made)


def files(folder):
    """The content of each file by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_named_artifact_can_be_got_and_imported(pushed, tmp_path):
    corpus = files(pushed.path / "data/sample/corpus")
    elsewhere = dataclasses.replace(pushed, path=tmp_path / "project")
    elsewhere.path.mkdir()
    elsewhere.run("dvc", "get", str(pushed.path), "data/sample/corpus", "-o", "got")
    tag = ("git", "-c", "user.name=t", "-c", "user.email=t@t", "tag", "-a", "corpus@v1.0.0", "-m", "first")
    pushed.run(*tag)
    elsewhere.run("dvc", "artifacts", "get", str(pushed.path), "corpus", "-o", "named")
    elsewhere.run("git", "init", "-q")
    elsewhere.run("dvc", "init", "-q")
    elsewhere.run("dvc", "import", str(pushed.path), "data/sample/corpus", "-o", "imported")
    for name in ("got", "named", "imported"):
        assert files(elsewhere.path / name) == corpus
    source = yaml.safe_load((elsewhere.path / "imported.dvc").read_text())["deps"][0]["repo"]
    assert re.fullmatch("[0-9a-f]{40}", source["rev_lock"])


def test_the_row_store_goes_the_same_way(pushed, another):
    fill(pushed, range(20))
    assert "sent 20 rows" in pushed.run(*jz3("store", "push"))
    here = RowStore(Path(pushed.environment["JZ3_STORE"]))
    rows = sum(1 for operation in (Operation("double", 1), HITS) for _ in here.rows(operation))
    assert f"sent 0 rows, 0.0 MB; {rows} were already there" in pushed.run(*jz3("store", "push"))
    assert f"fetched {rows} rows" in another.run(*jz3("store", "pull"))
    store = RowStore(Path(another.environment["JZ3_STORE"]))
    assert {row.request["n"] for row in store.rows(Operation("double", 1))} == set(range(20))


def test_a_flipped_byte_in_the_remote_is_not_pulled_is_found_and_heals(server, pushed, another):
    [out] = [out for path, out in outs(another, "benchmarks").items() if path.endswith("items.parquet")]
    stored = f"{BUCKET}/jz3/files/md5/{out['md5'][:2]}/{out['md5'][2:]}"
    files = server.files()
    content = files.cat_file(stored)
    files.pipe_file(stored, bytes([content[0] ^ 1]) + content[1:])
    code, _, said = another.fails("dvc", "pull", "data/tasks/items.parquet")
    assert code == 1
    assert "items.parquet" in said
    code, listed, said = pushed.fails(*jz3("verify", "--remote"))
    assert code == 1
    assert f"remote: {stored} is damaged; it is data/tasks/items.parquet of benchmarks" in listed
    assert "Do not push" in said
    pushed.run(*jz3("verify", "--remote", "--remove"))
    pushed.run("dvc", "push", "benchmarks")
    another.run("dvc", "pull", "data/tasks/items.parquet")
    assert "0 damaged or missing" in another.run(*jz3("verify", "--remote"))


@pytest.mark.parametrize("command", ["store push", "verify --remote", "doctor"])
def test_wrong_credentials_are_one_line_that_says_so(pushed, command):
    wrong = dataclasses.replace(pushed, secret="wrong")
    fill(wrong, range(100, 103))
    code, stdout, stderr = wrong.fails(*jz3(*command.split()))
    said = [line for line in (stdout + stderr).splitlines() if f"s3://{BUCKET}" in line]
    assert (code, len(said)) == (1, 1)
    assert "refuses access" in said[0]
    assert "secret_access_key" in said[0]
    assert "wrong" not in said[0]


def test_wrong_credentials_and_a_missing_bucket_lose_nothing_and_a_right_push_ends_it(pushed, another):
    (another.path / "more.txt").write_text("more")
    another.run("dvc", "add", "-q", "more.txt")
    code, _, said = dataclasses.replace(another, secret="wrong").fails("dvc", "push", "more.txt")
    assert "Forbidden" in said or "failed to connect" in said
    another.run("dvc", "remote", "modify", "--local", "shared", "url", "s3://nowhere/jz3")
    code, _, said = another.fails("dvc", "push", "more.txt")
    assert "AccessDenied" in said or "NoSuchBucket" in said
    fill(another, range(3))
    for command in (("store", "pull"), ("verify", "--remote")):  # others ask `store push`
        code, _, said = another.fails(*jz3(*command))
        assert (code, "s3://nowhere" in said, "does not exist" in said) == (1, True, True)
    another.run("dvc", "remote", "modify", "--local", "shared", "--unset", "url")
    assert "1 file pushed" in another.run("dvc", "push", "more.txt")


def test_a_server_that_is_down_is_one_line_and_what_was_not_sent_is_sent_later(server, another):
    fill(another, range(200, 205))
    server.kill()
    try:
        code, _, said = another.fails(*jz3("store", "push"))
    finally:
        server.start()
    assert code == 1
    assert "cannot be reached" in said
    assert len(said.strip().splitlines()) == 1
    assert "sent 5 rows" in another.run(*jz3("store", "push"))


def test_a_push_whose_server_is_killed_is_completed_by_the_next_and_pulled_equal(server, another, tmp_path):
    content = [os.urandom(8_000_000) for _ in range(8)]
    for number, part in enumerate(content):
        folder = another.path / "large"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.bin").write_bytes(part)
    another.run("dvc", "add", "-q", "large")
    before = stored_bytes(server)
    running = subprocess.Popen(
        ["dvc", "push", "-j", "1", "large"],
        cwd=another.path,
        env=another.environment | {"AWS_MAX_ATTEMPTS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while stored_bytes(server) < before + 10_000_000 and running.poll() is None:
        time.sleep(0.02)
    server.kill()
    _, said = running.communicate(timeout=120)
    assert running.returncode != 0, said
    server.start()
    assert "pushed" in another.run("dvc", "push", "large")
    commit(another, "large")
    third = dataclasses.replace(another, path=tmp_path / "third")
    subprocess.run(["git", "clone", "-q", str(another.path), str(third.path)], check=True)
    third.run("dvc", "pull", "large")
    pulled = [(third.path / "large" / f"{number}.bin").read_bytes() for number in range(len(content))]
    assert pulled == content


def stored_bytes(server):
    """The contents of the server's volumes, by file."""
    return sum(file.stat().st_size for file in server.folder.rglob("*.dat"))
