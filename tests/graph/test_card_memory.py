"""Memory counted on fake tensors is what torch's allocator hands out, and profiles fit their cards.

Every byte that the count misses is a run that ends hours in with 'out of memory'; a view that counts twice
refuses a run that fits.
"""

import json
from dataclasses import replace

import pytest
import torch

from jz3.core.execution import load_execution
from jz3.core.graph_file import Graph, Stage, read_graph
from jz3.core.params import read_sections
from jz3.graph.alive import Alive
from jz3.graph.card_memory import on_each_card, parameters_of, step_memory
from jz3.graph.memory_counts import Gradients, Piece, StepMemory
from jz3.graph.on_cards import on_card, told
from jz3.graph.profile import graph_under, source_of
from jz3.graph.setting import Setting
from jz3.graph.step_memory import count_held_out, count_pass, count_step
from jz3.lm.blocks import pack_rows
from jz3.lm.document_attention import by_documents
from jz3.lm.encode import EncodedRow
from jz3.lm.held_out import mean_loss
from jz3.lm.labelled_places import LabelledPlaces, summed_loss
from jz3.lm.lora import LoraParams
from jz3.lm.model import cache
from jz3.training.methods import Full, Lora, Pissa
from tests.conftest import ROOT
from tests.executions import execution
from tests.lm.optimizers import OPTIMIZER

TINY = {
    "model_type": "llama", "vocab_size": 2000, "hidden_size": 128, "intermediate_size": 512,
    "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 512, "tie_word_embeddings": True,
}  # fmt: skip
BUFFERS = 2 * 16 * 4
"""Two tables of the rotary embedding, a number for each pair of a head's 32, in float32."""
FULL = Full(kind="full")
BF16 = OPTIMIZER.model_copy(update={"precision": "bf16"})
TARGETS = ["q_proj", "down_proj"]


@pytest.fixture(autouse=True)
def _own_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def test_a_view_has_no_bytes_and_what_is_let_go_is_gone():
    alive, weight = Alive(), torch.zeros(64, 8)
    assert alive.hold([weight, weight.T, weight[:3]]) == 64 * 8 * 4
    with alive:
        views = (weight.T, weight.expand(2, 64, 8), weight.detach(), weight.view(8, 64).split(2))
        assert alive.now == 64 * 8 * 4
        product = weight.T @ weight
        assert alive.now == 64 * 8 * 4 + 8 * 8 * 4
        del product, views
        assert alive.now == 64 * 8 * 4
        for _ in range(3):
            weight + 1
    assert alive.peak == 2 * 64 * 8 * 4, "one sum at a time"


def allocated(piece, precision):
    """The most bytes that torch's allocator has handed out at once in one real piece of a training."""
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**TINY), dtype=torch.float32)
    model.train()
    if piece.recomputed:
        model.activation_checkpointing_enable(every_n_layers=piece.recomputed)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    row, labels = (torch.zeros(shape, dtype=torch.long) for shape in ((1, piece.tokens), (piece.tokens,)))
    lengths = [piece.block_length] * piece.blocks

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = summed_loss(model, row, row, lengths, labels)
        loss.backward()

    with cache(model, on=False), by_documents(model, "cpu"), LabelledPlaces(model) as places:
        places.indices = labels
        return most_at_once(step)


def most_at_once(run):
    """The most that torch's allocator gives out at once in the second of two runs; bytes."""
    run()
    with torch.profiler.profile(profile_memory=True) as profiled:
        run()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    assert most
    return most


@pytest.mark.parametrize(("recomputed", "optimizer"), [(1, BF16), (2, BF16), (0, BF16), (1, OPTIMIZER)])
def test_the_count_of_a_step_is_what_the_allocator_gives_out(recomputed, optimizer):
    piece = Piece(4, 256, recomputed, bf16_weights=False, device="cpu")
    counted = count_step(TINY, FULL, optimizer, piece)
    assert counted.activations == pytest.approx(allocated(piece, optimizer.precision), rel=0.01)
    weights = parameters_of(TINY)
    assert (counted.weights, counted.gradients) == (4 * weights + BUFFERS, 4 * weights)
    assert counted.optimizer == pytest.approx(8 * weights, rel=1e-3)
    assert 4 * counted.largest_layer + counted.outside_layers == weights


def test_an_adapter_has_gradients_and_moments_of_its_own_alone():
    piece = Piece(1, 64, 1, bf16_weights=False)
    adapter = Lora(kind="lora", rank=8, alpha=8.0, dropout=0.0, targets=TARGETS)
    counted = count_step(TINY, adapter, BF16, piece)
    of_a_layer = 8 * (128 + 128) + 8 * (512 + 128)
    assert counted.gradients == 4 * 4 * of_a_layer
    assert counted.weights == 4 * (parameters_of(TINY) + 4 * of_a_layer) + BUFFERS
    pissa = Pissa(kind="pissa", rank=8, iterations=4, targets=TARGETS)
    assert count_step(TINY, pissa, BF16, piece) == counted


def test_a_pass_of_attribute_holds_moments_and_targets_of_the_adapter():
    adapter = LoraParams(rank=8, alpha=8.0, dropout=0.0, targets=TARGETS)
    counts = [
        count_pass(TINY, adapter, Gradients(rows, 64, tasks, "adam", "bf16"))
        for rows, tasks in ((2, 2), (8, 2), (2, 4))
    ]
    one, more_rows, more_tasks = counts
    weights = 4 * (8 * (128 + 128) + 8 * (512 + 128))
    assert (one.moments, one.targets) == (8 * weights, 8 * weights)
    assert one.weights == 2 * (parameters_of(TINY) + weights) + BUFFERS
    assert more_tasks.targets == 2 * one.targets
    assert 2 * one.activations < more_rows.activations < 5 * one.activations


@pytest.mark.parametrize("ranks", [2, 8])
def test_what_ranks_share_out_is_less_with_each_stage_of_zero_and_least_under_fsdp(ranks):
    step = StepMemory(
        weights=4 * 10**9, gradients=4 * 10**9, optimizer=8 * 10**9, activations=10**9,
        parameters=10**9, largest_layer=10**7, outside_layers=10**7,
    )  # fmt: skip

    def shared(sharding, ranks=ranks, **how):
        return on_each_card(step, execution(ranks=ranks, **how), sharding, (2, 4)).parts

    assert shared("zero3", ranks=1) == shared("none", ranks=1)
    assert shared("none", ranks=1)["optimizer"] == step.optimizer
    one, two, three = (shared(f"zero{stage}") for stage in (1, 2, 3))
    assert one["gradients"] == step.gradients > two["gradients"] == step.gradients // ranks
    assert two["weights"] == step.weights > three["weights"] == step.weights // ranks
    assert one["optimizer"] == step.optimizer // ranks + step.gradients // ranks
    assert shared("none")["weights"] == step.weights
    fsdp = shared("fsdp")
    assert [fsdp[name] for name in ("weights", "gradients", "optimizer")] == [
        size // ranks for size in (step.weights, step.gradients, step.optimizer)
    ]
    assert sum(fsdp.values()) < sum(three.values())
    of_two_machines = shared("fsdp", ranks=2 * ranks, nodes=2, launcher="torchrun")
    assert of_two_machines == fsdp, "each machine has all shards"


def test_deepspeed_keeps_room_for_a_bucket_of_each_format_in_which_it_exchanges_gradients():
    """Whatever the model's size: of an adapter the buckets take more than all the rest."""
    step = StepMemory(
        weights=400, gradients=40, optimizer=80, activations=1000, parameters=100, largest_layer=10,
        outside_layers=10,
    )  # fmt: skip

    def beside(sharding, exchanged, ranks=2):
        need = on_each_card(step, execution(ranks=ranks), sharding, exchanged)
        return need.parts["activations"] - step.activations

    assert beside("zero2", (2, 4)) == beside("zero1", (2, 4)) == 2 * 4 * 500_000_000 + step.gradients
    assert beside("zero2", (2,)) == beside("zero2", (4,)) == 4 * 500_000_000 + step.gradients
    assert beside("zero3", (2, 4)) == 6 * 500_000_000 + step.gradients + step.weights
    assert beside("zero2", (2, 4), ranks=1) == 0
    assert beside("none", (2, 4)) == step.gradients


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_count_of_a_held_out_loss_is_what_the_allocator_gives_out(precision):
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**TINY), dtype=torch.float32)
    rows = {number: EncodedRow([7] * 256, [7] * 256) for number in range(4)}
    blocks, how = pack_rows(rows, 256, 0), execution(training_batch=4)
    assert len(blocks) == 4
    taken = most_at_once(lambda: mean_loss(model, blocks, precision, how))
    counted = count_held_out(TINY, precision, [256] * 4)
    assert counted.activations == pytest.approx(taken, rel=0.01)
    assert counted.weights == 4 * parameters_of(TINY) + BUFFERS


NONE = frozenset()
BASES = Stage(
    "base",
    "",
    {"final": ("final",), "reference": ("reference",)},
    NONE,
    NONE,
    frozenset({"final", "reference"}),
)
TRAININGS = Graph((
    BASES,
    Stage("pretrain@a", "", {"params": ("pretrain",), "base": ("final",)}, NONE, NONE, NONE),
    Stage("warmup", "", {"params": ("warmup",), "base": ("reference",)}, NONE, NONE, NONE),
))  # fmt: skip


def taken_by(name, sections=None, **how):
    """What a training of the embedded profile takes on cards."""
    sections = sections or embedded()
    setting = Setting(ROOT, TRAININGS, sections, execution(device="cuda", training_batch=1, **how))
    return on_card(setting, TRAININGS.stage(name))


def embedded(section=None, **changes):
    """The parameters of the embedded profile, with changes in one section."""
    sections = read_sections(ROOT / source_of("params.yaml", "embedded"))
    return sections | ({section: sections[section] | changes} if section else {})


def test_the_held_out_loss_counts_where_it_takes_more_than_a_share_of_the_training():
    deep = embedded()["base"]["final"] | {"hidden_size": 512, "layers": 6, "mlp": 2048}
    sections = embedded("base", final=deep)
    alone = taken_by("pretrain@a", sections, gradient_checkpointing=True)
    shared = taken_by("pretrain@a", sections, gradient_checkpointing=True, ranks=256, sharding="fsdp")
    assert set(alone.need.parts) == {"weights", "gradients", "optimizer", "activations", "CUDA"}
    assert alone.note is None
    assert set(shared.need.parts) == {"weights", "activations", "CUDA"}
    assert shared.note.startswith("that is for the held-out loss, on the first card; training takes ")
    assert alone.need.gib > shared.need.gib


def test_ranks_that_read_whole_models_are_said_and_counted_in_the_memory_of_the_machine():
    alone, shards = taken_by("pretrain@a"), taken_by("pretrain@a", ranks=4, sharding="fsdp")
    whole = taken_by("pretrain@a", ranks=8, sharding="zero2", nodes=2, launcher="srun")
    assert (alone.note, shards.host_gib) == (None, alone.host_gib)
    assert whole.host_gib == 4 * alone.host_gib
    assert "4 ranks read 0 GiB of weights into the memory of each machine" in whole.note
    adapters = taken_by("warmup", embedded("warmup", pretrain=None), ranks=8, sharding="fsdp")
    assert "8 ranks read" in adapters.note, "an adapter is never divided"


def test_a_training_that_has_room_without_checkpointing_is_said():
    """A mapping takes it from those stages alone that have, or from some layers."""
    adapter = embedded("warmup", pretrain=None)
    planning = execution().planning

    def taken(card_gib, recomputed):
        how = {"planning": planning.model_copy(update={"card_gib": card_gib})}
        return taken_by("warmup", adapter, gradient_checkpointing=recomputed, **how)

    kept = taken(79, False)
    assert kept.note is None
    assert taken(79, True).need.gib < kept.need.gib
    said = f"without gradient_checkpointing, which costs a third more time, {kept.need.gib:.1f}"
    assert taken(79, True).note == said == taken(79, {"warmup": 1}).note
    assert taken(79, {"finetune": 1, "pretrain": 1}) == kept
    every = taken(79, {"warmup": 2})
    assert taken(79, True).need.gib < every.need.gib < kept.need.gib
    named = "with `gradient_checkpointing: {warmup: 2}`, which computes one in 2 layers again"
    enough = every.need.gib + 0.001
    assert taken(enough, True).note == f"{named}, {every.need.gib:.1f}"
    assert taken(enough, {"warmup": 2}).note is None is taken(every.need.gib - 0.001, True).note


def test_a_warm_up_of_all_weights_counts_where_there_is_one():
    assert embedded()["warmup"]["pretrain"] is not None
    full, adapter = taken_by("warmup"), taken_by("warmup", embedded("warmup", pretrain=None))
    assert full.need.parts["gradients"] > 5 * adapter.need.parts["gradients"]


def test_a_shape_is_counted_once(tmp_path):
    piece = Piece(1, 64, 1, bf16_weights=False)
    first = step_memory(TINY, FULL, BF16, piece)
    (file,) = (tmp_path / "store" / "memory").iterdir()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"weights": 7}))
    faster = BF16.model_copy(update={"learning_rate": 1.0})
    assert step_memory(TINY, FULL, faster, piece).weights == 7, "a learning rate takes no memory"
    assert step_memory(TINY, FULL, OPTIMIZER, piece).weights == first.weights


def setting_of(profile):
    sections = read_sections(ROOT / source_of("params.yaml", profile))
    execution = load_execution(ROOT / source_of("execution.yaml", profile))
    return Setting(ROOT, graph_under(ROOT, profile), sections, execution)


def test_a_profile_for_cpus_takes_no_card():
    setting = Setting(ROOT, read_graph(ROOT), read_sections(ROOT / "params.yaml"), load_execution())
    assert {on_card(setting, stage) for stage in setting.graph.stages} == {None}


@pytest.mark.long
def test_every_stage_of_single_gpu_fits_a_card_of_24_gb_with_what_the_page_names():
    """Adapters in place of all weights, and a block at a time (docs/gpu.md)."""
    setting = setting_of("single_gpu")
    adapter = {"method": {"kind": "lora", **setting.sections["warmup"]["adapter"]}}
    tuned = {name: section | adapter for name, section in setting.sections["finetune"].items()}
    changed = {"finetune": tuned, "pretrain": setting.sections["pretrain"] | adapter}
    a_block = setting.execution.model_copy(update={"training_batch": 1})
    small = replace(setting, sections=setting.sections | changed, execution=a_block)
    found = {stage.name: takes for stage in small.graph.stages if (takes := on_card(small, stage))}
    assert {"finetune@initial", "warmup", "attribute", "pretrain@jiuzhang", "synthesize@corpus"} < set(found)
    assert not {name: told(takes, 23) for name, takes in found.items() if not takes.need.gib <= 23}


@pytest.mark.long
@pytest.mark.parametrize("profile", ["single_gpu", "paper"])
def test_every_stage_of_a_profile_fits_the_card_that_the_profile_names(profile):
    setting = setting_of(profile)
    card = setting.execution.planning.card_gib
    found = {stage.name: takes for stage in setting.graph.stages if (takes := on_card(setting, stage))}
    stages = "finetune@initial warmup attribute pretrain@jiuzhang synthesize@corpus answer@jiuzhang probe"
    assert set(stages.split()) < set(found)
    assert not {name: told(takes, card) for name, takes in found.items() if not takes.need.gib <= card}
    assert max(takes.need.gib for takes in found.values()) > 0.8 * card, "a smaller card would do"
