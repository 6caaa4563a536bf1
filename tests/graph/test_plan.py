"""The plan says what a run costs before anything runs, without a key, and marks what it did not count."""

import json
import shutil
import time

import polars as pl
import pytest
from ruamel.yaml import YAML

from jz3.core.artifacts import Out
from jz3.core.execution import load_execution
from jz3.core.graph_file import read_graph
from jz3.generation.chat import CHAT, chat_key
from jz3.graph.plan import Line, Plan, PlanError, plan, plan_of
from jz3.graph.plan_shown import as_json, as_text
from jz3.graph.sizes import Sizes
from jz3.graph.stale import Reason, Stale
from jz3.graph.stored_rows import LOOKED_UP, experience, stored
from jz3.graph.token_counts import count_tokens, local_tokenizer
from jz3.store.row_store import RowStore
from jz3.tables.prompt import Prompt
from jz3.teacher.distill import chat_request
from jz3.teacher.teacher import Teachers
from tests.conftest import make_clone
from tests.teacher.builders import prompts, teacher

PARAMS = Teachers(teachers={"one": teacher(provider="openai", model="gpt-4o", max_tokens=99)}, seed=1)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return make_clone(tmp_path_factory.mktemp("plan") / "clone", profile="paper").path


@pytest.fixture(autouse=True)
def _no_key_and_own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def key_of(row):
    return chat_key(chat_request(row, PARAMS))


def answered(store, table, tokens):
    """As if a teacher had answered each prompt with so many tokens."""
    with store.writer(CHAT) as writer:
        for row, count in zip(table.iter_rows(named=True), tokens, strict=True):
            request = chat_request(row, PARAMS)
            result = {"text": "t", "finish_reason": "stop", "prompt_tokens": 20, "completion_tokens": count}
            writer.append(chat_key(request), request.row(), result)
        writer.commit()


def lines(found):
    return {line["stage"]: line for line in json.loads(as_json(found))["stages"]}


def test_the_paper_profile_asks_for_its_9300_calls_and_says_what_they_cost(clone):
    found = lines(plan(clone, None))
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
    assert lines(found)["distill@initial"]["usd"] == 0
    assert set(lines(found)) == {stage.name for stage in read_graph(clone).stages}
    planned = plan(clone, "test")
    another = lines(planned)
    assert {"filter@seed_problems", "pretrain@seed_problems"} <= set(another), (
        "the graph is the profile's, too"
    )
    assert another["pretrain@seed_problems"]["rows"] > 0
    seeds = 2 * 2 * 21  # of each kind two rows a family
    student, writer = another["solve@student"], another["solve@writer"]
    assert (student["rows"], student["to_do"], student["usd"]) == (2 * seeds, 2 * seeds, None)
    assert student["device_hours"] > 0
    assert (writer["rows"], writer["to_do"], writer["usd"]) == (2 * seeds, 2 * seeds, 0.0)
    assert any("up to 6 draws of a problem" in note for note in writer["notes"])
    calls = sum(line["to_do"] for line in another.values() if line["usd"] is not None)
    assert json.loads(as_json(planned))["total"]["calls"] == calls > writer["to_do"]
    with pytest.raises(PlanError, match=r"profiles/none\.yaml does not exist"):
        plan(clone, "none")


def test_a_plan_keeps_within_the_budget_of_teachers(clone):
    found = lines(plan(clone, "compare"))
    cap = YAML(typ="safe").load((clone / "profiles/compare.yaml").read_bytes())["budget"]["teacher_tokens"]
    for name in ("distill@direct", "augment@ans_aug"):
        line = found[name]
        assert line["prompt_tokens"] + line["completion_tokens"] == pytest.approx(cap, abs=1)
        assert 0 < line["to_do"] < line["rows"]
        assert any("budget.teacher_tokens" in note for note in line["notes"])
    assert found["pretrain@jiuzhang_2"]["prompt_tokens"] == pytest.approx(1_000_000, rel=0.01)


def test_the_text_has_a_line_for_each_stage_that_costs_and_names_the_others(clone):
    text = as_text(plan(clone, None))
    (line,) = (line for line in text.splitlines() if line.startswith("distill@initial "))
    assert "5,300" in line
    assert "~" in line
    assert "GPU-hours" in text
    assert "gpt-4o" in text
    assert "tabulate" in text


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
    """One token a character, which no ratio of a profile is."""
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
