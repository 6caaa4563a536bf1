"""Check that this machine's NVIDIA driver is new enough for the pinned packages; `make gpu` does so first.

Runs before anything is installed (`python3 jz3/graph/driver.py`), so it imports only the standard library.
"""

import shutil
import subprocess
import sys

LEAST = 580
"""First driver branch of CUDA 13 (release notes of the CUDA toolkit 13.0), which constraints/gpu.txt and
constraints/vllm-gpu.txt are built for.
"""
ASK = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
REMEDY = (
    f"an NVIDIA driver of branch {LEAST} or newer was expected (CUDA 13). Install it from the system's own "
    f"packages, or run `make setup` for a machine without a GPU."
)


def wrong_driver() -> str | None:
    """What is wrong with the driver, in one line; None if it is new enough."""
    if shutil.which(ASK[0]) is None:
        return f"there is no {ASK[0]}; {REMEDY}"
    asked = subprocess.run(ASK, capture_output=True, text=True, check=False)
    versions = asked.stdout.split()
    if asked.returncode or not versions:
        said = " ".join((asked.stderr or asked.stdout).split())[:200]
        return f"{ASK[0]} finds no GPU (status {asked.returncode}: {said}); {REMEDY}"
    branch = versions[0].partition(".")[0]
    if not branch.isdecimal() or int(branch) < LEAST:
        return f"the NVIDIA driver is {versions[0]}; {REMEDY}"
    return None


if __name__ == "__main__":
    wrong = wrong_driver()
    sys.exit(f"jz3: {wrong}" if wrong else 0)
