"""An addition to the graph touches the files that CONTRIBUTING.md lists and no others; the contract holds.

Each test adds something to a scratch copy of the embedded profile and writes the profile.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from jz3.core.artifacts import In, InFiles, Out
from jz3.core.graph_file import GraphError, read_graph
from jz3.core.params import load_params
from jz3.corpus.compose import ComposeParams
from jz3.corpus.ingest import IngestParams
from jz3.corpus.templates import read_templates
from jz3.evaluation.answer import AnswerParams
from jz3.graph.deps import wrong_lists
from jz3.graph.profile import IN_USE, write_profile
from jz3.tables.lineage import Lineage
from jz3.tables.problem import Problem
from jz3.tables.seed_problem import SeedProblem
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.tasks import TasksParams, gather
from jz3.writer.catalogue import FAMILIES
from tests.conftest import ROOT
from tests.teacher.builders import seed_problems, seed_row

LISTED = ("dvc.yaml", *IN_USE, "profiles", "data/raw", "data/prompts")
SET = (
    "  jiuzhang: {recipe: jiuzhang, lineage: data/raw/none/lineage.parquet, "
    "thoughts: data/raw/none/thoughts.parquet}\n"
)
NO_RATES = "data/raw/none/pass_rates.parquet"
GRAPH, PARAMS = "profiles/graphs/embedded.yaml", "profiles/embedded.yaml"
JIUZHANG = "  jiuzhang: {set: jiuzhang, recipe: jiuzhang, seed: 0}\n"
CORPUS = "  corpus: {prompts: corpus, model: boosted, problems: jiuzhang}\n"


@pytest.fixture
def copy(tmp_path):
    for name in LISTED:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    return tmp_path


def add(root, file, after, text):
    """Insert text after the one occurrence of `after` in a file."""
    before = (root / file).read_text()
    assert before.count(after) == 1, (file, after)
    (root / file).write_text(before.replace(after, after + text))


def change(root, file, edit):
    """Change the values of a parameter file, whatever its layout."""
    yaml = YAML()
    document = yaml.load((root / file).read_bytes())
    edit(document)
    with (root / file).open("w") as out:
        yaml.dump(document, out)


def documented(addition, **names):
    """The files of a row of the table in CONTRIBUTING.md, by hand and written, with the names filled in."""
    row = next(
        line
        for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines()
        if line.startswith(f"| {addition} |")
    )
    files = re.findall(r"`([^`]*/[^`]*|[a-z]+\.yaml)`", row)
    for name, value in {"PROFILE": "embedded", **names}.items():
        files = [file.replace(name, value) for file in files]
    return set(files)


def changed(root, listed=LISTED):
    """Files under `root` that have changed."""
    files = [file for name in listed for file in [root / name, *(root / name).rglob("*")] if file.is_file()]
    relative = {file.relative_to(root).as_posix(): file for file in files}
    return {
        name
        for name, file in relative.items()
        if not (ROOT / name).is_file() or (ROOT / name).read_bytes() != file.read_bytes()
    }


def holds(root):
    """Check the contract on every stage of the copy's graph; returns their names."""
    from tests import test_pipeline as contract  # six seconds, which no collection should take

    write_profile(root, "embedded")
    assert wrong_lists(root) == []
    stages = list(Repo(str(root), uninitialized=True).index.stages)
    sections = set()
    for stage in stages:
        contract.test_the_command_passes_what_the_signature_declares(stage)
        contract.test_dvc_knows_every_path_that_a_stage_reads_and_leaves(stage)
        contract.test_dvc_watches_the_section_of_the_stage_and_no_other(stage)
        declared = contract.signature(stage)
        if declared.params:
            sections.add((declared.params, contract.section_of(stage)))
    for kind, section in sections:  # of several stages, a section is read once
        load_params(kind, section, root / "params.yaml")
    contract.test_each_source_has_its_quota_and_its_levels(root / "params.yaml", root / "graph.yaml")
    return {stage.name for stage in stages}


MIX = {
    "seed": 17,
    "synthetic": {
        "rows": 10,
        "kinds": {},
        "sources": {},
        "levels": {},
        "of_a_passage": None,
        "of_a_seed": None,
    },
    "shown_output_characters": 400,
    "learn_output": True,
    "thoughts": "left_out",
}


def test_a_model(copy):
    add(copy, GRAPH, SET, SET.replace("jiuzhang:", "few:"))
    add(copy, GRAPH, JIUZHANG, "  few: {set: few, recipe: jiuzhang, seed: 0}\n")
    change(copy, PARAMS, lambda document: document["mix"].update(few=MIX))
    assert {f"{stage}@few" for stage in ("mix", "pack", "pretrain", "answer", "grade")} < holds(copy)
    graph = read_graph(copy)
    assert "data/grades/few.parquet" in graph.stage("tabulate").flags["grades"]
    assert "data/mix/few" in graph.stage("card").flags["training"]
    assert "data/plots/pretrain/few.csv" in graph.stage("report").flags["curves"]
    assert "data/live/pretrain/few/plots/metrics/loss.tsv: loss" in (copy / "dvc.yaml").read_text()
    assert changed(copy) == documented("a training set")


def test_a_training_seed_is_one_training_more(copy):
    before = {stage.name: stage for stage in read_graph(copy).stages}
    add(copy, GRAPH, JIUZHANG, "  jiuzhang_1: {set: jiuzhang, recipe: jiuzhang, seed: 1}\n")
    names = holds(copy)
    assert names - set(before) == {f"{stage}@jiuzhang_1" for stage in ("pretrain", "answer", "grade")}
    after = read_graph(copy)
    assert {name for name in before if after.stage(name) != before[name]} == {"tabulate", "report"}
    assert after.path("pretrain@jiuzhang_1", "seed") == "1"
    assert changed(copy) == documented("a training seed")


def test_a_selection_with_all_that_is_written_from_it(copy):
    values = "data/values/influence.parquet"
    add(copy, GRAPH, f"  boosted: {{values: {values}}}\n", f"  drawn: {{values: {values}}}\n")
    add(copy, GRAPH, "synthesis_models: [initial, boosted", ", drawn")
    add(
        copy,
        GRAPH,
        "\nkd_sets:\n",
        "  drawn: {prompts: drawn, first: initial, share: 0.5, problems: data/kd/drawn.parquet}\n",
    )
    add(copy, GRAPH, CORPUS, "  drawn: {prompts: corpus, model: drawn, problems: drawn}\n")

    def add_selection(document):
        document["select"]["drawn"] = document["select"]["boosted"] | {"by": "random"}
        document["finetune"]["drawn"] = dict(document["finetune"]["boosted"])

    change(copy, PARAMS, add_selection)
    new = {f"{stage}@drawn" for stage in ("select", "distill", "finetune", "synthesize", "parse")}
    assert new < holds(copy)
    graph = read_graph(copy)
    assert graph.path("parse@drawn", "problems") == "data/problems/drawn"
    assert "data/influence/ranking/drawn.parquet" in graph.stage("report").flags["rankings"]
    assert changed(copy) == documented("a selection")


def test_a_model_whose_certificate_is_of_another_recipe_is_refused(copy):
    """Otherwise its hits would be sought among rows that it was not trained on."""
    add(copy, GRAPH, JIUZHANG, "  few: {set: jiuzhang, recipe: instruction, seed: 0}\n")
    with pytest.raises(GraphError, match=r"grade@few .* data/certificates/instruction.* data/mix/jiuzhang"):
        write_profile(copy, "embedded")


def test_a_recipe(copy):
    add(
        copy,
        GRAPH,
        f"  jiuzhang: {{origins: data/sample/corpus, rates: {NO_RATES}, rules: default}}\n",
        f"  seed_problems: {{origins: data/tasks/seed_passages, rates: {NO_RATES}, rules: unboxed}}\n",
    )
    add(
        copy,
        GRAPH,
        "  jiuzhang: {rows: data/problems/jiuzhang}\n",
        "  seed_problems: {rows: data/problems/seed_problems}\n",
    )
    add(copy, GRAPH, SET, SET.replace("jiuzhang", "seed_problems"))
    add(copy, GRAPH, JIUZHANG, "  seed_problems: {set: seed_problems, recipe: seed_problems, seed: 0}\n")

    def add_sections(document):
        document["filter"]["unboxed"] = document["filter"]["default"] | {"boxed": {}}
        document["mix"]["seed_problems"] = MIX

    change(copy, PARAMS, add_sections)
    names = holds(copy)
    curation = ("execute", "correctness", "filter", "dedup", "decontaminate")
    assert {f"{stage}@seed_problems" for stage in (*curation, "mix", "grade")} < names
    graph = read_graph(copy)
    assert "data/problems/seed_problems" in graph.stage("card").flags["problems"]
    assert "data/certificates/seed_problems" in graph.stage("report").flags["certificates"]
    assert graph.stage("filter@seed_problems").flags["params"] == ("filter.unboxed",)
    assert graph.path("mix@seed_problems", "filtered") == "data/verdicts/filter/seed_problems.parquet"
    assert changed(copy) == documented("a recipe")


CODE = ("jz3", "stages", "data/recipes")
TAUGHT = Path("jz3/teacher/taught.py")
CASES = (
    ("from jz3.teacher.recipes import metamath, ", "from jz3.teacher.recipes import metamath, plain, ", 1),
    ("from jz3.teacher.recipes.rvsyn import", "from jz3.teacher.recipes.plain import Plain\n\\g<0>", 1),
    (r"recipe: MetaMath \| ", r"\g<0>Plain | ", 1),
    (r"case MetaMath\(\) \| ", r"\g<0>Plain() | ", 1),
    (
        r"        case MetaMath\(\):\n            return metamath\.(\w+)\((.*)\)\n",
        r"\g<0>        case Plain():\n            return plain.\1(\2)\n",
        3,
    ),
)
"""What each becomes where taught.py names all recipes, and how often."""


def in_the_copy(root, *words):
    """Run Python in a copy that has its own code; what it prints."""
    paths = {"PYTHONPATH": f"{root}{os.pathsep}{ROOT}", "JZ3_STORE": str(root / "store")}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env=os.environ | paths | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.long
def test_a_recipe_that_a_teacher_writes(copy):
    """From its module to its rows: the contract of the graph holds, and the stage asks the problem writer."""
    for name in CODE:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).parent / "added_recipe.py", copy / "jz3/teacher/recipes/plain.py")
    text = (copy / TAUGHT).read_text()
    for pattern, now, count in CASES:
        text, found = re.subn(pattern, now, text)
        assert found == count, pattern
    (copy / TAUGHT).write_text(text)
    (copy / "data/recipes/plain").mkdir()
    shutil.copy(ROOT / "data/recipes/metamath/answer.md", copy / "data/recipes/plain/answer.md")
    graph = {
        "taught": {
            "plain": {
                "prompts": "plain",
                "seeds": "data/tasks/seeds.parquet",
                "passages": "data/raw/none/passages.parquet",
            }
        },
        "recipes": {"plain": {"origins": "data/tasks/seed_passages", "rates": NO_RATES, "rules": "default"}},
        "checked": {"plain": {"rows": "data/problems/plain"}},
        "sets": {
            "plain": {
                "recipe": "plain",
                "lineage": "data/lineage/plain.parquet",
                "thoughts": "data/raw/none/thoughts.parquet",
            }
        },
        "models": {"plain": {"set": "plain", "recipe": "plain", "seed": 0}},
    }
    change(copy, GRAPH, lambda document: [document[name].update(more) for name, more in graph.items()])

    def add_sections(document):
        teachers = document["augment"]["metamath"]["teachers"]
        document["augment"]["plain"] = {
            "teachers": teachers,
            "seed": 5,
            "recipe": {"name": "plain", "answers": 2},
        }
        document["mix"]["plain"] = MIX

    change(copy, PARAMS, add_sections)
    holding = "from pathlib import Path; from tests.graph.test_additions import holds; "
    names = in_the_copy(copy, "-c", f"{holding}print(*holds(Path()))").split()
    trunk = ("execute", "filter", "dedup", "decontaminate", "mix", "pack", "pretrain", "answer", "grade")
    assert {f"{stage}@plain" for stage in ("augment", *trunk)} < set(names)
    assert changed(copy, (*LISTED, *CODE)) == documented(
        "a recipe that a teacher writes", RECIPE="plain", PROMPT="answer"
    )
    taught = YAML(typ="safe").load((copy / PARAMS).read_bytes())["tasks"]["families"]
    families = [family for family in FAMILIES if family.name in taught][:3]  # the teacher refuses others
    rows = [seed_row(number, family, split="teacher") for number, family in enumerate(families)]
    Out(SeedProblem, copy / "data/tasks/seeds.parquet").write(seed_problems(rows))
    stage = read_graph(copy).stage("augment@plain")
    words = [
        word for flag, values in stage.flags.items() for word in (f"--{flag.replace('_', '-')}", *values)
    ]
    in_the_copy(copy, "-m", "stages.augment", *words)
    lineage = In(Lineage, copy / stage.path("lineage")).read()
    assert (set(lineage["recipe"]), lineage.height) == ({"plain"}, 6)
    problems = In(Problem, copy / stage.path("problems")).read()
    gold = {row["question"]: row["answer"] for row in rows}
    assert all(gold[row["problem"]] == row["answer"] for row in problems.iter_rows(named=True))


def test_a_choice_by_skills(copy):
    """The teacher's skills of references, values by them, and a recipe of the most valuable problems."""
    graph = {
        "skill_graphs": {
            "ours": {
                "prompts": "mass",
                "references": "data/problems/seed_problems",
                "verdicts": "data/verdicts/decontaminate/jiuzhang.parquet",
            }
        },
        "valued": {
            "ours": {
                "skills": "ours",
                "references": "data/problems/seed_problems",
                "problems": "data/problems/candidates",
            }
        },
        "chosen": {"best": {"recipe": "jiuzhang", "values": "data/values/ours"}},
        "selections": {"boosted": {"values": "data/values/ours"}},
    }
    change(copy, GRAPH, lambda document: document.update(graph))
    declared = YAML(typ="safe").load((copy / "profiles/test.yaml").read_text())
    sections = {
        "skills": {"ours": declared["skills"]["mass"]},
        "value": {"ours": declared["value"]["mass"]},
        "choose": {"best": declared["choose"]["mass"]},
    }
    change(copy, PARAMS, lambda document: document.update(sections))
    assert {"skills@ours", "value@ours", "choose@best"} < holds(copy)
    found = read_graph(copy)
    assert found.path("select@boosted", "values") == "data/values/ours"
    assert found.path("choose@best", "problems") == "data/problems/best"
    assert "data/metrics/skills/ours.json" in found.stage("tabulate").flags["measured"]
    assert "data/values/ours" in found.stage("report").flags["values"]
    assert changed(copy) == documented("a choice by skills")


def test_a_solver(copy):
    solvers = {"ours": {"problems": "data/problems/jiuzhang", "model": "data/models/final/jiuzhang"}}
    change(copy, GRAPH, lambda document: document.update(solvers=solvers))
    declared = YAML(typ="safe").load((copy / "profiles/test.yaml").read_text())["solve"]["student"]
    change(copy, PARAMS, lambda document: document.update(solve={"ours": declared | {"name": "ours"}}))
    assert "solve@ours" in holds(copy)
    graph = read_graph(copy)
    assert graph.path("solve@ours", "rates") == "data/pass_rates/ours.parquet"
    assert "data/metrics/solve/ours.json" in graph.stage("report").flags["measured"]
    assert changed(copy) == documented("a solver")


def test_a_source(copy):
    add(copy, GRAPH, "\nsources:\n", "  almanac: data/raw/almanac\n")
    source = {
        "source": "almanac",
        "format": {"name": "markdown", "files": ["*.md"]},
        "licence": "CC0-1.0",
        "max_characters": 100,
        "min_characters": 40,
        "passages_per_section": 4,
    }

    def add_source(document):
        document["ingest"]["almanac"] = source
        document["sample"]["quotas"]["almanac"] = {"initial": 1, "candidates": 1, "corpus": 1}
        document["compose"]["levels_per_passage"]["almanac"] = 1

    change(copy, PARAMS, add_source)
    (copy / "data/raw/almanac").mkdir()
    (copy / "data/raw/almanac/tides.md").write_text("# Tides\n\nThe tide comes in twice a day.\n")
    assert "ingest@almanac" in holds(copy)
    params = load_params(IngestParams, "ingest.almanac", copy / "params.yaml")
    assert params.source == "almanac"
    assert "data/passages/almanac" in read_graph(copy).stage("sample").flags["passages"]
    assert changed(copy) == documented("a source", SOURCE="almanac/tides.md")


def test_a_level(copy):
    template = (ROOT / "data/prompts/full/cot/aime.md").read_text().replace("Level: aime", "Level: phd")
    (copy / "data/prompts/full/cot/phd.md").write_text(template)
    change(copy, PARAMS, lambda document: document["compose"]["levels"].append("phd"))
    write_profile(copy, "embedded")
    params = load_params(ComposeParams, "compose", copy / "params.yaml")
    assert read_templates(InFiles(copy / "data/prompts"), params.levels).cot["phd"] == template
    assert changed(copy) == documented("a level", LEVEL="phd")


def test_a_benchmark(copy):
    row = {"question": "How many are two and two?", "answer": "2+2=<<2+2=4>>4\n#### 4"}
    (copy / "data/raw/benchmarks/pairs.jsonl").write_text(json.dumps(row) + "\n")
    file = {"name": "pairs", "reader": "file", "pattern": "pairs.jsonl", "format": "gsm8k"}

    def add_benchmark(document):
        document["benchmarks"]["sources"].append(file | {"items": 1, "digest": None})
        document["answer"]["prose"]["benchmarks"].append("pairs")

    change(copy, PARAMS, add_benchmark)
    write_profile(copy, "embedded")
    params = load_params(BenchmarksParams, "benchmarks", copy / "params.yaml")
    (ours,) = (source for source in params.sources if source.name == "pairs")
    items, _, _ = collect_items(InFiles(copy / "data/raw/benchmarks"), BenchmarksParams(sources=[ours]))
    assert items["gold"].to_list() == ["4"]
    assert "pairs" in load_params(AnswerParams, "answer", copy / "params.yaml").prose.benchmarks
    assert changed(copy) == documented("a benchmark", FILE="pairs.jsonl")


def test_a_target_task(copy):
    row = {"question": "How many are two and two?", "answer": "2+2=<<2+2=4>>4\n#### 4"}
    (copy / "data/raw/tasks/pairs.jsonl").write_text(json.dumps(row) + "\n")
    task = {"reader": "file", "pattern": "pairs.jsonl", "format": "gsm8k", "rows": None, "seed": 1}
    change(copy, PARAMS, lambda document: document["tasks"]["targets"].update(pairs=task))
    write_profile(copy, "embedded")
    params = load_params(TasksParams, "tasks", copy / "params.yaml")
    alone = params.model_copy(update={"targets": {"pairs": params.targets["pairs"]}, "instructions": {}})
    assert gather(InFiles(copy / "data/raw/tasks"), alone).metrics.targets == {"pairs": 1}
    assert changed(copy) == documented("a target task", FILE="pairs.jsonl")


def test_a_source_without_a_quota_is_noticed(copy):
    from tests import test_pipeline as contract

    add(copy, GRAPH, "\nsources:\n", "  almanac: data/raw/almanac\n")
    with pytest.raises(AssertionError):
        contract.test_each_source_has_its_quota_and_its_levels(copy / PARAMS, copy / GRAPH)
