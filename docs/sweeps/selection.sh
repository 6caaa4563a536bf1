#!/bin/sh
# Does value pay? The prompts of highest influence score; as many drawn at random; those with the longest solutions.
exec dvc exp run --queue -S 'select.boosted.by=value,random,longest' "$@"
