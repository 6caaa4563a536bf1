"""The files in examples/ run, and print what they should."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

import jz3.reward
from jz3.cli.main import app
from tests.conftest import ROOT

MODELS = ("jiuzhang", "instruct_only")
HARD = [("\\int_0^1 x dx", f"The answer is $\\int_0^1 {n} x dx$.") for n in (1, 2)]


def example(name, *arguments, folder=ROOT, environment=os.environ):
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_grader_as_a_reward():
    said = example("grader_as_reward.py")
    assert said.splitlines() == [
        f"{name} [1.0, 1.0, 1.0, 0.0]" for name in ("compute_score", "accuracy_reward")
    ]


def test_a_file_is_curated(tmp_path):
    asked = "A baker sells 12 loaves in the morning and 15 in the afternoon; how many loaves are sold in all?"
    problems = ["What is 2 + 3?", "what is 2+3", asked, "Find the sum of the first 20 odd numbers."]
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps({"question": text}) + "\n" for text in problems))
    said = example("curate_a_file.py", file, "question")
    assert "2 of 4 rows kept" in said
    assert re.findall(r"(?:dedup|decontaminate)\.\w+", said) == ["decontaminate.ngram", "dedup.exact"]


BETWEEN = "\n--- the script\n"
SCRIPT = f"""
import runpy
print({BETWEEN!r})
runpy.run_path({str(ROOT / "examples/read_a_run.py")!r})
"""


def test_a_finished_run_is_read_by_the_notebook_and_by_the_script(whole_run, tmp_path):
    """In plain Python, in a folder from which the tables of a run can be reached: the notebook from its first
    cell to its last, then the script in a namespace of its own. One process loads the tokenizer for both.
    """
    for name in ("data", "dvc.yaml", "graph.yaml", "params.yaml", "execution.yaml"):
        (tmp_path / name).symlink_to(whole_run[0].path / name)
    book = json.loads((ROOT / "examples/notebook.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*cells, SCRIPT])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, _, of_script = (part.splitlines() for part in done.stdout.partition(BETWEEN))
    assert said[-4:] == [
        "Verdict(equal=True, rule='number', extracted='0.5')",
        "1/2",
        "1.0",
        "[1.0, 0.0]",
    ]
    assert any(line.startswith("passage {") and "'licence'" in line for line in said)
    assert "read 3, kept 2, rejected 1" in said
    assert not any(cell.get("outputs") for cell in book["cells"]), "figures of a run grow stale"
    assert any("held_out" in line for line in of_script)
    assert any("instruction" in line for line in of_script)
    assert of_script[-1].split(), "origin and licence of a passage"


WHOLE = [
    "kd/boosted.parquet",
    "models/base",
    "models/synthesis",
    "models/reference",
    "influence/scores.parquet",
]
WHOLE += ["problems/jiuzhang", "execution_results/jiuzhang", "certificates/jiuzhang"]
WHOLE += [f"{place}/{model}" for place in ("mix", "packed", "models/final") for model in MODELS]
WHOLE += [f"grades/{model}.parquet" for model in MODELS]
"""Outputs under `data/` of which the page must leave every file; it leaves more than these."""


def files(folder):
    """Bytes by path, for a folder or a single file."""
    found = [folder] if folder.is_file() else [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder.parent)): file.read_bytes() for file in found}


@pytest.mark.long
def test_the_whole_method_on_one_page_leaves_the_bytes_of_the_graph(whole_run, tmp_path):
    """Expensive rows come from the row store of the run; everything else is computed again."""
    clone, _ = whole_run
    said = example("jiuzhang.py", tmp_path, folder=clone.path, environment=clone.environment)
    assert all(model in said for model in MODELS)
    left = {name: files(tmp_path / name) for name in os.listdir(tmp_path) if name != "live"}  # noqa: PTH208
    of_graph = {name: files(clone.path / "data" / name) for name in left}
    assert [
        path for name, found in left.items() for path in found if found[path] != of_graph[name].get(path)
    ] == []
    for place in WHOLE:
        assert files(tmp_path / place).keys() == files(clone.path / "data" / place).keys() != set(), place


def test_links_of_the_final_set_lead_to_problem_prompt_and_passage(whole_run, tmp_path):
    """`jz3 look` on the tables of a whole run."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "jz3",
            "look",
            "data/mix/jiuzhang",
            "-o",
            str(tmp_path / "look.html"),
            "--json",
        ],
        cwd=whole_run[0].path,
        env=whole_run[0].environment,
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    assert 0 < document["shown"] <= document["rows"]
    assert min(document["linked"][kind] for kind in ("problem", "prompt", "passage")) > 0
    html = (tmp_path / "look.html").read_text()
    for kind in ("problem", "prompt", "passage"):
        assert html.count(f'<a href="#{kind}-1">') > 0


def reward(pair):
    return jz3.reward.compute_score("own", pair[1], pair[0])


@pytest.mark.long
def test_the_reward_in_threads_and_in_actors_of_ray():
    """In threads and actors, graders that set a signal's timer give 0 to every answer."""
    import ray

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(reward, HARD * 4)) == [1.0, 0.0] * 4
    variables = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=variables)
    try:

        class Rewards:
            def score(self, pairs):
                from jz3.reward import compute_score

                return [compute_score("own", said, gold) for gold, said in pairs]

        actors = [ray.remote(max_concurrency=2)(Rewards).remote() for _ in range(2)]
        found = ray.get([actor.score.remote(HARD * 2) for actor in actors * 2], timeout=120)
    finally:
        ray.shutdown()
    assert found == [[1.0, 0.0, 1.0, 0.0]] * 4


def test_the_commands_of_the_example_for_a_cloud_are_commands():
    job = yaml.safe_load((ROOT / "examples/skypilot.yaml").read_text())
    for part in ("setup", "run"):
        subprocess.run(["bash", "-n"], input=job[part], text=True, check=True)
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    groups = {group.name for group in app.registered_groups}
    assert set(re.findall(r"^ *jz3 (\w+)", job["run"], re.MULTILINE)) <= known | groups
    assert f"\n{job['setup'].split()[-1]}:" in (ROOT / "Makefile").read_text()
