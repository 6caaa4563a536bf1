"""The data part of `single_gpu` on small files in the real layouts: fetched from a hub on loopback, in either
order of its sources, it leaves the same bytes.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from huggingface_hub import constants

import stages.benchmarks
import stages.compose
import stages.ingest
import stages.sample
import stages.tasks
from jz3.core.artifacts import In, InFiles, Metrics, Out
from jz3.core.fan_in import InTables
from jz3.core.params import ParamsError
from jz3.corpus.compose import ComposeParams
from jz3.corpus.ingest import IngestParams
from jz3.corpus.sample import SampleParams
from jz3.graph.fetching.fetch import fetch
from jz3.graph.fetching.hosts import Hub
from jz3.graph.fetching.needed import needed
from jz3.graph.fetching.resolve import resolve
from jz3.graph.fetching.table import TABLE, read_table
from jz3.tables.item import Item
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.target import Target
from jz3.tasks.benchmarks import BenchmarksParams
from jz3.tasks.tasks import TasksParams
from tests.loopback_hub import COMMIT, TOKEN, LoopbackHub, serving

ROOT = Path(__file__).parents[1]
PROFILE = "single_gpu"
FILLER = "The sum of two even numbers is even, since two divides each of them. " * 4


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def packed(rows):
    return gzip.compress(lines(rows), mtime=0)


def parquet(rows):
    written = io.BytesIO()
    pl.DataFrame(rows).write_parquet(written)
    return written.getvalue()


def texts(tag, count, before=""):
    return [{"text": f"{before}{tag} {number}. {FILLER}", "meta": {"at": number}} for number in range(count)]


def books(tag, count):
    return [
        {"text": f"# {tag}\n\n## Part {n}\n{tag} {n}. {FILLER}", "subset": "Textbooks"} for n in range(count)
    ]


AUTO_MATH_TEXT = {
    "README.md": b"# A card",
    "data/web/0.15-0.20.jsonl": lines(texts("TOO LOW", 5)),
    "data/web/0.20-0.25.jsonl": lines(texts("WEB", 20)),
    "data/web/0.95-1.00.jsonl": lines(texts("BEST WEB", 20)),
    "data/arxiv/0.50-0.60/0.50-0.51.jsonl": lines(texts("TOO LOW", 5, "\\section{A}\n")),
    "data/arxiv/0.60-0.70/0.60-0.61.jsonl": lines(texts("ARXIV", 30, "\\section{A}\n")),
    "data/arxiv/0.90-1.00/0.99-1.00.jsonl": b"",
}
MATH_PILE = {
    "train/textbooks/textbooks_markdown.jsonl.gz": packed(books("BOOK", 12)),
    "train/textbooks/synthetic_textbooks_markdown.jsonl.gz": packed(books("OTHER BOOK", 12)),
    "train/wikipedia/wikipedia_en_mathematics_nopic_2023-08_v0.2.jsonl.gz": packed(texts("WIKI", 10)),
    "train/proofwiki/ProofWiki_definitions.jsonl.gz": packed(texts("DEFINITION", 11)),
    "train/proofwiki/ProofWiki_theorem_proofs.jsonl.gz": packed(texts("THEOREM", 11)),
    "validation/wikipedia/wikipedia.jsonl.gz": packed(texts("HELD OUT", 9)),
}
MMIQC = [
    {"instruction": f"QUESTION {n}: {FILLER}", "output": f"ANSWER {n}: {FILLER}", "source": source}
    for n in range(15)
    for source in ("stackexchange-math", "MetaMath")
]
SFT = [
    {
        "input": f"## Question\nHow many are {n} and 1?\n\n## {head}\n",
        "output": f"They are $\\boxed{{{n + 1}}}$.",
    }
    for n in range(10)
    for head in ("Solution", "Step-by-Step Solution", "Code Solution")
] + [{"input": "no headings", "output": "at all"}]
GSM8K = [
    {"question": f"How many are {n} and 2?", "answer": f"{n}+2=<<{n}+2={n + 2}>>\n#### {n + 2}"}
    for n in range(6)
]
SUMS = [(f"How many are {n} and 3?", str(n + 3)) for n in range(4)]
MATH = [
    {
        "problem": q,
        "solution": f"It is $\\boxed{{{a}}}$.",
        "answer": a,
        "subject": "Algebra",
        "type": "Algebra",
        "level": 2,
    }
    for q, a in SUMS
]
BENCHMARKS = {
    "gsm8k": GSM8K,
    "math-oai": MATH,
    "svamp": [
        {"Body": "Two and three", "Question": q, "Answer": float(a), "Type": "Addition"} for q, a in SUMS
    ],
    "asdiv": [
        *(
            {"body": "Read.", "question": q, "answer": f"{a} (books)", "solution_type": "Sum"}
            for q, a in SUMS
        ),
        {"body": "Read.", "question": "Which two?", "answer": "1; 2", "solution_type": "Pair"},
    ],
    "mawps": [{"input": q, "target": float(a), "type": "addsub"} for q, a in SUMS],
    "carp_en": [{"content": q, "answer": f"x \\neq {a}"} for q, a in SUMS],
    "gsm-hard": [{"input": q, "target": float(a)} for q, a in SUMS],
    "tabmwp": [
        {
            "table_title": "Books",
            "table": "a | 1",
            "question": q,
            "choices": None,
            "ans_type": "integer_number",
            "answer": a,
        }
        for q, a in SUMS
    ],
    "minerva_math": MATH,
    "aqua": [{"question": q, "options": ["A)1", f"B){a}", "C)90"], "correct": "B"} for q, a in SUMS],
    "sat_math": [
        {"id": "1", "question": q, "options": f"A. 1 B. {a} C. 90 D. 91", "Answer": "B"} for q, a in SUMS
    ],
    "mmlu_stem": [
        {"question": q, "type": "algebra", "choices": ["1", a, "90", "91"], "answer": 1} for q, a in SUMS
    ],
}
MODEL = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "model.safetensors": bytes(64),
    "model.gguf": bytes(9),
}


def files():
    """The contents that the repositories of the table have here, by their paths there."""
    code = {f"eval/data/{name}/test.jsonl": lines(rows) for name, rows in BENCHMARKS.items()}
    return {
        "datasets/math-ai/AutoMathText": AUTO_MATH_TEXT,
        "datasets/GAIR/MathPile": MATH_PILE,
        "datasets/Vivacem/MMIQC": {"mmiqc.jsonl": lines(MMIQC), "mmiqc.py": b"print('never run')"},
        "datasets/ToheartZhang/JiuZhang3.0-Corpus-SFT": {"data/train-00000-of-00001.parquet": parquet(SFT)},
        "models/HuggingFaceTB/SmolLM2-1.7B": MODEL,
        "github/RUCAIBox/JiuZhang3.0": {**code, "eval/data/gsm8k/train.jsonl": lines(GSM8K)},
        "github/ZubinGou/math-evaluation-harness": {"data/math/train.jsonl": lines(MATH)},
    }


def pinned(root, there):
    """The table of the repository, with the commits and digests that files of GitHub have here."""
    document = yaml.safe_load((ROOT / TABLE).read_text())
    for entry in document.values():
        if entry["host"] == "github":
            entry["revision"] = COMMIT
            for path, held in entry["held"].items():
                data = there[f"github/{entry['repo']}"][path]
                held |= {"bytes": len(data), "digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    (root / "data").mkdir(parents=True)
    (root / TABLE).write_text(yaml.safe_dump(document, sort_keys=False))


def sections():
    """The profile's parameters, with the sizes available here in place of the real ones."""
    document = yaml.safe_load((ROOT / f"profiles/{PROFILE}.yaml").read_text())
    document["sample"]["allow_missing"] = 1
    for rows in (*document["tasks"]["targets"].values(), *document["tasks"]["instructions"].values()):
        rows["rows"] = None
    for benchmark in document["benchmarks"]["sources"]:
        benchmark["items"] = None
    return document


def built(root, order):
    """Run the stages that read what was fetched; returns what they leave, by path."""
    document, out = sections(), root / "out"
    graph = yaml.safe_load((ROOT / f"profiles/graphs/{PROFILE}.yaml").read_text())
    for source in order:
        stages.ingest.main(
            IngestParams.model_validate(document["ingest"][source]),
            InFiles(root / graph["sources"][source]),
            Out(Passage, out / "passages" / source),
            Out(Reject, out / f"rejects/{source}.parquet"),
            Metrics(out / f"ingest/{source}.json"),
        )
    rounds = [Out(Passage, out / name) for name in ("initial", "candidates", "corpus")]
    passages = InTables(Passage, tuple(out / "passages" / source for source in sorted(order)))
    stages.sample.main(
        SampleParams.model_validate(document["sample"]), passages, *rounds, Metrics(out / "sample.json")
    )
    stages.compose.main(
        ComposeParams.model_validate(document["compose"]),
        In(Passage, out / "corpus"),
        InFiles(ROOT / "data/prompts"),
        Out(Prompt, out / "prompts"),
        Metrics(out / "compose.json"),
    )
    stages.tasks.main(
        TasksParams.model_validate(document["tasks"]),
        InFiles(root / "data/raw/tasks"),
        Out(Target, out / "targets.parquet"),
        Out(Problem, out / "instructions.parquet"),
        Out(SeedProblem, out / "seeds.parquet"),
        Out(Problem, out / "seed_problems"),
        Out(Passage, out / "seed_passages"),
        Out(Reject, out / "rejects/tasks.parquet"),
        Metrics(out / "tasks.json"),
    )
    stages.benchmarks.main(
        BenchmarksParams.model_validate(document["benchmarks"]),
        InFiles(root / "data/raw/benchmarks"),
        Out(Item, out / "items.parquet"),
        Out(Reject, out / "rejects/benchmarks.parquet"),
        Metrics(out / "benchmarks.json"),
    )
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file()
    }


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    gated = {"datasets/GAIR/MathPile"}
    with serving(LoopbackHub(files(), gated=gated)) as served:
        yield served


def fetched(root, hub, monkeypatch, backwards):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(root / "cache"))
    asked = Hub(endpoint=hub.address, token=TOKEN, github=f"{hub.address}/github", offline=False)
    pinned(root, hub.files)
    names = needed(ROOT, PROFILE)
    names = names[::-1] if backwards else names
    resolve(root, {name: read_table(root)[name] for name in names}, asked, lambda _: None)
    table = read_table(root)
    fetch(root, {name: table[name] for name in names}, asked, lambda _: None)
    return [name for name in names if table[name].purpose == "corpus"]


@pytest.mark.long
def test_both_orders_of_the_sources_leave_the_same_bytes(tmp_path, hub, monkeypatch):
    left = {}
    for backwards in (False, True):
        root = tmp_path / str(backwards)
        order = fetched(root, hub, monkeypatch, backwards)
        left[backwards] = built(root, order)
    assert left[False] == left[True]
    out = tmp_path / "False/out"
    held = {
        source: {
            " ".join(word for word in text.split() if word.isupper())
            for text in In(Passage, table).read()["text"]
        }
        for source, table in ((path.name, path) for path in (out / "passages").iterdir())
    }
    assert held == {
        "web": {"WEB", "BEST WEB"},
        "arxiv": {"ARXIV"},
        "stackexchange": {"QUESTION ANSWER"},
        "textbooks": {"BOOK", "OTHER BOOK"},
        "wikipedia": {"WIKI"},
        "proofwiki": {"DEFINITION", "THEOREM"},
    }
    passages = pl.concat(In(Passage, path).read() for path in (out / "passages").iterdir())
    assert {(row["source"], row["licence"], row["origin"]) for row in passages.iter_rows(named=True)} >= {
        ("web", "CC-BY-SA-4.0", f"math-ai/AutoMathText@{COMMIT}"),
        ("textbooks", "CC-BY-NC-SA-4.0", f"GAIR/MathPile@{COMMIT}"),
    }
    numbers = {
        name: json.loads((out / f"{name}.json").read_text()) for name in ("sample", "tasks", "benchmarks")
    }
    assert numbers["sample"]["corpus"] == {
        "arxiv": 30, "proofwiki": 22, "stackexchange": 15, "textbooks": 24, "web": 40, "wikipedia": 10
    }  # fmt: skip
    assert numbers["tasks"]["targets"] == {"gsm8k": 6, "math": 4}
    assert numbers["tasks"]["instructions_by_kind"] == {"cot": 20, "tool": 10}
    assert numbers["tasks"]["rows"]["rejected"] == {"tasks.other_format": 1}
    assert numbers["benchmarks"]["items"] == {name: 6 if name == "gsm8k" else 4 for name in BENCHMARKS}
    assert numbers["benchmarks"]["rows"]["rejected"] == {"benchmarks.several_answers": 1}
    turned_away = [
        In(Reject, out / f"rejects/{name}.parquet").read().row(0) for name in ("tasks", "benchmarks")
    ]
    assert [(rule, evidence) for _, rule, evidence in turned_away] == [
        (
            "tasks.other_format",
            "data/train-00000-of-00001.parquet row 31: input: 'no headings', output: 'at all'",
        ),
        (
            "benchmarks.several_answers",
            "eval/data/asdiv/test.jsonl line 5: body: 'Read.', question: 'Which two?', answer: '1; 2', "
            "solution_type: 'Pair'",
        ),
    ]
    assert turned_away[1][0] == "asdiv/00004"
    # The quotas of the profile itself are for the whole sets.
    short = SampleParams.model_validate(sections()["sample"] | {"allow_missing": 0.05})
    with pytest.raises(
        ParamsError, match=r"source arxiv has 0 passages for initial|source arxiv has 30 passages"
    ):
        stages.sample.main(
            short,
            InTables(Passage, tuple(sorted((out / "passages").iterdir()))),
            *(Out(Passage, tmp_path / "short" / name) for name in ("initial", "candidates", "corpus")),
            Metrics(tmp_path / "short/sample.json"),
        )


@pytest.mark.long
def test_the_command_takes_endpoint_and_token_from_the_environment(tmp_path, hub):
    pinned(tmp_path, hub.files)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    (tmp_path / "dvc.yaml").touch()
    variables = {
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": TOKEN,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "0",
        "JZ3_GITHUB": f"{hub.address}/github",
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments, **changed):
        return subprocess.run(
            [sys.executable, "-m", "jz3", "fetch", "--profile", PROFILE, *arguments],
            cwd=tmp_path,
            env=os.environ | variables | changed,
            capture_output=True,
            text=True,
            check=False,
        )

    looked_up = run("--resolve")
    assert looked_up.returncode == 0, looked_up.stderr
    refused = run(HF_TOKEN="hf_nobody")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "does not accept HF_TOKEN" in refused.stderr
    assert not (tmp_path / "data/raw").exists()
    first = run()
    assert first.returncode == 0, first.stderr
    assert "web: 2 files" in first.stdout
    offline = run(HF_HUB_OFFLINE="1", HF_TOKEN="", HF_ENDPOINT="http://127.0.0.1:9")
    assert offline.stdout.count("as they were") == len(needed(ROOT, PROFILE)), offline.stderr
