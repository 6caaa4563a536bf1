#!/bin/sh
# Experiments in a table that fits a terminal: each model's macro average, and the parameters that are named.
#   docs/show_experiments.sh decontaminate.ngram select.by
kept=macro_over_families
for name in "$@"; do kept="$kept|(.*:)?$name\$"; done
exec dvc exp show --no-pager --drop '(?!Experiment)' --keep "$kept"
