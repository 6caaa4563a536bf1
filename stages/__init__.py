"""The stages: each file is a program, `python -m stages.X`, run by dvc.yaml."""

from jz3.core.ending import end_imports_in_one_line

end_imports_in_one_line("run `dvc repro` again")
