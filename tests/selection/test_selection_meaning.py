"""Selection by value finds what the target tasks are about: they cover a third of the families."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.long


def test_families_of_the_targets_are_enriched_among_the_problems_of_highest_value(tmp_path):
    done = subprocess.run(
        [sys.executable, "benchmarks/selection.py", "--quick"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JZ3_STORE": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["enrichment_10_least"] >= 1.5
    assert figures["enrichment_20_least"] >= 1.5
    assert figures["enrichment_20_length_matched"] == pytest.approx(1.0, abs=0.25)
