"""Say of each answer whether it is right."""

from jz3.small.grade import graded
from jz3.small.tables import Graded, Posed

from jz3.core.artifacts import In, Out
from jz3.core.stage import run


def main(problems: In[Posed], grades: Out[Graded]) -> None:
    grades.write(graded(problems.read()))


if __name__ == "__main__":
    run(main)
