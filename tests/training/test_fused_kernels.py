"""Fused kernels train as torch's operations do: liger-kernel's own programs, run by triton's interpreter."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from jz3.core.errors import UserError
from tests.conftest import ROOT
from tests.training.trainings import trained

SITE = ROOT / ".venv-kernels"
KERNELS = {"_rms_norm_forward_kernel": 5, "_triton_rope": 4, "_swiglu_forward_kernel": 2}
"""How often each runs in a piece of two layers without recomputing: rope also backward."""
TOLERANCE = {"full": (1e-5, 1e-4), "adapter": (1e-5, 1e-4), "bf16": (2**-6, 2**-5)}
"""Of losses and norms, relative, and of weights (measured: 5e-7, 1e-6; in bf16 4e-3, 9e-3)."""


@pytest.mark.long
def test_losses_norms_and_weights_are_those_without_them(root):
    if not SITE.is_dir():
        pytest.skip("there are no packages of liger-kernel and triton; `make test-long` installs them")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.training.interpreted_kernels", root, SITE],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [found["case"] for found in cases] == list(TOLERANCE)
    for found in cases:
        for name, times in KERNELS.items():
            assert found["ran"][name] >= times * found["steps"]
        most, most_of_weights = TOLERANCE[found["case"]]
        assert 0 < found["off"] < most, "as sums in another order give"
        assert found["weights_off"] < most_of_weights


@pytest.mark.skipif(find_spec("liger_kernel") is not None, reason="liger-kernel is installed here")
def test_a_machine_without_the_package_is_told_what_installs_it(root):
    with pytest.raises(UserError, match=r"fused_kernels is true.*jz3\[kernels\].*false"):
        trained(root, fused_kernels=True)
