#!/bin/sh
# Does value pay? The prompts of highest influence score, or as many drawn at random.
exec dvc exp run --queue -S 'select.method=value,random' "$@"
