"""How fast the sandbox runs programs, against a cold interpreter for each, and what a worker holds.

    python -m benchmarks.sandbox [--quick]

Programs: those of the sample of tool problems (`$JZ3_SHARED/samples/tool.jsonl`) that import sympy, or, if it
is absent, some of our own. Cold and warm take turns, half of the programs at a time, as many in parallel in
both, so that a busy machine slows both. (Shorter rounds would show how long one worker of the sandbox waits
for the other's last program: a few programs compute for a second or two.) The last line is one JSON object:
`ratio_cold` (rate in the sandbox / cold rate), `programs_per_second` (in the sandbox, sympy), `worker_mb`
(resident memory of a worker's processes).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jz3.sandbox.pool import Sandbox, open_sandbox
from jz3.sandbox.settings import Limits, SandboxSettings

WORKERS = 2
LOOPS = 20
LIMITS = Limits(wall_seconds=5, cpu_seconds=5, memory_mb=1024, output_characters=65536)
SAMPLES = Path(os.environ.get("JZ3_SHARED", "../shared"), "samples", "tool.jsonl")
OWN = """from sympy import *
x, y = symbols("x y")
print(solve(x**2 - {n}*x + {m}, x))
print(simplify(sin(x)**2 + cos(x)**2 + {n}), factor(x**3 - {m}**3))
print(integrate(x*exp({n}*x), x), Matrix([[{n}, 2], [3, {m}]]).det())
"""


def sympy_programs() -> list[str]:
    """Programs that import sympy, in a stated order."""
    if not SAMPLES.exists():
        return [OWN.format(n=number + 2, m=number % 7 + 1) for number in range(200)]
    rows = [json.loads(line)["output"] for line in SAMPLES.read_text().splitlines()]
    programs = [found[1] for row in rows if (found := re.search(r"```python\n(.*?)```", row, re.DOTALL))]
    return [program for program in programs if "import sympy" in program or "from sympy" in program]


def run_cold(programs: list[str]) -> float:
    """Seconds for programs, each in its own interpreter, WORKERS at a time."""

    def run_one(program: str) -> None:
        try:
            subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMITS.wall_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return

    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(run_one, programs))
    return time.perf_counter() - started


def run_warm(sandbox: Sandbox, programs: list[str]) -> float:
    """Seconds for programs in the sandbox."""
    started = time.perf_counter()
    sandbox.run_all(programs)
    return time.perf_counter() - started


def worker_mb() -> float:
    """Resident MB of all processes of our workers, by worker; a page shared by two counts in both."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"jz3/sandbox/zygote.py" in (entry / "cmdline").read_bytes():
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                if _is_ours(int(parent)):
                    total += int((entry / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total / WORKERS / (1 << 20)


def _is_ours(pid: int) -> bool:
    while pid > 1 and pid != os.getpid():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid == os.getpid()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="six programs, and fewer and shorter loops")
    quick = parser.parse_args().quick
    programs = sympy_programs()[: 6 if quick else None]
    loops = 2 * WORKERS if quick else LOOPS
    limits = LIMITS.model_copy(update={"wall_seconds": 1.0}) if quick else LIMITS
    with open_sandbox(SandboxSettings(workers=WORKERS, required_level=2, limits=limits)) as sandbox:
        memory = worker_mb()
        sandbox.run_all(programs[:WORKERS])
        cold = warm = 0.0
        middle = len(programs) // 2
        for half in (programs[:middle], programs[middle:]):
            cold += run_cold(half)
            warm += run_warm(sandbox, half)
        small = [f"print({number} * 7 + sum(range({number})))" for number in range(50 if quick else 1000)]
        arithmetic = len(small) / run_warm(sandbox, small)
        looping = run_warm(sandbox, ["while True: pass"] * loops)
    print(f"sandbox: {sandbox.report.mode}, level {sandbox.report.level}; {WORKERS} workers")
    print(f"{'':34}{'cold':>12}{'sandbox':>12}")
    print(f"{'programs with sympy, per second':34}{len(programs) / cold:12.1f}{len(programs) / warm:12.1f}")
    print(f"{'plain arithmetic, per second':34}{'':12}{arithmetic:12.1f}")
    bound = loops * limits.wall_seconds / WORKERS
    print(f"{f'{loops} infinite loops, seconds':34}{f'<= {bound:.0f}':>12}{looping:12.1f}")
    print(f"{'a worker, MB resident':34}{'':12}{memory:12.1f}")
    figures = {
        "ratio_cold": round(cold / warm, 2),
        "programs_per_second": round(len(programs) / warm, 1),
        "worker_mb": round(memory, 1),
        "arithmetic_per_second": round(arithmetic, 1),
        "loops_seconds": round(looping, 2),
        "loops_bound_seconds": bound,
        "level": sandbox.report.level,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
