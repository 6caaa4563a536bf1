"""Data for mathematical reasoning: a graph that builds it, and functions for your own answers and problems.

`grade`, `parse` and `vote` need only the core; `dedup`, `decontaminate`, `filter` and `execute` need the
extra `curate`. Each is imported on first use, so `import jz3` takes no time.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jz3.public.answers import Verdict, grade, parse, vote
    from jz3.public.curation import decontaminate, dedup, execute, filter  # noqa: A004 (the field's word)

__all__ = ["Verdict", "decontaminate", "dedup", "execute", "filter", "grade", "parse", "vote"]


def __getattr__(name: str) -> object:
    if name in ("Verdict", "grade", "parse", "vote"):
        from jz3.public import answers

        return getattr(answers, name)
    if name in __all__:
        from jz3.public import curation

        return getattr(curation, name)
    raise AttributeError(f"module 'jz3' has no attribute {name!r}")
