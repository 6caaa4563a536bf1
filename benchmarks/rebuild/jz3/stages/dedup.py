"""Keep the first of problems that are the same."""

from jz3.small.choose import firsts
from jz3.small.tables import Posed

from jz3.core.artifacts import In, Out
from jz3.core.stage import run


def main(problems: In[Posed], kept: Out[Posed]) -> None:
    kept.write(firsts(problems.read()))


if __name__ == "__main__":
    run(main)
