"""The card says what the run left, and its folder is a data set as it is."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest
import yaml

from jz3.core.artifacts import Out
from jz3.core.fan_in import InTables
from jz3.curation.card import (
    NO_PASSAGE,
    Facts,
    TrainingSet,
    card_metrics,
    digests,
    examples_of,
    origins_of,
    training_sets,
    write_card,
)
from jz3.tables.certificate_manifest import BenchmarkCheck, CertificateManifest
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow
from tests.curation.rows import passages, problem, problems
from tests.two_turns import two_turns

MODEL = ModelManifest(
    hub=None,
    digest="d" * 32,
    tokenizer_digest="t" * 32,
    parameters=1_234_567,
    made_by="finetune full",
    steps=10,
    tokens=4_321,
    prompt_form="compact",
    libraries={},
)
CERTIFICATE = CertificateManifest(
    certified="jiuzhang",
    certified_digest="c" * 32,
    rows=77,
    method={"ngram": 13},
    benchmarks=[
        BenchmarkCheck(
            benchmark="exam",
            revision="r|1",
            items=50,
            items_digest="e",
            hit_items=3,
            hits_by_class={"ngram": 4},
        )
    ],
)
LEDGER = {"read": 90, "kept": 77, "rejected": {"parse.open_fence": 4, "parse.truncated": 9}, "failed": 0}
MEASURED = {
    "distill/boosted": {
        "provider": "openai",
        "model": "gpt-x",
        "sampling": {"temperature": 0.6},
        "rows": LEDGER,
        "answered": 90,
        "prompt_tokens": 1000,
        "completion_tokens": 2000,
        "cost_usd": 12.345,
        "priced": True,
        "prices_as_of": "2026-11-01",
    },
    "compose/corpus": {"prompts": 100, "passages": 95},
    "synthesize/corpus": {"rows": LEDGER, "completion_tokens": 5000},
    "execute/jiuzhang": {"rows": LEDGER, "programs": 31},
    "mix/jiuzhang": {
        "rows": LEDGER,
        "pretrain_rows": 3,
        "instruction_rows": 1,
        "corrected": 2,
        "by_kind": {"cot": 3},
        "by_level": {"high": 4},
        "by_source": {"web": 4},
    },
} | {
    name: {"rows": LEDGER}
    for name in ("parse/corpus", "filter/jiuzhang", "dedup/jiuzhang", "decontaminate/jiuzhang")
}


RIGHT = pl.DataFrame(
    {
        "model": ["jiuzhang"],
        "recipe": ["jiuzhang"],
        "kind": ["tool"],
        "before": [1000],
        "right_before": [817],
        "after": [40],
        "right_after": [32],
    }
)


def training_rows(*ids, source="web"):
    return pl.DataFrame(
        [
            {
                "position": place,
                "row_id": row_id,
                "part": "pretrain",
                "source": source,
                "level": "high",
                "kind": "tool" if place % 2 else "cot",
                "turns": two_turns("How many | are 2 and 2?", "\\boxed{4}"),
                "input": "## Question\nHow many | are 2 and 2?\n\n## Solution\n",
                "output": "\\boxed{4}",
            }
            for place, row_id in enumerate(ids)
        ],
        schema=TrainingRow.create_empty().schema,
    )


def facts(**changes):
    training = changes.pop("training", training_rows("a", "b", "c"))
    rows = problems(*(problem(row_id, passage_id=f"p{row_id}") for row_id in "abc"))
    origins = origins_of(training.lazy(), rows.lazy(), passages(pa="x", pb="y", pc="z").lazy())
    made = {
        "sets": {"jiuzhang": TrainingSet(training.height, origins, examples_of(training.lazy()))},
        "measured": MEASURED,
        "templates": {"full/grade": "1", "compact/cot": "2"},
        "completions": {
            "corpus": {
                "engine": "vllm",
                "dtype": "bfloat16",
                "prompt_form": "compact",
                "sampling_cot": '{"temperature": 1.0, "stop": []}',
                "sampling_tool": '{"temperature": 0.9, "stop": ["x"]}',
            }
        },
        "models": {"boosted": MODEL},
        "base": MODEL.model_copy(update={"hub": "deepseek-ai/m@abc"}),
        "certificates": {"jiuzhang": CERTIFICATE},
        "right": RIGHT,
    }
    return Facts(**made | changes)


@pytest.mark.parametrize(
    "said",
    [
        "| kind | jiuzhang |\n| --- | --- |\n| cot | 3 |",
        "| jiuzhang | 3 | 3 | 1 |",
        "| jiuzhang | jiuzhang | tool | 81.7 % (817 of 1,000) | 80.0 % (32 of 40) |",
        "| base of the synthesis models | deepseek-ai/m@abc |",
        "| synthesis model, boosted | 1,234,567 weights, digest",
        "| completions, corpus | 77 with 5,000 tokens; vllm, bfloat16; sampling of cot: temperature 1.0; ",
        "of tool: temperature 0.9, stop ['x']; prompts of the form `compact`: `compact/cot` 2 |",
        "`gpt-x`, temperature 0.6",
        "| parse corpus | 90 | 77 | 0 | parse.truncated 9, parse.open_fence 4 |",
        "12.35 USD at the prices of 2026-11-01",
        "| exam | r\\|1 | `e` | 50 | 3 | 4 |",
        "| jiuzhang | web | o | CC0-1.0 | 3 |",
        "How many | are 2 and 2?",
    ],
)
def test_the_card_says(said):
    assert said in write_card(facts())


def head_of(card):
    return yaml.safe_load(card.split("---\n")[1])


def test_the_head_is_what_the_hub_reads():
    head = head_of(write_card(facts()))
    assert head["license"] == "cc0-1.0"
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"] == [
        {
            "config_name": "jiuzhang",
            "data_files": [{"split": "train", "path": "jiuzhang/*.parquet"}],
            "default": True,
        }
    ]
    from huggingface_hub import DatasetCardData

    assert DatasetCardData(**head).to_dict()["license"] == "cc0-1.0"


def test_rows_without_a_passage_make_the_licence_another_and_none_is_lost():
    mixed = facts(training=training_rows("a", "b", "instruction/1"))
    assert head_of(write_card(mixed))["license"] == "other"
    assert card_metrics(mixed).by_licence == {"jiuzhang": {"CC0-1.0": 2, NO_PASSAGE: 1}}


def test_a_problem_that_two_passages_share_would_be_noticed():
    one = facts().sets["jiuzhang"]
    twice = pl.concat([one.origins, one.origins.with_columns(rows=pl.lit(1, pl.UInt32))])
    wrong = facts(sets={"jiuzhang": replace(one, origins=twice)})
    with pytest.raises(ValueError, match="accounts for 4"):
        card_metrics(wrong)


def test_each_set_is_a_configuration_and_a_column(tmp_path):
    tables = {}
    for name, ids in (("ours", ["a", "b"]), ("theirs", ["c", "s"])):
        tables[name] = tmp_path / "mix" / name
        Out(TrainingRow, tables[name]).write(training_rows(*ids))
    for name, rows in (
        ("one", [problem("a", passage_id="pa"), problem("b", passage_id="pb")]),
        ("two", [problem("c", passage_id="pc"), problem("s", passage_id=None)]),
    ):
        Out(Problem, tmp_path / "problems" / name).write(problems(*rows))
    # Two recipes may share some of their passages.
    Out(Passage, tmp_path / "first").write(passages(pa="x", pb="y"))
    Out(Passage, tmp_path / "second").write(passages(pb="y", pc="z"))
    found = training_sets(
        InTables(TrainingRow, tuple(tables.values())),
        InTables(Problem, (tmp_path / "problems/one", tmp_path / "problems/two")),
        InTables(Passage, (tmp_path / "first", tmp_path / "second")),
    )
    both = facts(sets=found, measured=MEASURED | {f"mix/{name}": MEASURED["mix/jiuzhang"] for name in tables})
    assert card_metrics(both).by_licence == {"ours": {"CC0-1.0": 2}, "theirs": {"CC0-1.0": 1, NO_PASSAGE: 1}}
    assert card_metrics(both).rows.kept == 4
    head = head_of(write_card(both))
    assert [(one["config_name"], one.get("default")) for one in head["configs"]] == [
        ("ours", True),
        ("theirs", None),
    ]
    assert "| kind | ours | theirs |" in write_card(both)


def test_templates_are_named_with_their_folder(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "tool.md").write_text("text")
    (name,) = digests([tmp_path / "full" / "tool.md"])
    assert name == "full/tool"


@pytest.mark.parametrize("count", [1, 40])
def test_the_folder_is_read_offline_as_it_is(tmp_path, monkeypatch, count):
    monkeypatch.setattr("jz3.core.table_bytes.PART_BYTES", 2_000)  # several parts
    ids = [f"r{number:02}" for number in range(count)]
    Out(TrainingRow, tmp_path / "set/jiuzhang").sink(training_rows(*ids).iter_slices(10))
    Out(TrainingRow, tmp_path / "set/other").write(training_rows("x", "y"))
    both = {name: facts().sets["jiuzhang"] for name in ("jiuzhang", "other")}
    said = facts(sets=both, measured=MEASURED | {"mix/other": MEASURED["mix/jiuzhang"]})
    (tmp_path / "set/README.md").write_text(write_card(said))
    parts = list((tmp_path / "set/jiuzhang").glob("*.parquet"))
    assert len(parts) > 1 or count == 1
    program = (
        "import datasets, json, sys\n"
        "found = datasets.load_dataset(sys.argv[1], split='train', cache_dir=sys.argv[2])\n"
        "other = datasets.load_dataset(sys.argv[1], 'other', split='train', cache_dir=sys.argv[2])\n"
        "print(json.dumps([found.column_names, found['row_id'][:], found[0]['kind'], other['row_id'][:]]))\n"
        "print(json.dumps([found[0][name] for name in ('input', 'output', 'turns')]))"
    )
    read = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "set"), str(tmp_path / "cache")],
        env=os.environ
        | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    columns, first = map(json.loads, read.stdout.splitlines()[-2:])
    assert columns == [TrainingRow.column_names(), ids, "cot", ["x", "y"]]
    assert first == list(training_rows(*ids).select("input", "output", "turns").row(0))
