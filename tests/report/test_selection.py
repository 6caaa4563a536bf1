"""The selection's section: shares, values, agreement, and the texts at both ends in order."""

import re

import polars as pl

from jz3.core.fan_in import InTables
from jz3.report.selection import binned, find_extremes, selection_section, values_of
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.ranked_prompt import RankedPrompt
from jz3.tables.value import Value
from tests.report.builders import passage, problem, prompt, ranked, selected, table, valued

PROBLEMS = [problem(number, text=f"Problem number {number}") for number in range(25)]


def ranking(values):
    rows = [
        ranked(row, value, place, None if place <= 6 else "select.lower_value")
        for place, (row, value) in enumerate(zip(PROBLEMS, values, strict=False), start=1)
    ]
    return pl.DataFrame(rows, schema=RankedPrompt.create_empty().schema)


def shown(root, values, **changes):
    ranked_prompts = ranking(values)
    of_problems = [valued(row, value) for row, value in zip(PROBLEMS, values, strict=False)]
    extremes = find_extremes(
        ranked_prompts,
        table(Problem, PROBLEMS, root / "problems.parquet"),
        table(Prompt, [prompt(row) for row in PROBLEMS], root / "prompts.parquet"),
        table(Passage, [passage(row) for row in PROBLEMS], root / "passages.parquet"),
        table(Value, of_problems, root / "influence.parquet"),
    )
    return selection_section(selected(**changes), ranked_prompts, extremes)


def numbers(html):
    return [int(number) for number in re.findall(r"Problem number (\d+)", html)]


def test_the_ten_best_and_the_ten_worst_texts_stand_with_their_problems(tmp_path):
    page = shown(tmp_path, [1 - number / 25 for number in range(25)])
    best, worst = page.split("Texts of lowest value")
    assert numbers(best) == list(range(10))
    assert numbers(worst) == list(range(24, 14, -1))
    assert best.count("Passage of q") == 10
    assert "Score 1 on algebra, rank 1 of 25" in best


def test_shares_of_the_chosen_stand_beside_those_of_the_pool(tmp_path):
    page = shown(tmp_path, [0.5, 0.25])
    lines = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line) for line in re.findall(r"<tr>.*?</tr>", page)]
    assert ["level", "grade", "8", "66.7%", "6", "100.0%", "1.50"] in lines
    assert ["level", "aime", "4", "33.3%", "0", "0.0%", "0.00"] in lines
    assert ["tokens of the solution", "4-5", "12", "100.0%", "6", "100.0%", "1.00"] in lines


def test_checkpoints_are_compared_pair_by_pair_and_with_the_choice(tmp_path):
    page = shown(tmp_path, [0.5, 0.25])
    assert "checkpoints 1 and 2" in page
    assert "0.625" in page
    assert "87.5%" in page


def test_bars_count_the_pool_and_the_chosen(tmp_path):
    edges, pool, chosen = binned(ranking([0.0] * 3 + [1.0] * 5))
    assert (edges[0], edges[-1]) == (0.0, 1.0)
    assert (pool[0], pool[-1], sum(pool)) == (3, 5, 8)
    assert (chosen[0], chosen[-1], sum(chosen)) == (3, 3, 6)
    page = shown(tmp_path, [0.0] * 3 + [1.0] * 5)
    assert ">prompts</text>" in page
    assert ">chosen</text>" in page


def test_a_pool_without_values_is_said_to_be_one(tmp_path):
    page = shown(tmp_path, [], pool={}, selected={}, pool_value={}, selected_value={}, best_task={})
    assert "0 of 0 candidate prompts with a value by influence were chosen" in page
    assert "No prompt has a value." in page


def test_a_kind_of_prompt_of_which_nothing_was_chosen_has_no_share_of_it(tmp_path):
    page = shown(tmp_path, [0.5, 0.25], selected={})
    lines = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line) for line in re.findall(r"<tr>.*?</tr>", page)]
    assert ["source", "web", "12", "100.0%", "0", "0.0%", "0.00"] in lines


def test_each_selection_shows_the_values_of_the_method_that_it_used(tmp_path):
    paths = (tmp_path / "influence.parquet", tmp_path / "rds.parquet")
    for path, method in zip(paths, ("influence", "rds"), strict=True):
        table(Value, [valued(PROBLEMS[0], 0.5) | {"method": method}], path)
    measured = {"mix/a": {}} | {
        f"select/{name}": {"method": method}
        for name, method in {"a": "rds", "b": "influence", "c": None}.items()
    }
    found = values_of(InTables(Value, paths), measured)
    assert {name: values.path for name, values in found.items()} == {
        "a": paths[1],
        "b": paths[0],
        "c": paths[0],
    }
