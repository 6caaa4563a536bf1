"""Which values differ between two similar profiles; profiles are complete, never composed.

Nothing but this list keeps one profile in step with the other: a value that is changed in one alone must be
changed in the other too, or be written down here.
"""

from fnmatch import fnmatchcase

import pytest
from ruamel.yaml import YAML

from jz3.graph.profile import source_of, value_differences
from tests.conftest import ROOT

DIFFERENCES = {
    # A run on one GPU takes a small part of the paper's texts, a smaller base, and its learning rates.
    ("single_gpu", "paper", "params.yaml"): """
        sample.quotas.*.initial sample.quotas.*.candidates sample.quotas.*.corpus
        tasks.instructions.sft.rows
        base.*.source
        finetune.*.optimizer.learning_rate
        select.boosted.count
        pack.held_out_share
        pretrain.batch_blocks pretrain.optimizer.learning_rate
    """,
    ("single_gpu", "paper", "execution.yaml"): """
        ranks gradient_checkpointing*
        budget_usd
        planning.corpus_prompts planning.instruction_rows planning.card_gib
    """,
    # The test profile is the embedded one on fewer texts, with smaller models, a second recipe, and sketches.
    ("embedded", "test", "params.yaml"): """
        ingest.docstrings.format.modules
        sample.quotas.*.initial sample.quotas.*.candidates sample.quotas.*.corpus
        compose.tool_share compose.levels_per_passage.*
        tasks.targets.*.rows_per_family tasks.instructions.*.rows_per_family tasks.seeds*
        benchmarks.sources
        base.vocabulary
        base.*.hidden_size base.*.layers base.*.mlp base.*.training.block_length base.*.training.epochs
        finetune.*.block_length finetune.*.batch_tokens finetune.initial.epochs
        warmup.share warmup.block_length warmup.batch_tokens
        warmup.pretrain.epochs warmup.pretrain.optimizer.learning_rate
        warmup.adapter.rank warmup.adapter.alpha
        attribute.max_tokens attribute.precision
        sketch.* diversify.* rds.*
        select.boosted.count
        augment.* solve.* balance.* filter.default.self_consistency*
        skills.* value.* difficulty.* choose.*
        probe.max_tokens
        execute.limits.wall_seconds execute.limits.cpu_seconds
        mix.seed_problems.* mix.personamath.* mix.rvsyn.* mix.dart.*
        mix.synthllm.* mix.mass.*
        pack.block_length
        budget.training_tokens pretrain.schedule.stable pretrain.schedule.floor
        pretrain.optimizer.learning_rate
        answer.prose.benchmarks answer.tool.benchmarks answer.max_tokens
        tabulate.resamples
    """,
    # The comparison is the embedded profile with more arms on two budgets.
    ("compare", "embedded", "params.yaml"): """
        benchmarks.sources
        finetune.boosted_random.* select.boosted_random.*
        augment.ans_aug.* augment.personamath.* augment.synthllm.* augment.rvsyn.*
        solve.* balance.* skills.* value.* choose.*
        mix.jiuzhang_random.* mix.direct.* mix.seed_problems.* mix.ans_aug.*
        mix.personamath.* mix.synthllm.* mix.rvsyn.* mix.dart.*
        mix.mass.* mix.mass_length_matched.*
        budget.teacher_tokens
    """,
    ("compare", "embedded", "execution.yaml"): """
        losses.chosen
    """,
    ("embedded", "test", "execution.yaml"): """
        sandbox_workers
        checkpoint_share
        generation_batch generation_commit server_concurrency server_timeout_s
        concurrency
        losses.stages.execute.warn losses.chosen
        planning.stage_seconds.*
    """,
}


@pytest.mark.parametrize(("one", "other", "file"), DIFFERENCES)
def test_two_profiles_differ_in_what_is_listed_and_nothing_else(one, other, file):
    documents = [YAML(typ="safe").load((ROOT / source_of(file, name)).read_bytes()) for name in (one, other)]
    listed = DIFFERENCES[one, other, file].split()
    found = value_differences(*documents)
    assert not [name for name in found if not any(fnmatchcase(name, pattern) for pattern in listed)]
    assert not [pattern for pattern in listed if not any(fnmatchcase(name, pattern) for name in found)]
