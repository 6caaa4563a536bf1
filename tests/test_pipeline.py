"""dvc.yaml, stages/, params.yaml and jz3/ say the same thing."""

import ast
import importlib
import re
import shlex
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo

from jz3.core.artifacts import In, InDir, InFiles, Metrics, Out, OutDir, OutText, Plot
from jz3.core.budget import Budget
from jz3.core.execution import load_execution
from jz3.core.fan_in import InDirs, InMetrics, InPlots, InTables
from jz3.core.graph_file import read_graph
from jz3.core.params import load_params
from jz3.core.placing import is_within
from jz3.core.stage import Signature
from jz3.graph.code import CODE_STAGE, LISTS, Code
from jz3.graph.deps import differences, wrong_lists
from jz3.graph.profile import profile_difference, write_profile
from jz3.selection.choose import ChooseParams
from jz3.selection.value import ValueParams
from jz3.teacher.balance import BalanceParams
from jz3.teacher.skills import SkillsParams
from jz3.teacher.solve import SolveParams
from jz3.teacher.taught import AugmentParams

ROOT = Path(__file__).parent.parent
READ = (In, InDir, InDirs, InFiles, InMetrics, InPlots, InTables)


def stages_under(profile):
    """The stages of dvc.yaml as they are with a profile in use."""
    with TemporaryDirectory() as folder:
        shutil.copy(ROOT / "dvc.yaml", folder)
        shutil.copytree(ROOT / "profiles", Path(folder) / "profiles")
        write_profile(Path(folder), profile)
        return list(Repo(folder, uninitialized=True).index.stages)


GRAPHS = {path.stem: path.read_text() for path in sorted((ROOT / "profiles" / "graphs").glob("*.yaml"))}
# Profiles with the same graph have the same stages.
UNDER = {text: stages_under(name) for name, text in GRAPHS.items()}
STAGES = list({stage.cmd: stage for stages in UNDER.values() for stage in stages}.values())
every_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
every_profile = pytest.mark.parametrize(
    "profile", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda p: p.stem
)


def base_name(stage):
    return stage.name.partition("@")[0]


def module(stage):
    return f"stages.{base_name(stage)}"


def signature(stage):
    return Signature.of(importlib.import_module(module(stage)).main)


@cache
def words_of(command):
    """Tests that look at every stage many times split each command once."""
    return shlex.split(command)


def flags(stage):
    """The flags that a stage's command passes, each with its values."""
    words = words_of(stage.cmd)
    assert words[:3] == ["python", "-m", module(stage)], "cmd is always `python -m stages.X`"
    passed = {}
    for word in words[3:]:
        if word.startswith("--"):
            name = word.removeprefix("--").replace("-", "_")
            assert name not in passed
            passed[name] = []
        else:
            passed[name].append(word)
    return passed


def given(stage, *kinds):
    """The paths that a stage's command passes for artifacts of these kinds."""
    declared, passed = signature(stage), flags(stage)
    return {
        path
        for name in declared.artifacts
        if isinstance(declared.handle(name, [Path()]), kinds)
        for path in passed[name]
    }


def watched(stage):
    return {dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)}


def section_of(stage):
    return flags(stage).get("params", [base_name(stage)])[0]


every_section_of_every_profile = pytest.mark.parametrize(
    ("profile", "stage"),
    [
        pytest.param(ROOT / "profiles" / f"{name}.yaml", stage, id=f"{name}-{stage.name}")
        for name, text in GRAPHS.items()
        for stage in {(base_name(stage), section_of(stage)): stage for stage in UNDER[text]}.values()
    ],
)
every_kind_of_stage = pytest.mark.parametrize(
    "stage", {base_name(stage): stage for stage in STAGES}.values(), ids=base_name
)


def test_each_stage_has_a_file_a_module_and_a_test_of_its_name():
    assert set(GRAPHS) == {path.stem for path in (ROOT / "profiles").glob("*.yaml")}
    names = {base_name(stage) for stage in STAGES}
    assert names == {path.stem for path in (ROOT / "stages").glob("[!_]*.py")}
    for name in names:
        modules = [path for path in (ROOT / "jz3").glob(f"*/{name}.py") if path.parent.name != "tables"]
        assert len(modules) == 1, name
        assert len(list((ROOT / "tests").glob(f"*/test_{name}.py"))) == 1, name


@every_stage
def test_the_command_passes_what_the_signature_declares(stage):
    declared = signature(stage)
    assert set(flags(stage)) - {"params"} == {*declared.artifacts, *declared.numbers}


@every_stage
def test_dvc_knows_every_path_that_a_stage_reads_and_leaves(stage):
    data = {path for path in watched(stage) if not path.startswith(f"{LISTS}/")}
    assert given(stage, *READ) - {"dvc.yaml"} == data  # DVC itself refuses
    assert given(stage, Out, OutDir, OutText) == {
        out.def_path for out in stage.outs if not out.metric and not out.plot
    }
    assert given(stage, Metrics) == {out.def_path for out in stage.outs if out.metric}
    assert given(stage, Plot) == {out.def_path for out in stage.outs if out.plot}


@every_stage
def test_no_output_lies_at_over_or_under_another_path_of_its_stage(stage):
    outs = sorted(given(stage, Out, OutDir, OutText, Metrics, Plot))
    read = given(stage, In, InDir, InDirs, InFiles, InMetrics, InPlots, InTables)
    assert sum(len(flags(stage)[name]) for name in signature(stage).artifacts) == len(outs) + len(read)
    for out in outs:
        others = {*read, *outs} - {out}
        assert not [other for other in others if is_within(ROOT / out, ROOT / other)]
        assert not [other for other in others if is_within(ROOT / other, ROOT / out)]


@every_stage
def test_dvc_watches_the_section_of_the_stage_and_no_other(stage):
    names = [name for dep in stage.deps if isinstance(dep, ParamsDependency) for name in dep.params]
    declared = signature(stage)
    assert names == [*([section_of(stage)] if declared.params else []), *declared.sections]


@every_section_of_every_profile
def test_every_profile_fits_every_stage(stage, profile):
    declared = signature(stage)
    if declared.params:
        load_params(declared.params, section_of(stage), profile)


@every_profile
def test_every_profile_says_how_to_run_and_nothing_that_no_stage_reads(profile):
    losses = load_execution(profile.parent / "execution" / profile.name).losses
    stages = UNDER[GRAPHS[profile.stem]]
    known = {base_name(stage) for stage in stages}
    assert {*losses.stages, *(rule.partition(".")[0] for rule in losses.chosen)} <= known
    sections = {section_of(stage) for stage in stages if signature(stage).params}
    document = yaml.safe_load(profile.read_text())
    parked = (
        ("augment", AugmentParams),
        ("solve", SolveParams),
        ("balance", BalanceParams),
        ("skills", SkillsParams),
        ("value", ValueParams),
        ("choose", ChooseParams),
    )
    for group, kind in parked:
        unlisted = {f"{group}.{name}" for name in document.get(group, {})} - sections
        for section in unlisted:  # a profile may declare recipes and solvers that its graph does not list
            load_params(kind, section, profile)
        sections |= unlisted
    assert load_params(Budget, "budget", profile)
    assert set(document) == {"budget", *(section.partition(".")[0] for section in sections)}
    for section in sorted(section for section in sections if "." in section):
        group = section.partition(".")[0]
        known = {other.partition(".")[2] for other in sections if other.startswith(f"{group}.")}
        assert set(document[group]) == known, f"{group} of {profile.stem}"


@pytest.mark.parametrize(
    ("params", "graph"),
    [(ROOT / "profiles" / f"{name}.yaml", ROOT / "profiles/graphs" / f"{name}.yaml") for name in GRAPHS],
    ids=lambda path: path.stem,
)
def test_each_source_has_its_quota_and_its_levels(params, graph):
    sources = set(yaml.safe_load(graph.read_text())["sources"])
    document = yaml.safe_load(params.read_text())
    assert set(document["sample"]["quotas"]) == sources
    assert set(document["compose"]["levels_per_passage"]) == sources


def test_the_embedded_profile_is_in_use():
    assert profile_difference(ROOT, "embedded") == ""


def test_what_a_stage_reads_of_every_source_recipe_and_model_is_listed():
    assert wrong_lists(ROOT) == [], "run `jz3 deps --fix`"


def test_nothing_but_the_tables_reads_the_grades_of_test_benchmarks():
    """Otherwise a figure used for choices could include some of theirs."""
    readers = {
        (stage.base, path.partition("/")[2].partition("/")[0])
        for stage in read_graph(ROOT).stages
        for path in (word for flag in stage.flags.values() for word in flag)
        if path.startswith(("data/test_grades", "data/tables/test"))
    }
    assert readers == {("grade", "test_grades"), ("tabulate", "test_grades"), ("tabulate", "tables")}


def test_every_stage_depends_on_the_list_of_its_code_and_that_on_all_code():
    assert differences(ROOT) == {}, "run `jz3 deps --fix`"
    for stage in STAGES:
        named = {f"{LISTS}/{base_name(stage)}.txt"} if base_name(stage) != CODE_STAGE else set()
        assert {path for path in watched(stage) if path.startswith(f"{LISTS}/")} == named
    (code,) = (stage for stage in STAGES if base_name(stage) == CODE_STAGE)
    assert watched(code) == {"jz3", "stages"}
    assert {"jz3/corpus/sample.py", "jz3/tables/passage.py"} <= set(Code(ROOT).closure("sample"))


@every_kind_of_stage
def test_a_stage_reads_calls_and_writes_and_no_more(stage):
    tree = ast.parse((ROOT / f"{module(stage).replace('.', '/')}.py").read_text())
    logic = (ast.For, ast.While, ast.comprehension, ast.ClassDef, ast.Lambda, ast.Try, ast.If)
    main = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in main] == ["main"]
    assert not [node for node in ast.walk(main[0]) if isinstance(node, logic)]
    assert {node.module.partition(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)} == {
        "jz3"
    }
    assert not [node for node in tree.body if isinstance(node, ast.Import)]


LONGEST = {"jz3": 400, "stages": 400, "benchmarks": 400, "tests": 500}
LISTS_OF_CASES = {"tests/answers/make_cases.py", "tests/sandbox/attacks.py"}


@pytest.mark.parametrize("folder", LONGEST)
def test_no_file_is_longer_than_a_reader_keeps_in_mind(folder):
    files = {file.relative_to(ROOT).as_posix(): file for file in (ROOT / folder).rglob("*.py")}
    lines = {name: len(file.read_text().splitlines()) for name, file in files.items()}
    assert {name for name, count in lines.items() if count > LONGEST[folder]} <= LISTS_OF_CASES


def names_in(file):
    """The names that a module uses, and its texts except docstrings."""
    tree = ast.parse(file.read_text())
    said = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value.lower()
        yield from (str(getattr(node, name)) for name in ("arg", "id", "attr") if hasattr(node, name))


@pytest.mark.parametrize("folder", ["stages", "jz3/graph", "jz3/cli", "jz3/curation", "jz3/report"])
def test_the_trunk_knows_no_recipe_and_no_model(folder):
    graphs = [yaml.safe_load(text) for text in GRAPHS.values()]
    # Seed problems are an output of `tasks`, which names them.
    kinds = ("recipes", "sets", "models")
    names = {name for graph in graphs for kind in kinds for name in graph[kind]} - {"seed_problems"}
    assert names >= {"jiuzhang", "instruct_only"}
    for file in (ROOT / folder).rglob("*.py"):
        found = [said for said in names_in(file) for name in names if re.search(rf"\b{name}\b", said)]
        help_texts = [said for said in found if "such as" in said or "example:" in said]
        assert found == help_texts, file


@pytest.mark.parametrize("file", sorted((ROOT / "jz3").rglob("__init__.py")), ids=str)
def test_packages_are_empty(file):
    """Whatever an `__init__` imports would be loaded by every stage that needs anything from the package."""
    if file == ROOT / "jz3/__init__.py":  # the public names, each imported when it is asked for
        imports = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ImportFrom)]
        assert [node.module for node in imports] == ["typing"]
    else:
        assert file.read_text() == ""
