"""Keep the problems that are long enough."""

from jz3.small.choose import FilterParams, long_enough
from jz3.small.tables import Posed

from jz3.core.artifacts import In, Out
from jz3.core.stage import run


def main(params: FilterParams, problems: In[Posed], kept: Out[Posed]) -> None:
    kept.write(long_enough(problems.read(), params))


if __name__ == "__main__":
    run(main)
