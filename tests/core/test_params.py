"""Every number of params.yaml has its bounds: a wrong one gives an error line, not a different run."""

import importlib
import pkgutil
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

import jz3
from jz3.core.execution import Execution, load_execution
from jz3.core.params import Params, ParamsError, Seed, Share, load_params
from jz3.corpus.sample import SampleParams
from jz3.curation.filter import FilterParams

ROOT = Path(__file__).parents[2]
EMBEDDED = ROOT / "profiles" / "embedded.yaml"


def models(base):
    for model in base.__subclasses__():
        yield model
        yield from models(model)


def modules_with_params():
    for module in pkgutil.walk_packages(jz3.__path__, "jz3."):
        path = ROOT / (module.name.replace(".", "/") + ".py")
        if path.is_file() and "(Params)" in path.read_text():
            yield module.name


def numbers(schema, at=""):
    """Each number in a JSON schema, with its path."""
    if isinstance(schema, dict):
        if schema.get("type") in ("integer", "number") and "enum" not in schema:
            yield at, schema
        for name, inner in schema.items():
            yield from numbers(inner, f"{at}/{name}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from numbers(inner, at)


def test_each_number_of_each_section_has_a_least_value():
    for name in modules_with_params():
        importlib.import_module(name)
    ours = {model for model in models(Params) if model.__module__.startswith("jz3.")}
    assert len(ours) > 30, "the walk found them"
    found = [
        (model.__name__, place, number)
        for model in (*ours, Execution)
        for place, number in numbers(model.model_json_schema())
    ]
    assert len(found) > 100
    unbounded = [
        f"{model}{place}"
        for model, place, number in found
        if number.keys().isdisjoint({"minimum", "exclusiveMinimum"})
    ]
    assert not unbounded


@pytest.mark.parametrize(
    ("section", "model", "path", "value", "said"),
    [
        ("sample", SampleParams, ["quotas", "web", "initial"], -5, "greater than or equal to 0"),
        ("sample", SampleParams, ["seed"], -1, "greater than or equal to 0"),
        ("filter.default", FilterParams, ["problem_words", "least"], 500, "least 500 is above most 400"),
        ("filter.default", FilterParams, ["copied_passage", "most"], 1.5, "less than or equal to 1"),
        (
            "filter.default",
            FilterParams,
            ["repetition", "most_frequent", 0],
            0.4,
            "greater than or equal to 1",
        ),
    ],
)
def test_a_number_out_of_its_bounds_is_one_line_that_names_it(tmp_path, section, model, path, value, said):
    document = yaml.safe_load(EMBEDDED.read_text())
    level = document
    for name in [*section.split("."), *path[:-1]]:
        level = level[name]
    level[path[-1]] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(ParamsError, match=said) as caught:
        load_params(model, section, tmp_path / "params.yaml")
    assert ".".join([section, *map(str, path[:-1])]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_execution_file_of_before_is_refused_in_a_line_with_where_the_new_ones_stand(tmp_path):
    document = yaml.safe_load((ROOT / "profiles/execution/embedded.yaml").read_text())
    del document["trackers"]
    (tmp_path / "execution.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(ParamsError) as caught:
        load_execution(tmp_path / "execution.yaml")
    assert "trackers: Field required. Fix these lines; docs/parameters.md says what" in str(caught.value)
    assert "profiles/ have lines to copy" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["losses", "usual", "warn"], 0.9, "warn 0.9 is above stop 0.5"),
        (["timeout_s"], float("inf"), "finite number"),
        (["timeout_s"], float("nan"), "finite number"),
        (["wrokers"], 2, "Extra inputs"),
        (["trackers"], ["mlflow"], "Input should be 'dvclive', 'trackio' or 'wandb'"),
    ],
)
def test_so_is_one_of_execution(tmp_path, path, value, said):
    document = level = yaml.safe_load((ROOT / "profiles/execution/embedded.yaml").read_text())
    for name in path[:-1]:
        level = level[name]
    level[path[-1]] = value
    (tmp_path / "execution.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(ParamsError, match=said) as caught:
        load_execution(tmp_path / "execution.yaml")
    assert "execution.yaml does not fit Execution: " + ".".join(path[:-1] or path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [(Seed, [0, 2**32 - 1], [-1, 2**32]), (Share, [1e-9, 0.5, 1], [-0.5, 0, 1.000001])],
)
def test_seeds_are_what_every_library_takes_and_shares_are_parts_of_a_whole(kind, inside, outside):
    bounded = TypeAdapter(kind)
    assert [bounded.validate_python(value) for value in inside] == inside
    for value in outside:
        with pytest.raises(ValidationError):
            bounded.validate_python(value)
