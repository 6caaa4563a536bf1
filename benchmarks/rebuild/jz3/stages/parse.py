"""Read problems out of completions."""

from jz3.small.read import posed
from jz3.small.tables import Posed, Written

from jz3.core.artifacts import In, Out
from jz3.core.stage import run


def main(completions: In[Written], problems: Out[Posed]) -> None:
    problems.write(posed(completions.read()))


if __name__ == "__main__":
    run(main)
