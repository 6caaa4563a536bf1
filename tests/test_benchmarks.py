"""Every benchmark runs quickly when asked to and ends with one JSON object of its figures."""

import os

import pytest

from tests.benchmark_figures import figures_of
from tests.conftest import ROOT
from tests.forked_programs import forking

pytestmark = pytest.mark.long

SHARED = ROOT / os.environ.get("JZ3_SHARED", "../shared")
ELSEWHERE = {
    "influence_lds": "tests/influence/test_lds.py",
    "selection": "tests/selection/test_selection_meaning.py",
}
"""Programs whose figures mean something even so: these tests run them and look at what they say."""
IMPORTED = (
    "functorch.compile",
    "jz3.lm.trainer",
    "latex2sympy2_extended",
    "math_verify",
    "openai",
    "peft",
    "transformers.models.llama.modeling_llama",
)
"""What most of the programs import, sooner or later."""
PROGRAMS = sorted((ROOT / "benchmarks").glob("*.py"))


@pytest.fixture(scope="module")
def asking():
    with forking(IMPORTED) as asking:
        yield asking


@pytest.mark.parametrize(
    "program", [path for path in PROGRAMS if path.stem not in ELSEWHERE], ids=lambda path: path.stem
)
def test_a_benchmark_prints_its_figures_last(program, asking, tmp_path):
    if "JZ3_SHARED" in program.read_text() and not SHARED.is_dir():
        pytest.skip(f"{program.name} reads {SHARED}, which is not there")
    figures_of(program.stem, tmp_path, asking=asking)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_benchmark_that_is_left_out_here_is_run_by_its_own_test(name):
    assert f'figures_of("{name}", ' in (ROOT / ELSEWHERE[name]).read_text()
