"""Errors that the user can correct.

```
UserError                one line on stderr, exit status 1
└── BudgetReached        one line on stderr, exit status 3
```

Each message says what is wrong (with the path, section, row or id), what was expected, and what to do.
Every other error is a defect of ours and ends in a traceback.
"""

from jz3.core.terminal import printable


class UserError(ValueError):
    """Something that the user can correct: a file, a parameter, a key, the disk."""

    exit_status = 1

    def __str__(self) -> str:
        """The message, safe to print: names and texts in it may hold terminal control codes."""
        return printable(super().__str__())


class BudgetReached(UserError):  # noqa: N818 (not an error of anyone: the stage stops as it was told to)
    """The stage stopped at the budget that `execution` sets; it continues once the budget is raised."""

    exit_status = 3
