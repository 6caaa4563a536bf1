#!/bin/sh
# Experiments in a table of few columns: each model's macro average, and the parameters that are named. Names and
# figures are never cut off, however narrow the terminal: a long line goes on in the next.
#   docs/show_experiments.sh decontaminate.ngram select.by
kept=macro_over_families
for name in "$@"; do kept="$kept|(.*:)?$name\$"; done
COLUMNS=1000
export COLUMNS
exec dvc exp show --no-pager --drop '(?!Experiment)' --keep "$kept"
