"""The figures of the README are those of the run whose metrics are committed.

Processors of different kinds round differently in training. If the run here was made by another kind than the
committed one, its figures differ, and only the lead is compared with the README's interval.
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.run_figures import TRACED, renewed, rows_of_stages, traced

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
LEFT = ROOT / "data/tables/test.md"
TEST_TABLES = LEFT.read_text() if LEFT.is_file() else ""
BASE = "data/models/base/final"
"""The first trained model: all later figures follow from how a processor rounds it."""


def base_digest(lock):
    (digest,) = {out["md5"] for out in yaml.safe_load(lock)["stages"]["base"]["outs"] if out["path"] == BASE}
    return digest


def rounds_differently():
    """Whether the run here has weights other than the committed one's."""
    shown = subprocess.run(
        ["git", "show", "HEAD:dvc.lock"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return base_digest((ROOT / "dvc.lock").read_text()) != base_digest(shown.stdout)


of_the_committed_run = pytest.mark.skipif(
    LEFT.is_file() and rounds_differently(),
    reason="the processor here trained other weights than the one of the committed run",
)
needs_a_run = pytest.mark.skipif(not LEFT.is_file(), reason="no run here; `.ci/run` looks after its own")


@of_the_committed_run
def test_the_rows_of_stages_are_those_of_the_committed_metrics():
    assert rows_of_stages() in README


def lead_of_the_run():
    (lead,) = re.findall(
        r"^\| held_out_test \| all \| both \| jiuzhang \| instruct_only \| \d+ \| (\S+) \| (\S+) \| (\S+) \|",
        TEST_TABLES,
        re.MULTILINE,
    )
    return lead


@needs_a_run
def test_the_lead_lies_in_the_interval_whoever_computed_it():
    ((low, high),) = re.findall(r"points ahead \(95 % interval (\S+) to (\S+),", README)
    assert float(low) <= float(lead_of_the_run()[0]) <= float(high)


def profile(name):
    sections = yaml.safe_load((ROOT / f"profiles/{name}.yaml").read_text())
    return sections, yaml.safe_load((ROOT / f"profiles/graphs/{name}.yaml").read_text())


PROFILES = re.findall(
    r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
    README.partition("## Profiles")[2].partition("\n## ")[0],
    re.MULTILINE,
)


@needs_a_run
@of_the_committed_run
@pytest.mark.parametrize("page", ["README", "docs/curation", "docs/evaluation", "docs/export"])
def test_the_figures_of_a_page_are_those_of_the_run(page):
    """`python -m tests.run_figures` renews them."""
    text = (ROOT / f"{page}.md").read_text()
    assert "<!-- run: " in text
    assert renewed(text) == text


@needs_a_run
@pytest.mark.parametrize("page", ["README.md", "AGENTS.md", "jz3/cli/graph.py"])
def test_the_problem_that_is_traced_is_one_of_the_run(page):
    """`python -m tests.run_figures` renews it, too."""
    assert TRACED.findall((ROOT / page).read_text()) == [traced()]


def test_the_table_of_profiles_says_what_runs():
    assert sorted(name for name, *_ in PROFILES) == sorted(path.stem for path in ROOT.glob("profiles/*.yaml"))
    sources = yaml.safe_load((ROOT / "data/sources.yaml").read_text())
    for name, _, corpus, teacher, models in PROFILES:
        sections, graph = profile(name)
        asked = sections["distill"]["teachers"].values()
        assert ("writer" in teacher) == all(one["provider"] == "writer" for one in asked)
        bases = [sections["base"][role] for role in ("synthesis", "reference", "final")]
        if "writer" in teacher:
            assert {base["kind"] for base in bases} == {"config"}
            assert f"{parameters(bases[0], sections['base']['vocabulary']) / 1e6:.1f}M" in models
            assert not any(place.endswith(".fetched.json") for place in graph["sources"].values())
            continue
        quotas, levels = sections["sample"]["quotas"], sections["compose"]["levels_per_passage"]
        calls = sum(quota["initial"] * levels[source] for source, quota in quotas.items())
        assert f"{(calls + sections['select']['boosted']['count']) / 1000:.1f}k calls" in teacher
        repos = [sources[base["source"]]["repo"].rpartition("/")[2].lower() for base in bases]
        assert {repo.split("-")[0] for repo in repos} == {
            model.split()[0].lower().replace("deepseekmath", "deepseek") for model in models.split(", ")
        }
        if name == "single_gpu":
            assert f"{sum(quota['corpus'] for quota in quotas.values()):,} passages" in corpus


def parameters(base, vocabulary):
    """The parameters of a Llama with one matrix for words in and out, without norms."""
    size = base["hidden_size"]
    return base["layers"] * (4 * size**2 + 3 * size * base["mlp"]) + vocabulary * size
