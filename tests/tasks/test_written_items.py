"""Questions asked backward, and two joined: with numbers that no training text has, each with one answer."""

from fractions import Fraction
from pathlib import Path

import pytest

from jz3.core.artifacts import InFiles
from jz3.tables.item import JOINED
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.raw import DataError
from jz3.text.problem_text import last_boxed
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.family import Values, latex
from jz3.writer.joined import backward, maskable
from jz3.writer.splits import distinct_draws, part_of
from jz3.writer.tasks.unknown import read_backward, solution_of

FAMILY = {family.name: family for family in FAMILIES}
EVERY = {"per_family": 2, "seed": 5}
SOURCES = [
    {"name": "forward", "reader": "writer", "apart_from": [], **EVERY},
    {"name": "backward", "reader": "writer_backward", "apart_from": ["forward"], **EVERY},
    {"name": "composed", "reader": "writer_composed", "apart_from": ["forward", "backward"], **EVERY},
]


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    raw = InFiles(Path(tmp_path_factory.mktemp("raw")))
    return collect_items(raw, BenchmarksParams.model_validate({"sources": SOURCES}))


@pytest.fixture(scope="module")
def items(collected):
    return {
        name: list(collected[0].filter(benchmark=name).iter_rows(named=True))
        for name in ("forward", "backward", "composed")
    }


def numbers(family, values):
    return (family.name, *(value for _, value in sorted(values.drawn.items()) if isinstance(value, int)))


def backward_draws(item):
    asked = read_backward(item["question"])
    return asked.family, asked.with_value(int(item["gold"]))


def test_of_the_range_of_the_masked_number_the_gold_alone_gives_the_answer(items):
    assert len(items["backward"]) > 80
    for item in items["backward"]:
        asked = read_backward(item["question"])
        assert asked is not None, item["question"]
        assert asked.fitting == [int(item["gold"])]
        assert (asked.family.name, asked.family.level) == (item["subject"], item["level"])


def test_the_writer_solves_what_is_asked_backward(items):
    for item in items["backward"]:
        assert last_boxed(solution_of(item["question"], "key")) == item["gold"]


def test_every_number_is_of_the_part_of_benchmarks_and_of_one_benchmark_alone(items):
    readings = [read(item["question"]) for item in items["forward"]]
    drawn = {"forward": {numbers(found.family, found.values) for found in readings}}
    for item in items["backward"]:
        family, values = backward_draws(item)
        assert part_of(family, values) == "benchmark"
        drawn.setdefault("backward", set()).add(numbers(family, values))
    for item in items["composed"]:
        for family, values in composed_draws(item):
            assert part_of(family, values) == "benchmark"
            drawn.setdefault("composed", set()).add(numbers(family, values))
    names = list(drawn)
    assert not any(drawn[one] & drawn[other] for one in names for other in names if one != other)


def composed_draws(item):
    """Both problems of an item, read from its text with the first answer inserted into the second."""
    first, _, rest = item["question"].partition(" Call the answer ")
    letter, second = rest[0], rest[3:]
    one = read(first)
    answer = latex(one.answer)
    other = read(f" {second} ".replace(f" {letter} ", f" {answer} ").strip())
    if other is None:  # the letter is before a comma or a full stop
        words = [answer + word[1:] if word.rstrip(".,?") == letter else word for word in second.split(" ")]
        other = read(" ".join(words))
    return [(one.family, one.values), (other.family, other.values)]


def test_two_joined_problems_are_one_whose_second_has_the_answer_of_the_first(items):
    assert len(items["composed"]) > 80
    for item in items["composed"]:
        (first, _), (second, values) = composed_draws(item)
        assert item["subject"] == f"{first.name}{JOINED}{second.name}"
        assert item["gold"] == latex(second.solve(values)["answer"])
        assert item["level"] == second.level
    firsts = {item["subject"].partition(JOINED)[0] for item in items["composed"]}
    assert len(firsts) > 20, "many families are the first"


def test_what_no_draw_gives_is_a_row_of_a_rule_and_the_account_adds_up(collected):
    _, metrics, rejects = collected
    assert set(metrics.rows.rejected) <= {"benchmarks.not_unique", "benchmarks.not_joined"}
    assert metrics.rows.read == metrics.rows.kept + rejects.height
    assert any("amc8.units" in text for text in rejects["evidence"]), "its last digit has many values"


def test_more_items_of_a_family_keep_those_there_were(collected, tmp_path):
    more = [source | {"per_family": 1} for source in SOURCES[:2]]
    few = collect_items(InFiles(tmp_path), BenchmarksParams.model_validate({"sources": more}))[0]
    kept = {row["item_id"]: row["question"] for row in collected[0].iter_rows(named=True)}
    forward = few.filter(benchmark="forward")
    assert all(kept[row["item_id"]] == row["question"] for row in forward.iter_rows(named=True))
    assert set(few["item_id"]) <= kept.keys()


def test_a_number_of_a_formula_is_not_masked():
    equation = FAMILY["middle.equation"]
    assert [maskable(equation, wording) for wording in equation.wordings] == [[], [], []]
    change = FAMILY["grade.change"]
    assert all(set(maskable(change, wording)) == {"a", "b", "c"} for wording in change.wordings)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_backward_question_shows_neither_the_masked_number_nor_two_letters(family):
    for number, values in enumerate(distinct_draws(family, "teacher", 3, "backward")):
        asked = backward(family, values, str(number))
        if asked is None:
            continue
        found = read_backward(asked.question)
        shown = Values({**found.values.drawn, found.field: int(asked.gold)})
        assert shown.drawn.items() <= values.drawn.items()
        assert Fraction(asked.gold) == values.drawn[found.field]


@pytest.mark.parametrize("reader", ["writer_backward", "writer_composed"])
def test_a_benchmark_can_only_be_apart_from_one_before_it(reader, tmp_path):
    source = {"name": "b", "reader": reader, "apart_from": ["held_out"], **EVERY}
    with pytest.raises(DataError, match="'b' is to be apart from held_out"):
        collect_items(InFiles(tmp_path), BenchmarksParams.model_validate({"sources": [source]}))
