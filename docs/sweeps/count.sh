#!/bin/sh
# How many texts of high value the teacher writes from, in parts of what the embedded profile has.
exec dvc exp run --queue -S 'select.count=150,300,600' "$@"
