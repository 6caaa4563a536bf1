"""Memory that is counted on fake tensors is what torch's allocator gives out, and profiles fit their cards.

Every byte that the count misses is a run that ends hours in with 'out of memory'; a view that counts twice
refuses a run that fits.
"""

import json

import pytest
import torch

from jz3.core.execution import load_execution
from jz3.core.graph_file import read_graph
from jz3.core.params import read_sections
from jz3.graph.alive import Alive
from jz3.graph.card_memory import on_each_card, parameters_of, step_memory
from jz3.graph.memory_counts import Gradients, Piece, StepMemory
from jz3.graph.on_cards import on_card, told
from jz3.graph.profile import graph_under, source_of
from jz3.graph.setting import Setting
from jz3.graph.step_memory import count_pass, count_step
from jz3.lm.document_attention import by_documents
from jz3.lm.labelled_places import LabelledPlaces, summed_loss
from jz3.lm.lora import LoraParams
from jz3.lm.model import cache
from jz3.training.methods import Full, Lora, Pissa
from tests.conftest import ROOT
from tests.executions import execution
from tests.lm.test_train import OPTIMIZER

TINY = {
    "model_type": "llama", "vocab_size": 2000, "hidden_size": 128, "intermediate_size": 512,
    "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 512, "tie_word_embeddings": True,
}  # fmt: skip
BUFFERS = 2 * 16 * 4
"""Two of the rotary embedding, a number for each pair of a head's 32, in float32."""
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
    """The most that torch's allocator has given out at once in one real piece of a training; bytes."""
    from transformers import AutoConfig, AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**TINY), dtype=torch.float32)
    model.train()
    if piece.checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    row, labels = (torch.zeros(shape, dtype=torch.long) for shape in ((1, piece.tokens), (piece.tokens,)))
    lengths = [piece.block_length] * piece.blocks

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = summed_loss(model, row, row, lengths, labels)
        loss.backward()

    with cache(model, on=False), by_documents(model), LabelledPlaces(model) as places:
        places.indices = labels
        step()
        with torch.profiler.profile(profile_memory=True) as profiled:
            step()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    assert most
    return most


@pytest.mark.parametrize(("checkpointing", "optimizer"), [(True, BF16), (False, BF16), (True, OPTIMIZER)])
def test_the_count_of_a_step_is_what_the_allocator_gives_out(checkpointing, optimizer):
    piece = Piece(4, 256, checkpointing, bf16_weights=False)
    counted = count_step(TINY, FULL, optimizer, piece)
    assert counted.activations == pytest.approx(allocated(piece, optimizer.precision), rel=0.01)
    weights = parameters_of(TINY)
    assert (counted.weights, counted.gradients) == (4 * weights + BUFFERS, 4 * weights)
    assert counted.optimizer == pytest.approx(8 * weights, rel=1e-3)
    assert 4 * counted.largest_layer + counted.outside_layers == weights


def test_an_adapter_has_gradients_and_moments_of_its_own_alone():
    piece = Piece(1, 64, True, bf16_weights=False)
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
        return on_each_card(step, execution(ranks=ranks, **how), sharding).parts

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


def test_a_shape_is_counted_once(tmp_path):
    piece = Piece(1, 64, True, bf16_weights=False)
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
@pytest.mark.parametrize("profile", ["single_gpu", "paper"])
def test_every_stage_of_a_profile_fits_the_card_that_the_profile_names(profile):
    setting = setting_of(profile)
    card = setting.execution.planning.card_gib
    found = {stage.name: takes for stage in setting.graph.stages if (takes := on_card(setting, stage))}
    stages = "finetune@initial warmup attribute pretrain@jiuzhang synthesize@corpus answer@jiuzhang probe"
    assert set(stages.split()) < set(found)
    assert not {name: told(takes, card) for name, takes in found.items() if not takes.need.gib <= card}
    assert max(takes.need.gib for takes in found.values()) > 0.8 * card, "a smaller card would do"
