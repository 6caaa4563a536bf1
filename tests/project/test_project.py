"""A user's project: its files, what an order changes in them, and a run with the built-in writer."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles
from jz3.core.budget import Budget
from jz3.core.errors import UserError
from jz3.core.execution import load_execution
from jz3.core.params import load_params
from jz3.corpus.compose import ComposeParams
from jz3.corpus.ingest import IngestParams
from jz3.corpus.sample import SampleParams
from jz3.project.project import (
    Order,
    check_benchmarks,
    check_corpus,
    is_project,
    removed_unless_whole,
    settle,
    start,
    write_code,
)
from jz3.project.write import Written, begin, told, why_nothing
from jz3.tables.words import LEVELS
from jz3.teacher.teacher import Teachers
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "texts"
    folder.mkdir()
    for chapter in (1, 2, 3):
        (folder / f"{chapter}.md").write_text(
            "\n\n".join(
                f"Theorem {chapter}.{n}. Let G be a group of order {chapter * n + 7}. The sum of the first "
                f"{n} integers is {n * (n + 1) // 2}, as one sees by pairing the first with the last."
                for n in range(1, 31)
            )
        )
    return folder


@pytest.fixture(scope="module")
def project(texts):
    """Tests read it; none changes it."""
    start(texts.parent / "own", texts, ())
    return texts.parent / "own"


def test_every_file_says_what_its_stages_read(project):
    kinds = {
        "ingest": IngestParams,
        "sample": SampleParams,
        "compose": ComposeParams,
        "distill": Teachers,
        "budget": Budget,
    }
    for section, kind in kinds.items():
        load_params(kind, section, project / "params.yaml")
    assert yaml.safe_load((project / "params.yaml").read_text()).keys() == kinds.keys()
    load_execution(project / "execution.yaml")
    assert is_project(project)


def test_the_graph_has_the_flags_of_its_stages(project):
    stages = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]
    ours = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name in ("ingest", "sample", "compose", "distill"):
        command = ours[name].get("do", ours[name])["cmd"]
        flags = {word for word in command.split() if word.startswith("--")} - {"--params"}
        assert {word for word in stages[name]["cmd"].split() if word.startswith("--")} == flags
    for stage in stages.values():
        outs = [*stage["outs"], *(name for entry in stage.get("metrics", []) for name in entry)]
        assert all(out in stage["cmd"] for out in outs)


def test_the_prompts_are_those_of_the_graph(project):
    files = sorted(path.relative_to(ROOT / "data/prompts") for path in (ROOT / "data/prompts").rglob("*.md"))
    assert files == sorted(path.relative_to(project / "prompts") for path in project.rglob("prompts/**/*.md"))
    assert all(
        (project / "prompts" / file).read_bytes() == (ROOT / "data/prompts" / file).read_bytes()
        for file in files
    )


@given(
    st.builds(
        Order,
        st.none() | st.integers(1, 10**6),
        st.lists(st.sampled_from(LEVELS), max_size=4),
        st.sampled_from([None, "writer", "openai", "vllm"]),
        st.none() | st.text("abc-4.", min_size=1),
    )
)
def test_an_order_changes_what_it_names_and_nothing_else(project, order):
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("params.yaml", "execution.yaml"):
            shutil.copy(project / file, folder)
        (folder / "prompts").symlink_to(project / "prompts")
        before = yaml.safe_load((folder / "params.yaml").read_text())
        settle(folder, order)
        text = (folder / "params.yaml").read_text()
        pace = load_execution(folder / "execution.yaml").requests_per_minute
    if order.problems is not None:
        before["sample"]["quotas"]["texts"]["initial"] = order.problems
    if order.levels:
        before["compose"]["levels"] = list(dict.fromkeys(order.levels))
    if order.provider:
        before["distill"]["teachers"]["teacher"]["provider"] = order.provider
    if order.model:
        before["distill"]["teachers"]["teacher"]["model"] = order.model
    assert yaml.safe_load(text) == before
    assert "# released code" in text
    assert (pace == 150) == (order.provider not in (None, "writer"))


def test_files_of_others_are_left_as_they_are(tmp_path, texts):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        start(mine, texts, ())
    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]
    with pytest.raises(UserError, match="does not exist"):
        start(tmp_path / "own", tmp_path / "none", ())
    assert not (tmp_path / "own").exists()


def test_what_is_wrong_with_an_order_is_said(project, tmp_path, texts):
    with pytest.raises(
        UserError, match=r"'phd' is not a level of .*; one of grade, .*, aime .*write .*phd\.md"
    ):
        settle(project, Order(levels=["phd"]))
    with pytest.raises(UserError, match=r"'\.\./aime' names no level"):
        settle(project, Order(levels=["../aime"]))
    with pytest.raises(UserError, match="'acme' is not a provider"):
        settle(project, Order(provider="acme"))
    check_corpus(project, texts)
    with pytest.raises(UserError, match="is a project of"):
        check_corpus(project, tmp_path)


def test_a_template_of_ones_own_is_a_level(project, tmp_path):
    shutil.copytree(project, tmp_path / "own")
    template = tmp_path / "own/prompts/full/cot/phd.md"
    template.write_text(template.with_name("aime.md").read_text().replace("Level: aime", "Level: phd"))
    settle(tmp_path / "own", Order(levels=["phd", "high"]))
    params = yaml.safe_load((tmp_path / "own/params.yaml").read_text())
    assert params["compose"]["levels"] == ["phd", "high"]


def test_one_file_of_texts_and_benchmarks(tmp_path, texts):
    items = tmp_path / "test.jsonl"
    items.write_text('{"question": "What is 2 + 2?", "answer": "4"}\n')
    start(tmp_path / "own", texts / "1.md", (items,))
    stages = yaml.safe_load((tmp_path / "own/dvc.yaml").read_text())["stages"]
    folder = os.path.relpath(texts, tmp_path / "own")
    assert stages["ingest"]["deps"] == [f"{folder}/1.md"]
    assert f"--raw {folder} " in stages["ingest"]["cmd"]
    assert "--against ../test.jsonl" in stages["curate"]["cmd"]
    assert stages["curate"]["deps"] == ["data/written.parquet", "../test.jsonl"]
    check_corpus(tmp_path / "own", texts / "1.md")


@pytest.mark.parametrize("name", ["[1] a: b (2), \u00e9t\u00e9", "- it's $HOME; ls #1", "%d{y}"])
def test_names_that_a_shell_yaml_or_a_pattern_reads_otherwise(tmp_path, name):
    (tmp_path / name).mkdir()
    shutil.copy(items_in(tmp_path / name), tmp_path / name / f"{name}.md")
    for place, corpus in (("a", tmp_path / name), ("b", tmp_path / name / f"{name}.md")):
        start(tmp_path / place, corpus, (tmp_path / name / "test.jsonl",))
        stages = yaml.safe_load((tmp_path / place / "dvc.yaml").read_text())["stages"]
        assert (tmp_path / place / stages["ingest"]["deps"][0]).resolve() == corpus
        typed = shlex.split(stages["ingest"]["cmd"])
        assert typed[typed.index("--raw") + 1] == f"../{name}"
        typed = shlex.split(stages["curate"]["cmd"])
        assert typed[typed.index("--against") + 1] == f"../{name}/test.jsonl"
        assert stages["curate"]["deps"][1] == f"../{name}/test.jsonl"
        check_corpus(tmp_path / place, corpus)
    (pattern,) = yaml.safe_load((tmp_path / "b/params.yaml").read_text())["ingest"]["format"]["files"]
    assert InFiles(tmp_path / name).matching(pattern) == [tmp_path / name / f"{name}.md"]


def items_in(folder):
    items = folder / "test.jsonl"
    items.write_text('{"question": "What is 2 + 2?", "answer": "4"}\n')
    return items


def test_what_no_project_can_be_made_of_is_said_and_nothing_is_left(tmp_path, texts):
    (tmp_path / "${x}").mkdir()
    with pytest.raises(UserError, match=r"no dvc\.yaml can hold"):
        start(tmp_path / "own", tmp_path / "${x}", ())
    with pytest.raises(UserError, match="whose files are the texts"):
        start(texts / "own", texts, ())
    (tmp_path / "empty/inner").mkdir(parents=True)
    with pytest.raises(UserError, match="empty holds no file; texts were expected in it"):
        start(tmp_path / "own", tmp_path / "empty", ())
    with pytest.raises(UserError, match="a folder; a file with the items of a benchmark was expected"):
        start(tmp_path / "own", texts, (texts,))
    assert not (tmp_path / "own").exists()
    assert not (texts / "own").exists()


def test_a_bad_order_leaves_a_project_that_the_next_command_takes_up(tmp_path, texts):
    """A user's own level is written into the folder, so that it stays; DVC must know it."""
    with pytest.raises(UserError, match="'phd' is not a level"):
        begin(tmp_path / "own", texts, (), Order(levels=["phd"]))
    assert (tmp_path / "own/.dvc/config").is_file()
    shutil.rmtree(tmp_path / "own/.dvc")  # as if Ctrl-C came before it was written
    begin(tmp_path / "own", texts, (), Order(levels=["high"]))
    assert (tmp_path / "own/.dvc/config").is_file()


def test_the_same_command_again_may_name_the_same_benchmarks(tmp_path, texts):
    """A trial, or Ctrl-C, and then the same line once more."""
    items = items_in(tmp_path)
    start(tmp_path / "own", texts, (items,))
    for again in ((items,), (tmp_path / "own/../test.jsonl",), ()):
        check_benchmarks(tmp_path / "own", again)
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match=r"compares with .*test\.jsonl; the same --against .* was expected"):
        check_benchmarks(tmp_path / "own", (items, items_in(tmp_path / "other")))


@pytest.mark.parametrize("there", [False, True])
def test_half_of_a_project_is_not_left(tmp_path, there):
    """The next command would take it for files of the user, and refuse it."""
    own = tmp_path / "own"
    if there:
        own.mkdir()

    def interrupted():
        with removed_unless_whole(own):
            (own / "prompts").mkdir()
            (own / "params.yaml").write_text("a: 1\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [*tmp_path.iterdir()] == ([own] if there else [])
    assert not there or not [*own.iterdir()]
    with removed_unless_whole(own):
        (own / "params.yaml").write_text("a: 1\n")
    assert (own / "params.yaml").is_file()


def test_why_nothing_was_written_is_said(tmp_path):
    """The last stage only knows that its table holds no rows."""
    metrics = tmp_path / "data/metrics"
    metrics.mkdir(parents=True)
    assert why_nothing(tmp_path) == ""
    (metrics / "sample.json").write_text('{"passages": {"texts": 0}}')
    assert "gave no passage to write a problem from" in why_nothing(tmp_path)
    (metrics / "sample.json").write_text('{"passages": {"texts": 5}}')
    assert why_nothing(tmp_path) == ""
    (metrics / "distill.json").write_text('{"rows": {"kept": 0}}')
    assert "No answer of the teacher is a problem" in why_nothing(tmp_path)
    (metrics / "distill.json").write_text('{"rows": {"kept": 1}}')
    assert why_nothing(tmp_path) == ""


SLOW_TO_END = "trap 'sleep 1; touch ended; exit 130' INT; touch begun; while :; do sleep 0.1; done"
WAITING = f"""
import subprocess
from jz3.core.ending import ends_in_one_line
from jz3.project.write import waited_for
with ends_in_one_line("jz3", "run it again"), subprocess.Popen(["sh", "-c", {SLOW_TO_END!r}]) as running:
    waited_for(running)
"""


def test_ctrl_c_waits_for_dvc_and_its_stage(tmp_path):
    """A stage that ends in its own time must not go on alone, asking a teacher behind the user's back."""
    running = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert (running.returncode, (tmp_path / "ended").exists()) == (130, True)
    (line,) = said.splitlines()
    assert line.endswith(
        "run it again: it goes on with the stage that was interrupted, and answers that came are kept."
    )


def test_code_has_a_digest_for_each_stage(project):
    stages = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]
    digests = yaml.safe_load((project / "code.yaml").read_text())
    assert digests.keys() == stages.keys()
    assert len(set(digests.values())) == len(digests)
    before = (project / "code.yaml").read_bytes()
    write_code(project)
    assert (project / "code.yaml").read_bytes() == before


def test_what_is_told():
    trial = Written("own", 1000, 700, 20, 19, 18, 17, {"dedup.exact": 1}, 1, 8000, 1000, 0.5, "gpt-4o")
    assert told(trial).splitlines() == [
        "asked 20 of 1,000: 19 answered, 1 failed; 17 kept, rejected: dedup.exact 1",
        "gpt-4o: 8,000 tokens read, 1,000 written; 0.50 USD",
        "the texts give 700 passages, one problem each: add texts for more",
        "the other 680 would take about 272,000 tokens read, 34,000 written, 17.00 USD: run it without "
        "--limit",
        "own/data/curated/kept.jsonl",
    ]
    free = Written("own", 20, 20, 20, 20, 20, 20, {}, 0, 8000, 1000, None, "m")
    assert "no price in execution.yaml" in told(free)
    assert "would take" not in told(free)


JOURNEYS = (ROOT / "docs/journeys.md").read_text()


def wrote(line, folder, store):
    """What a line of docs/journeys.md leaves, typed exactly as printed."""
    assert f"\n{line}\n" in JOURNEYS
    done = subprocess.run(
        [sys.executable, "-m", *line.split(), "--json"],
        cwd=folder,
        env=os.environ | {"JZ3_STORE": str(store), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.long
def test_a_trial_counts_for_the_whole(tmp_path, texts):
    """From a user's texts to curated problems: a trial, then the rest; answers of the trial are not asked for
    again.
    """
    store, whole_line = tmp_path / "store", "jz3 write texts --n 12 -o own"
    shutil.copytree(texts, tmp_path / "texts")
    trial, _ = wrote("jz3 write texts --n 12 --limit 5 --level high -o own", tmp_path, store)
    assert (trial["asked"], trial["wanted"]) == (5, 12)
    first = pl.read_parquet(tmp_path / "own/data/written.parquet")
    assert set(first["level"]) == {"high"}
    whole, said = wrote(whole_line, tmp_path, store)
    assert whole["asked"] == min(12, whole["passages"])
    assert "ingest" not in [
        line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")
    ]
    then = pl.read_parquet(tmp_path / "own/data/written.parquet")
    assert first.join(then, on=first.columns, how="anti", nulls_equal=True).is_empty()
    rows = [json.loads(line) for line in (tmp_path / "own/data/curated/kept.jsonl").read_text().splitlines()]
    assert len(rows) == whole["kept"] == whole["asked"] - sum(whole["rejected"].values()) - whole["failed"]
    assert {row["passage_id"] for row in rows} <= set(then["passage_id"])
    _, said = wrote(whole_line, tmp_path, store)
    assert "Running stage" not in said
    wrote("jz3 look own/data/curated/kept.jsonl -o look.html", tmp_path, store)
    assert all(row["passage_id"] in (tmp_path / "look.html").read_text() for row in rows)


@pytest.mark.long
def test_a_level_of_ones_own_is_written_for(tmp_path, texts):
    shutil.copytree(texts, tmp_path / "texts")
    wrote("jz3 init own texts", tmp_path, tmp_path / "store")
    template = tmp_path / "own/prompts/full/cot/phd.md"
    template.write_text(template.with_name("aime.md").read_text().replace("Level: aime", "Level: phd"))
    line = "jz3 write texts --n 12 --limit 5 --level phd -o own"
    written, _ = wrote(line, tmp_path, tmp_path / "store")
    assert (written["asked"], written["failed"]) == (5, 0)
    assert set(pl.read_parquet(tmp_path / "own/data/written.parquet")["level"]) == {"phd"}
