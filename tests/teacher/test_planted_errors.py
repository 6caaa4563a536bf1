"""Filters against planted errors: among answers compared with gold, execution or a label, those with another
final answer are found, and right ones are not rejected; kept rows are right according to independent readers.
Answers that are compared with nothing are judged by their form, or by votes.

benchmarks/recipes.py counts the same on more seeds, rule by rule.
"""

import pytest

from benchmarks.erring import draws, writing
from benchmarks.erring.accounts import account
from benchmarks.erring.runs import RECIPES, beginnings_of, params_of, run, seeds_of
from benchmarks.erring.truth import harm_of
from jz3.writer.server import ERRING_MODEL

LEAST_RECALL, LEAST_PRECISION, MOST_WRONG = 0.95, 0.99, 0.01
"""The thresholds of the issue on recipes."""
MADE_UP = ("synthllm", "synthllm_by_votes")
"""Recipes without a gold answer."""


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name not in MADE_UP])
def test_planted_errors_are_found_and_right_answers_are_kept(recipe, store):
    done = run(seeds_of(1, every=6), params_of(recipe, ERRING_MODEL))
    found = account(done)
    assert found.answers.harmful >= 5
    assert found.answers.recall >= LEAST_RECALL
    assert found.answers.precision >= LEAST_PRECISION
    assert found.texts.recall >= LEAST_RECALL
    assert found.kept > 10
    assert found.wrong < MOST_WRONG * found.kept
    harms = {harm_of(one) for one in done.answered.values()}
    assert {"answer", "none"} <= harms


@pytest.mark.parametrize("recipe", MADE_UP)
def test_of_made_up_questions_form_is_read_and_votes_find_wrong_answers(recipe, store):
    params = params_of(recipe, ERRING_MODEL)
    done = run(beginnings_of(params, 1, every=4), params)
    found = account(done)
    assert found.texts.harmful >= 5
    assert found.texts.recall >= LEAST_RECALL
    assert found.texts.precision >= LEAST_PRECISION
    fates = found.by_kind["slip"] + found.by_kind["wrong_operation"]
    if recipe == "synthllm":
        assert found.wrong == fates["kept"] > 0, "nothing confirms an answer"
        assert found.answers.precision == 1
    else:
        assert found.answers.recall >= LEAST_RECALL
        assert found.wrong <= MOST_WRONG * found.kept
        assert fates["at once"] > 0
        assert found.by_rule["no_agreement"]["none"] > 0, "a right answer that stands alone is lost"
    assert found.by_kind["no_box"]["at once"] > 0


def test_solutions_by_difficulty_are_held_against_gold(store):
    """DART-Math: what a solver draws, and `balance` keeps."""
    found = writing.solutions(seeds_of(1))
    assert found.harmful >= 20
    assert found.recall >= LEAST_RECALL
    assert found.precision >= LEAST_PRECISION
    assert found.wrong == 0
    assert found.kept > 100


def test_draws_that_must_agree_find_most_maskings_with_a_second_value():
    """Where nothing computes: of two values that fit, four of five draws are the masked one now and then; and
    of unique maskings those are lost whose draws err too often.
    """
    found = draws.decided(seeds_of(1))
    assert found.with_another >= 15
    assert found.recall >= 0.8
    assert 0 < found.lost <= 0.15 * found.unique


def test_of_skills_only_an_answer_without_a_list_is_seen():
    found = writing.skills(seeds_of(4))
    assert found.asked == found.kept + sum(rules.total() for rules in found.by_rule.values())
    assert set(found.by_rule) == {"no_skill", "truncated"}
    assert all(set(rules) == {"planted"} for rules in found.by_rule.values())
    assert found.by_kind["early_end"]["kept"] == found.wrong > 0
