"""The stages: each file is a program, `python -m stages.X`, run by dvc.yaml."""

import sys

from jz3.core.ending import end_imports_in_one_line

if sys.argv[:1] == ["-m"]:  # a program is starting; those who import a stage keep their own Ctrl-C
    end_imports_in_one_line("run `dvc repro` again")
