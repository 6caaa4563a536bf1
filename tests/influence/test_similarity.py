"""Laws of the cosines: batch mates, order and padding change none; a target is its own best candidate.

If they fail, the choice of problems depends on how the work was cut.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.influence.checkpoints import Moments
from jz3.influence.directions import DIRECTIONS, AdamConstants
from jz3.influence.gradients import cut_batches
from jz3.influence.similarity import similarities, task_gradients
from tests.influence.tiny import in_bf16, merged, some_rows

CONSTANTS = AdamConstants(beta1=0.9, beta2=0.999, epsilon=1e-8)
REFERENCE = merged("llama")
ROWS = some_rows(12)
TARGETS = {"arithmetic": some_rows(5, seed=1), "geometry": some_rows(4, seed=2)}
TASKS = task_gradients(REFERENCE, TARGETS, 200)


def cosines(rows, direction, padded_tokens, tasks=TASKS, reference=REFERENCE):
    """[rows][tasks] in the order of the rows."""
    found = [
        similarity
        for batch in cut_batches(rows, padded_tokens)
        for similarity in similarities(reference, tasks, DIRECTIONS[direction], CONSTANTS, batch)
    ]
    return [list(similarity.cosines.values()) for similarity in found]


@pytest.mark.parametrize("direction", sorted(DIRECTIONS))
@settings(deadline=None, max_examples=10)
@given(order=st.permutations(range(len(ROWS))), padded_tokens=st.integers(1, 600))
def test_no_cosine_depends_on_batch_size_order_or_padding(direction, order, padded_tokens):
    expected = cosines(ROWS, direction, 1)
    found = cosines([ROWS[i] for i in order], direction, padded_tokens)
    for place, i in enumerate(order):
        assert found[place] == pytest.approx(expected[i], abs=1e-5)


def test_the_cosines_of_samples_differ():
    """Otherwise the law above would be empty."""
    spread = torch.tensor(cosines(ROWS, "adam", 200)).std(0)
    assert float(spread.min()) > 1e-2


@pytest.mark.parametrize("direction", sorted(DIRECTIONS))
def test_a_duplicate_has_the_same_cosine(direction):
    found = cosines([ROWS[0], *ROWS, ROWS[0]], direction, 150)
    assert found[0] == pytest.approx(found[1], abs=1e-5)
    assert found[0] == pytest.approx(found[-1], abs=1e-5)


def test_by_plain_gradients_a_target_is_its_own_best_candidate():
    for i, row in enumerate(ROWS):
        tasks = task_gradients(REFERENCE, {"itself": [row]}, 200)
        values = [value for (value,) in cosines(ROWS, "plain", 200, tasks)]
        assert values[i] == pytest.approx(1, abs=1e-5)
        assert max(values) == values[i]


def test_a_task_is_the_mean_of_its_targets_of_unit_length():
    rows = TARGETS["arithmetic"]
    single = [task_gradients(REFERENCE, {"one": [row]}, 200).by_weights for row in rows]
    squares = sum(float(gradient[0].square().sum()) for gradient in TASKS.by_weights.values())
    assert squares == pytest.approx(1, abs=1e-5)
    flat = torch.cat([TASKS.by_weights[weights][0] for weights in TASKS.by_weights])
    span = torch.stack([torch.cat([one[w][0] for w in TASKS.by_weights]) for one in single])
    weights = torch.linalg.lstsq(span.T, flat.unsqueeze(1)).solution.squeeze()
    assert torch.allclose(span.T @ weights, flat, atol=1e-4)
    assert bool((weights > 0).all())


def test_bf16_ranks_nearly_as_fp32_does():
    """Random rows on a random model, whose cosines differ by little: the hardest case."""
    rows = some_rows(60, seed=5)
    for direction in DIRECTIONS:
        exact = torch.tensor(cosines(rows, direction, 400)).flatten()
        rounded = torch.tensor(cosines(rows, direction, 400, reference=in_bf16(merged("llama")))).flatten()
        assert float((exact - rounded).abs().max()) < 0.02, direction
        ranks = torch.stack([exact.argsort().argsort(), rounded.argsort().argsort()]).float()
        assert float(torch.corrcoef(ranks)[0, 1]) > 0.997, direction


def test_in_bf16_company_moves_a_cosine_by_rounding_alone():
    """The tolerance that docs/influence.md states."""
    reference, rows = in_bf16(merged("llama")), some_rows(40, seed=6)
    tasks = task_gradients(reference, TARGETS, 200)
    for direction in DIRECTIONS:
        alone = torch.tensor(cosines(rows, direction, 1, tasks, reference))
        together = torch.tensor(cosines(rows, direction, 700, tasks, reference))
        assert float((alone - together).abs().max()) < 0.02, direction


ONE = AdamConstants(beta1=0.5, beta2=0.75, epsilon=1.0)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("adam", 2.5 / (math.sqrt(0.75 * 4 + 0.25 * 9) + 1)),
        ("adam_epsilon_inside", 2.5 / math.sqrt(0.75 * 4 + 0.25 * 9 + 1)),
        ("plain", 3.0),
    ],
)
def test_a_direction_is_what_its_formula_says(direction, expected):
    moments = Moments(torch.tensor([2.0]), torch.tensor([4.0]))
    gradient = torch.tensor([[3.0]])
    assert float(DIRECTIONS[direction](gradient, moments, ONE)) == pytest.approx(expected)
    assert float(gradient) == 3.0
    assert (float(moments.first_D), float(moments.second_D)) == (2.0, 4.0)
