"""How a benchmark's name changes extraction and equality: letters of choices, tolerances.

Every benchmark is listed; a name that is not here is graded by the general policy.
"""

from dataclasses import dataclass

from jz3.answers.equality import POLICY
from jz3.answers.values import Tolerance


@dataclass(frozen=True, slots=True)
class BenchmarkRules:
    """`letters` are those of the choices, empty for free answers."""

    letters: str
    tolerance: Tolerance


_FREE = BenchmarkRules("", POLICY)

RULES = {
    "gsm8k": _FREE,
    "math": _FREE,
    "math-oai": _FREE,
    "svamp": _FREE,
    "asdiv": _FREE,
    "mawps": _FREE,
    "carp_en": _FREE,
    "tabmwp": _FREE,
    "minerva_math": _FREE,
    # Golds contain the noise of double precision (3244047.0999999996), far below the policy's 1e-6.
    "gsm-hard": _FREE,
    "aqua": BenchmarkRules("ABCDE", POLICY),
    "sat_math": BenchmarkRules("ABCD", POLICY),
    "mmlu_stem": BenchmarkRules("ABCD", POLICY),
}


def rules_of(benchmark: str | None) -> BenchmarkRules:
    return RULES.get(benchmark or "", _FREE)
