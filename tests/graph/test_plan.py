"""The plan says what a run costs before anything runs, without a key, and marks what was not counted."""

import json
import re
import shutil
import time
from types import SimpleNamespace

import polars as pl
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from jz3.cli.fetching import remark_absent
from jz3.cli.main import app
from jz3.core.artifacts import Out
from jz3.core.execution import load_execution
from jz3.core.graph_file import read_graph
from jz3.core.params import read_sections
from jz3.generation.chat import CHAT, chat_key
from jz3.graph.card_memory import COUNTS
from jz3.graph.doctor import gpu_memory, host_memory
from jz3.graph.lacking import disk_of_graph
from jz3.graph.plan import Line, Plan, PlanError, plan, plan_of
from jz3.graph.plan_fit import fit
from jz3.graph.plan_shown import as_json, as_text
from jz3.graph.setting import Setting
from jz3.graph.sizes import Sizes
from jz3.graph.stale import Reason, Stale
from jz3.graph.stored_rows import LOOKED_UP, experience, stored
from jz3.graph.token_counts import count_tokens, local_tokenizer
from jz3.store.row_store import RowStore
from jz3.tables.prompt import Prompt
from jz3.teacher.distill import chat_request
from jz3.teacher.teacher import Teachers
from tests.conftest import ROOT, make_clone
from tests.page_commands import blocks
from tests.teacher.builders import prompts, teacher

PARAMS = Teachers(teachers={"one": teacher(provider="openai", model="gpt-4o", max_tokens=99)}, seed=1)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The graph of the paper profile, with models of two layers: their memory is counted in a second."""
    path = make_clone(tmp_path_factory.mktemp("plan") / "clone", profile="paper").path
    table = path / "data/sources.yaml"
    table.write_text(re.sub(r"num_hidden_layers: \d+", "num_hidden_layers: 2", table.read_text()))
    return path


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    return tmp_path_factory.mktemp("counts")


@pytest.fixture(autouse=True)
def _no_key_and_own_store(tmp_path, monkeypatch, counts):
    """The memory that was counted is kept between tests."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / COUNTS).symlink_to(counts)
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(scope="module")
def paper(clone, counts, tmp_path_factory):
    """The plan of the paper profile, with an empty store."""
    store = tmp_path_factory.mktemp("paper")
    (store / COUNTS).symlink_to(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(store))
        return plan(clone, None)


def key_of(row):
    return chat_key(chat_request(row, PARAMS))


def answered(store, table, tokens):
    """As if a teacher had answered each prompt with this many tokens."""
    with store.writer(CHAT) as writer:
        for row, count in zip(table.iter_rows(named=True), tokens, strict=True):
            request = chat_request(row, PARAMS)
            result = {"text": "t", "finish_reason": "stop", "prompt_tokens": 20, "completion_tokens": count}
            writer.append(chat_key(request), request.row(), result)
        writer.commit()


def lines(found):
    return {line["stage"]: line for line in json.loads(as_json(found))["stages"]}


def test_the_paper_profile_asks_for_its_9300_calls_and_says_what_they_cost(paper):
    found = lines(paper)
    assert found["distill@initial"]["to_do"] == 5300
    assert found["distill@boosted"]["rows"] == 9300
    assert found["distill@boosted"]["to_do"] == 4000, "the initial answers are in the store by then"
    for name in ("distill@initial", "distill@boosted"):
        line = found[name]
        assert line["estimated"]
        expected = (2.5 * line["prompt_tokens"] + 10 * line["completion_tokens"]) / 1e6
        assert line["usd"] == pytest.approx(expected)
    assert 50 < sum(found[f"distill@{name}"]["usd"] for name in ("initial", "boosted")) < 200
    assert found["synthesize@corpus"]["to_do"] == 5_980_000
    assert found["synthesize@corpus"]["device_hours"] > 100
    assert found["pretrain@jiuzhang"]["device_hours"] > found["finetune@boosted"]["device_hours"]
    assert found["dedup@jiuzhang"]["usd"] is None


def test_another_profile_is_planned_without_writing_it(clone):
    before = (clone / "params.yaml").read_bytes()
    found = plan(clone, "embedded")
    assert (clone / "params.yaml").read_bytes() == before
    assert found.device == "cpu"
    assert found.disk.total < 2e9
    assert found.disk.parts["fetched"] == 0
    assert lines(found)["distill@initial"]["usd"] == 0
    more = {name for name in lines(found) if name.endswith(("@metamath", "@openmathinstruct"))}
    assert more
    assert set(lines(found)) - more == {stage.name for stage in read_graph(clone).stages}
    planned = plan(clone, "test")
    another = lines(planned)
    assert {"filter@seed_problems", "pretrain@seed_problems"} <= set(another), (
        "the graph is the profile's, too"
    )
    assert another["pretrain@seed_problems"]["rows"] > 0
    seeds = 2 * 2 * 21  # two rows of each kind per family
    student, writer = another["solve@student"], another["solve@writer"]
    assert (student["rows"], student["to_do"], student["usd"]) == (2 * seeds, 2 * seeds, None)
    assert student["device_hours"] > 0
    assert (writer["rows"], writer["to_do"], writer["usd"]) == (2 * seeds, 2 * seeds, 0.0)
    assert any("up to 6 draws of a problem" in note for note in writer["notes"])
    of_passages = another["augment@synthllm"]
    assert of_passages["rows"] == round(140 * (5 + 2 / 3)), (
        "of 80 and six times 10 passages, a third on level 3"
    )
    calls = sum(line["to_do"] for line in another.values() if line["usd"] is not None)
    assert json.loads(as_json(planned))["total"]["calls"] == calls > writer["to_do"]
    with pytest.raises(PlanError, match=r"profiles/none\.yaml does not exist"):
        plan(clone, "none")


def test_the_command_names_what_nobody_fetched_yet(clone, monkeypatch, capsys):
    """The stages that read it would stop, one after another, long after the plan."""
    monkeypatch.chdir(clone)
    done = CliRunner().invoke(app, ["plan", "--profile", "single_gpu"])
    assert done.exit_code == 0
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(
        r"not here yet: .*\bweb, .*; .* `jz3 fetch --profile single_gpu` downloads them\.", last
    )
    remark_absent(clone, "test")
    assert capsys.readouterr().err == "", "it takes nothing from elsewhere"


def test_a_plan_keeps_within_the_budget_of_teachers(clone):
    found = lines(plan(clone, "compare"))
    cap = YAML(typ="safe").load((clone / "profiles/compare.yaml").read_bytes())["budget"]["teacher_tokens"]
    for name in ("distill@direct", "augment@ans_aug"):
        line = found[name]
        assert line["prompt_tokens"] + line["completion_tokens"] == pytest.approx(cap, abs=1)
        assert 0 < line["to_do"] < line["rows"]
        assert any("budget.teacher_tokens" in note for note in line["notes"])
    assert found["pretrain@jiuzhang_2"]["prompt_tokens"] == pytest.approx(1_000_000, rel=0.01)


def test_the_text_has_a_line_for_each_stage_that_costs_and_names_the_others(paper):
    text = as_text(paper)
    (line,) = (line for line in text.splitlines() if line.startswith("distill@initial "))
    assert "5,300" in line
    assert "~" in line
    assert "GPU-hours" in text
    assert "gpt-4o" in text
    assert "tabulate" in text


def test_the_page_shows_the_plan_of_the_paper_profile(paper):
    """Rows, tokens and what teachers cost; hours and memory belong to larger models than those here."""
    page = (ROOT / "docs/teacher.md").read_text()
    (shown,) = (command.printed for block in blocks(page) for command in block.commands)
    said = as_text(paper).splitlines()
    head = said[0].index("USD") - 2  # where the figures of tokens end
    figures = [[line[:head].split() for line in of[: of.index("")]] for of in (list(shown), said)]
    assert figures[0] == figures[1]
    teachers = [[line for line in of if line.startswith("  distill@")] for of in (shown, said)]
    assert len(teachers[0]) > 3
    assert teachers[0] == teachers[1]
    assert [one.split()[6] for one in shown if one.startswith("distill@")] == [
        f"~{line['usd']:.2f}" for stage, line in lines(paper).items() if stage.startswith("distill@")
    ]


def test_memory_of_each_gpu_stage_stands_beside_its_card_and_what_does_not_fit_is_said(clone, paper):
    found = lines(paper)
    takes = {name: line["card_gib"] for name, line in found.items() if line["card_gib"] is not None}
    stages = "finetune@initial warmup attribute pretrain@jiuzhang synthesize@corpus answer@jiuzhang probe"
    assert set(stages.split()) < set(takes)
    assert all(found[name]["fits"] for name in takes)
    assert not any("of 79 GiB" in note for name in set(found) - set(takes) for note in found[name]["notes"])
    execution = load_execution(clone / "execution.yaml")
    of_4_gib = {"planning": execution.planning.model_copy(update={"card_gib": 4})}
    graph, sections = read_graph(clone), read_sections(clone / "params.yaml")
    small = Setting(clone, graph, sections, execution.model_copy(update=of_4_gib))
    line = Line("attribute", "")
    fit(line, small, Sizes(clone, graph, sections, execution, set()))
    assert line.fits is False
    assert "DOES NOT FIT" in line.notes[0]
    assert "Lower training_batch" in line.notes[0]


def test_the_doctor_names_the_stage_that_takes_most_of_a_card_and_the_card(clone):
    execution = load_execution(clone / "execution.yaml")
    graph, sections = read_graph(clone), read_sections(clone / "params.yaml")
    (found,) = gpu_memory(Setting(clone, graph, sections, execution))
    assert (found.what, found.state) == ("GPU memory", "ok")
    assert re.search(
        r"^\S+ takes the most, \d+\.\d GiB; no card is here; the profile is for one of 79$", found.found
    )
    of_8_gib = {"planning": execution.planning.model_copy(update={"card_gib": 8})}
    (lacking,) = gpu_memory(Setting(clone, graph, sections, execution.model_copy(update=of_8_gib)))
    assert lacking.state == "lacks"
    assert "too little for" in lacking.found
    on_cpus = load_execution(clone / "profiles/execution/embedded.yaml")
    assert gpu_memory(Setting(clone, graph, sections, on_cpus)) == []


def test_the_doctor_compares_the_models_that_ranks_read_with_the_memory_of_the_machine(clone, monkeypatch):
    """Of the paper profile only those of the adapter of `warmup`: fsdp reads shards."""
    graph, sections = read_graph(clone), read_sections(clone / "params.yaml")
    setting = Setting(clone, graph, sections, load_execution(clone / "execution.yaml"))
    monkeypatch.setattr("jz3.graph.doctor.total_memory_gib", lambda: 1000.0)
    (found,) = host_memory(setting)
    assert (found.what, found.state) == ("memory", "ok")
    said = re.search(r"^warmup reads (\d+\.\d) GiB of weights .*; here are 1000\.0$", found.found)
    assert said
    monkeypatch.setattr("jz3.graph.doctor.total_memory_gib", lambda: float(said[1]) - 0.1)
    (lacking,) = host_memory(setting)
    assert lacking.state == "lacks"
    on_cpus = load_execution(clone / "profiles/execution/embedded.yaml")
    assert host_memory(Setting(clone, graph, sections, on_cpus)) == []


def test_the_doctor_compares_the_disk_of_the_whole_graph_with_what_is_free(clone, paper, monkeypatch):
    graph, sections = read_graph(clone), read_sections(clone / "params.yaml")
    setting = Setting(clone, graph, sections, load_execution(clone / "execution.yaml"))

    def found(free):
        monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=free))
        return disk_of_graph(setting)

    needs = [int(re.search(r"some ([\d,]+) GB more", one.found)[1].replace(",", "")) for one in found(10**13)]
    assert sum(needs) == pytest.approx(paper.disk.total / 1e9, abs=3), "nothing of it is here yet"
    assert {one.state for one in found(10**13)} == {"ok"}
    assert {one.state for one in found(10**9)} == {"lacks"}
    on_cpus = load_execution(clone / "profiles/execution/embedded.yaml")
    assert disk_of_graph(Setting(clone, graph, sections, on_cpus)) == []


def test_rows_that_will_not_fit_are_said_before_the_run(paper):
    found = lines(paper)

    def said(name):
        return " ".join(found[name]["notes"])

    assert "longer than 2,048 tokens is rejected by finetune.too_long" in said("finetune@initial")
    assert "tool.max_tokens 5,000 is beyond the model's context of 4,096 tokens" in said("synthesize@corpus")
    assert "cot.max_tokens" not in said("synthesize@corpus"), "2,500 fit after the prompt"
    assert "rejected by attribute.too_long" in said("attribute")
    assert "beyond the model's context" not in said("answer@jiuzhang")


def test_disk_of_the_whole_graph_is_that_of_its_rows_and_models(paper):
    disk = paper.disk
    assert disk.total == sum(disk.parts.values())
    # 8.84M training rows of 771 tokens in 2 x 4.5 bytes are 61 GB of blocks alone.
    assert 61e9 < disk.parts["tables"] < 500e9
    assert disk.parts["fetched"] > 50e9
    assert json.loads(as_json(paper))["disk_bytes"]["total"] == disk.total
    assert "disk of the whole graph, once built: some" in as_text(paper)


def test_rows_in_the_store_are_counted_in_the_table_that_is_there(tmp_path):
    table = prompts(30)
    Out(Prompt, tmp_path / "p.parquet").write(table)
    store = RowStore(tmp_path / "rows")
    answered(store, table.head(12), [50] * 12)
    found = stored(store, CHAT, tmp_path / "p.parquet", key_of)
    assert (found.rows.value, found.rows.exact) == (12, True)
    assert (found.looked_at, found.completion_tokens) == (12, 50)


def test_answers_so_far_say_how_long_the_next_will_be_and_how_far_such_a_guess_was_off(tmp_path):
    store = RowStore(tmp_path)
    assert experience(store, "openai", "gpt-4o") is None
    answered(store, prompts(40), [100] * 36 + [80] * 4)
    seen = experience(store, "openai", "gpt-4o")
    assert seen is not None
    assert seen.completion_tokens == pytest.approx(98)
    assert seen.error == pytest.approx(0.25)
    assert experience(store, "writer", "gpt-4o") is None, "answers of another provider say nothing"


def byte_tokenizer(directory):
    """One token per character, unlike any profile's ratio."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = [chr(code) for code in range(33, 127)]
    tokenizer = Tokenizer(models.WordLevel({letter: place for place, letter in enumerate(letters)}, "x"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    directory.mkdir(parents=True)
    tokenizer.save(str(directory / "tokenizer.json"))


def test_tokens_are_counted_with_the_tokenizer_that_is_here(tmp_path):
    byte_tokenizer(tmp_path / "model")
    table = prompts(30)
    Out(Prompt, tmp_path / "p.parquet").write(table)
    tokenizer = local_tokenizer(str(tmp_path / "model"), None)
    assert tokenizer is not None
    counted = count_tokens(tokenizer, tmp_path / "p.parquet", "full")
    assert (counted.prompts, counted.mean) == (30, pytest.approx(table["full"].str.len_chars().mean()))
    for model in ("gpt-4o", "accounts/x/models/y", str(tmp_path / "other")):
        assert local_tokenizer(model, None) is None


def test_the_plan_says_when_it_counted_tokens(clone, tmp_path):
    byte_tokenizer(clone / "own-model")
    Out(Prompt, clone / "data/composed/initial").write(prompts(30))
    parameters = tmp_path / "params.yaml"
    text = (clone / "params.yaml").read_text().replace("model: gpt-4o", f"model: {clone / 'own-model'}")
    parameters.write_text(text)
    try:
        stale = [Stale("distill@initial", [Reason("param", "distill", None, None)])]
        (line,) = plan_of(clone, parameters, stale).lines
    finally:
        shutil.rmtree(clone / "data/composed/initial")
    assert line.prompt_tokens == prompts(30)["full"].str.len_chars().sum()
    assert any("counted in 30 of them with the model's tokenizer" in note for note in line.notes)


def many_prompts(file, count):
    ids = pl.select(pl.int_range(count, eager=False).alias("n")).with_columns(
        prompt_id=pl.format("{}", pl.col("n") + 10**9)
    )
    frame = ids.select(
        "prompt_id",
        passage_id=pl.col("prompt_id"),
        source=pl.lit("web"),
        level=pl.lit("grade").cast(Prompt.create_empty().schema["level"]),
        kind=pl.lit("cot").cast(Prompt.create_empty().schema["kind"]),
        full=pl.format("A prompt of some {} words.", "n"),
        compact=pl.lit("short"),
    )
    frame.write_parquet(file, row_group_size=100_000)


def test_a_large_table_is_looked_up_by_a_sample_that_is_marked_as_one(tmp_path):
    many_prompts(tmp_path / "p.parquet", 4 * LOOKED_UP)
    store = RowStore(tmp_path / "rows")
    in_runs = pl.read_parquet(tmp_path / "p.parquet").filter(pl.int_range(pl.len()) % (LOOKED_UP // 2) < 500)
    answered(store, in_runs, [50] * 4_000)
    started = time.monotonic()
    found = stored(store, CHAT, tmp_path / "p.parquet", key_of)
    assert not found.rows.exact
    assert found.rows.value == pytest.approx(4_000, rel=0.15), "a thousand of eight runs of 500 are met"
    line = Line("distill@initial", "", rows=9, stored=4, to_do=5, stored_estimated=True)
    (shown,) = (row for row in as_text(Plan("cpu", [line])).splitlines() if row.startswith("distill"))
    assert shown.split()[1:4] == ["9", "~4", "~5"], "what rests on a sample says so"
    assert time.monotonic() - started < 30


def test_sizes_come_from_tables_that_stay_and_from_parameters_else(clone, tmp_path):
    import yaml

    sections = yaml.safe_load((clone / "params.yaml").read_text())
    execution = load_execution(clone / "execution.yaml")
    table = clone / "data/composed/initial"
    Out(Prompt, table).write(prompts(17))
    try:
        graph, path = read_graph(clone), "data/composed/initial"
        counted = Sizes(clone, graph, sections, execution, set()).prompts(path)
        assert (counted.rows.value, counted.rows.exact) == (17, True)
        changing = Sizes(clone, graph, sections, execution, {path}).prompts(path)
        assert (changing.rows.value, changing.rows.exact) == (5300, False)
        assert changing.characters["full"] > 1000, "templates are longer than their passage"
    finally:
        shutil.rmtree(table)
