"""Every prompt ends as a completion or a failure, and a prompt's completion does not depend on the others."""

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.errors import UserError
from jz3.core.frames import Accounted
from jz3.generation.completion_rows import GENERATE
from jz3.generation.engine import Sampling
from jz3.generation.engines import open_engine
from jz3.store.row_store import open_store
from jz3.synthesis.synthesize import Slice, Synthesis, SynthesizeMetrics, SynthesizeParams, form_of
from jz3.tables.completion import Completion
from jz3.tables.failure import Failure
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.prompt import Prompt
from stages.synthesize import main
from tests.generation.builders import EXECUTION, execution, tiny_model

PARAMS = SynthesizeParams(
    seed=1,
    engine="transformers",
    dtype="saved",
    cot=Sampling(temperature=1, top_p=1, max_tokens=8, stop=[]),
    tool=Sampling(temperature=0.1, top_p=0.95, max_tokens=4, stop=[]),
)


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    return InDir(ModelManifest, tiny_model(tmp_path / "model"))


def prompts(count: int, too_long: int | None = None) -> pl.DataFrame:
    rows = [
        {
            "prompt_id": f"prompt {n:03}",
            "passage_id": "passage",
            "source": "web",
            "level": "grade" if n % 2 else "aime",
            "kind": "tool" if n % 4 == 0 else "cot",
            "full": f"Please write problem number {n}",
            "compact": "x" * 80 if n == too_long else f"write {n}",
        }
        for n in range(count)
    ]
    return Prompt.validate(Prompt.cast(pl.DataFrame(rows)))


@dataclass(frozen=True)
class Made:
    completions: pl.DataFrame
    failures: pl.DataFrame
    metrics: SynthesizeMetrics


def run(model, rows, params=PARAMS, how=EXECUTION, form="compact"):
    with open_engine(params.engine, model, params.dtype, how) as engine:
        synthesis = Synthesis(rows.lazy(), form, engine, params, how)
        completions = Accounted(synthesis.completions())
        return Made(pl.concat(completions), completions.account.failures, completions.account.metrics)


def test_every_prompt_is_a_completion_or_a_failure(model):
    made = run(model, prompts(20, too_long=5))
    assert made.failures.get_column("row_id").to_list() == ["prompt 005"]
    assert "80 tokens" in made.failures.get_column("reason").item()
    assert made.completions.get_column("prompt_id").n_unique() == 19
    assert made.metrics.rows.model_dump() == {"read": 20, "kept": 19, "rejected": {}, "failed": 1}


def test_a_completions_id_is_its_key_in_the_store(model):
    made = run(model, prompts(10, too_long=5))
    ids = {*made.completions.get_column("completion_id"), *made.failures.get_column("request_id")}
    assert ids == {row.key for row in open_store().rows(GENERATE)}


def test_a_larger_set_keeps_the_completions_of_the_smaller_one(model):
    small = run(model, prompts(8)).completions
    large = run(model, prompts(16)).completions
    kept = large.filter(pl.col("prompt_id").is_in(small.get_column("prompt_id").to_list()))
    assert kept.sort("completion_id").equals(small.sort("completion_id"))
    assert len(list(open_store().rows(GENERATE))) == 16


def test_kinds_are_sampled_each_with_its_own_settings(model):
    made = run(model, prompts(16))
    kinds = made.completions.join(prompts(16).select("prompt_id", "kind"), on="prompt_id")
    longest = dict(kinds.group_by("kind").agg(pl.col("completion_tokens").max()).iter_rows())
    assert longest == {"cot": 8, "tool": 4}


def test_the_form_of_the_prompt_is_what_the_model_reads(model):
    full = run(model, prompts(4), form="full")
    assert full.metrics.prompt_tokens == 4 * len("Please write problem number 0")
    assert full.metrics.tokens_saved == 0
    compact = run(model, prompts(4))
    assert compact.metrics.prompt_tokens == 4 * len("write 0")
    assert compact.metrics.tokens_saved == full.metrics.prompt_tokens - compact.metrics.prompt_tokens


def test_what_prompts_begin_with_is_counted_once_for_each_level_and_kind(model):
    full = run(model, prompts(16), form="full")
    groups = prompts(16).select("level", "kind").unique().height
    assert full.metrics.shared_prefix_tokens == (16 - groups) * len("Please write problem number ")


def test_metrics_describe_the_completions(model):
    made = run(model, prompts(16))
    truncated = made.completions.filter(pl.col("finish_reason") == "length").height
    assert made.metrics.truncation_rate == truncated / 16
    assert made.metrics.share_per_kind == {"cot": 0.75, "tool": 0.25}
    assert made.metrics.share_per_level["aime"] == made.metrics.share_per_level["grade"] == 0.5
    assert made.metrics.completion_tokens == made.completions.get_column("completion_tokens").sum()


def test_the_rows_do_not_depend_on_batches_and_slices(model, tmp_path, monkeypatch):
    """In float32 the texts do not depend on them either, except if a draw falls between two tokens to within
    rounding.
    """
    rows, made = prompts(60, too_long=5), {}
    for name, batch in (("one by one", 1), ("together", 64), ("in slices", 8)):
        monkeypatch.setenv("JZ3_STORE", str(tmp_path / name))
        how = execution(generation_batch=batch, generation_commit=batch)
        if name == "in slices":
            with open_engine("transformers", model, "saved", how) as engine:
                for number in (3, 1, 2):
                    Synthesis(rows.lazy(), "compact", engine, PARAMS, how).fill(Slice(number, 3))
                    filled = len(list(open_store().rows(GENERATE)))
            assert filled == 60
        made[name] = run(model, rows, how=how)
        assert len(list(open_store().rows(GENERATE))) == 60
    together = made["together"]
    for other in made.values():
        assert other.completions["completion_id"].equals(together.completions["completion_id"])
        assert other.failures.equals(together.failures)
        assert (other.completions["text"] == together.completions["text"]).mean() > 0.95


def test_a_slice_holds_its_rows_whatever_else_is_asked_for(model):
    few, many = (set(run(model, prompts(count)).completions["completion_id"]) for count in (20, 40))
    for number in (1, 2, 3):
        part = Slice(number, 3)
        held = {key for key in many if part.holds(pl.Series([key])).item()}
        assert held & few == {key for key in few if part.holds(pl.Series([key])).item()}
        assert 5 < len(held) < 25


def test_windows_and_frames_that_are_smaller_than_the_table_give_the_same_rows(model, tmp_path, monkeypatch):
    rows = prompts(50, too_long=7)
    whole = run(model, rows)
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "other store"))
    monkeypatch.setattr("jz3.synthesis.synthesize.FRAME_ROWS", 7)
    monkeypatch.setattr("jz3.synthesis.synthesize.WINDOW_ROWS", 9)
    monkeypatch.setattr("jz3.core.external_sort.FILE_ROWS", 11)
    monkeypatch.setattr("jz3.synthesis.key_order.CHUNK_ROWS", 5)
    small = run(model, rows)
    assert small.completions["completion_id"].is_sorted()
    assert small.completions["completion_id"].equals(whole.completions["completion_id"])
    assert small.metrics.rows == whole.metrics.rows
    assert small.failures.equals(whole.failures)


def test_the_manifest_of_a_model_says_which_form_it_reads(model, tmp_path):
    assert form_of(model) == "compact"
    untaught = model.manifest().model_copy(update={"prompt_form": None})
    (tmp_path / "manifest.json").write_text(untaught.model_dump_json())
    with pytest.raises(UserError, match=r"prompt_form null.*finetune"):
        form_of(InDir(ModelManifest, tmp_path))


def test_no_prompts_are_no_completions(model):
    made = run(model, prompts(1).clear())
    assert made.completions.height == made.failures.height == made.metrics.rows.read == 0


def test_the_stage_leaves_the_same_bytes_in_key_order_each_time(model, tmp_path):
    Out(Prompt, tmp_path / "prompts.parquet").write(prompts(10, too_long=5))
    for run_name in ("first", "second"):
        main(
            PARAMS,
            execution(),
            In(Prompt, tmp_path / "prompts.parquet"),
            model,
            Out(Completion, tmp_path / run_name / "completions"),
            Out(Failure, tmp_path / run_name / "failures.parquet"),
            Metrics(tmp_path / run_name / "metrics.json"),
        )
    first, second = (
        {file.relative_to(tmp_path / name): file.read_bytes() for file in (tmp_path / name).rglob("*.*")}
        for name in ("first", "second")
    )
    assert first == second
    assert len(first) == 4
    notes = json.loads(first[Path("completions/manifest.json")])["notes"]
    assert notes["engine"] == "transformers"
    assert notes["text_in_other_batches"] == "the same but for draws within the rounding of float32"
    rows = In(Completion, tmp_path / "first" / "completions").read()
    assert rows.get_column("completion_id").is_sorted()
    assert rows.height == 9
