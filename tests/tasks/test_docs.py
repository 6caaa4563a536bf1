"""What docs/data.md tells users to write for their own files gives what the page prints."""

import json
import re

import polars as pl
import yaml

from jz3.core.artifacts import InFiles
from jz3.corpus.ingest import IngestParams
from jz3.evaluation.answer import AnswerParams
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.tasks import TasksParams, gather
from tests.conftest import ROOT
from tests.corpus.test_ingest import ingest

PAGE = (ROOT / "docs/data.md").read_text()
CORPUS, BENCHMARK, INSTRUCTIONS = (
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
)
TEXT = "Two even numbers have an even sum, since two divides each of them and so their sum."


def test_a_corpus_in_three_formats_with_odd_rows(tmp_path):
    rows = [{"body": f"{TEXT} So it is {n}.", "key": f"k{n}", "url": "https://a.example"} for n in range(3)]
    pl.DataFrame(rows[:2]).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame(rows[2:]).write_csv(tmp_path / "b.csv")
    (tmp_path / "c.jsonl").write_bytes(b'{"body": "too short"}\n{"body": "caf\xe9"}\n{"body": "cut off')
    passages, rejects, metrics = ingest(InFiles(tmp_path), IngestParams.model_validate(CORPUS["mine"]))
    (printed,) = re.findall(r'^"rows": (.*)$', PAGE, re.MULTILINE)
    assert metrics.rows.model_dump() == json.loads(printed)
    assert f'"passages": {passages.height}\n' in PAGE
    assert set(passages.select("document_id", "origin").rows()) == {
        (f"k{n}", "https://a.example") for n in range(3)
    }
    shown = [line for line in PAGE.splitlines() if re.match(r"ingest\.\w+ +\S", line)]
    found = [f"{rule:<16} {evidence.strip()}" for rule, evidence in rejects.select("rule", "evidence").rows()]
    assert sorted(found) == sorted(shown)


def test_a_benchmark(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/quiz.csv").write_text("text,a,b,c,key,topic\nWhich is even?,3,4,5,B,parity\n")
    params = BenchmarksParams.model_validate(BENCHMARK["benchmarks"])
    (item,) = collect_items(InFiles(tmp_path), params)[0].iter_rows(named=True)
    told = "`text,a,b,c,key,topic` with the row `Which is even?,3,4,5,B,parity` makes the item `ours/00000`"
    assert told in " ".join(PAGE.split())
    assert (item["item_id"], item["choices"], item["gold"]) == ("ours/00000", ["3", "4", "5"], "B")
    assert (item["question"], item["subject"]) == ("Which is even?", "parity")


def test_the_page_says_where_a_benchmark_is_named_to_be_answered():
    """Without it the profile is sound, and no model is asked."""
    part = PAGE.partition("\n## A benchmark\n")[2].partition("\n## ")[0]
    sections = yaml.safe_load((ROOT / "profiles/embedded.yaml").read_text())
    for setting in ("prose", "tool"):
        assert AnswerParams.model_validate(sections["answer"]).model_dump()[setting]["benchmarks"]
        assert f"`answer.{setting}.benchmarks`" in part


def test_an_instruction_set(tmp_path):
    rows = [{"prompt": "1 + 1?", "reply": r"\boxed{2}"}, {"prompt": "2 + 2?", "reply": ""}, {"q": "3 + 3?"}]
    (tmp_path / "own").mkdir()
    (tmp_path / "own/a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    others = {"families": [], "targets": {}, "seeds": {}}
    gathered = gather(InFiles(tmp_path), TasksParams.model_validate(others | INSTRUCTIONS["tasks"]))
    assert gathered.instructions["answer"].to_list() == ["2"]
    account = gathered.metrics.rows.model_dump_json(exclude={"failed"})[1:-1]
    assert account.replace(",", ", ").replace(":", ": ") in " ".join(PAGE.split())
