import pytest

from jz3.tasks.gym import gym_items, holds_throughout
from jz3.tasks.item_formats import ItemText, Unfit

NAMES = ["chain_sum", "basic_arithmetic", "simple_equations", "gsm_symbolic"]


@pytest.mark.parametrize("name", NAMES)
def test_its_own_scorer_accepts_each_gold(name):
    import reasoning_gym

    items = list(gym_items(name, 60, 5, {}))
    good = [item for item in items if isinstance(item, ItemText)]
    assert len(good) == 60 == len({item.question for item in good})
    made = reasoning_gym.create_dataset(name, size=len(items), seed=5)
    for number, item in enumerate(items):
        if isinstance(item, ItemText):
            assert made.score_answer(item.gold, made[number]) == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_a_larger_size_keeps_the_first_items(name):
    few, many = list(gym_items(name, 10, 5, {})), list(gym_items(name, 20, 5, {}))
    assert many[: len(few)] == few


def test_the_settings_of_the_parameters_reach_the_data_set():
    config = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}
    for item in gym_items("chain_sum", 20, 1, config):
        if isinstance(item, ItemText):
            assert len(item.question.partition(": ")[2].split()) == 4


def test_items_with_a_wrong_step_are_unfit():
    items = list(gym_items("gsm_symbolic", 100, 1, {}))
    rules = [item.rule for item in items if isinstance(item, Unfit)]
    assert "wrong_step" in rules
    assert len(rules) < len(items) / 3


@pytest.mark.parametrize(
    ("worked", "holds"),
    [
        ("2 * 3 = 6", True),
        ("2 * 3 = 7", False),
        ("She pays 6 x $0.6 = $3.6 in all.", True),
        ("She pays 6 x $0.6 = $3 in all.", False),
        ("30% of them: 160 * 30% = 48", True),
        ("so 1,200 / 7 = 171.43", False),
        ("0.1 + 0.2 = 0.3", True),
        ("1. First: 35 × 3 = 105 kiwi\n- 4 + 5 = 9", True),
        ("a - 35 = 12 says nothing", True),
        ("3 + 4 = 7 = 8", False),
        ("(3 + 4) * 2 = 14", True),
        ("nothing to work out", True),
    ],
)
def test_equations_between_numbers_are_worked_out_again(worked, holds):
    assert holds_throughout(worked) == holds
