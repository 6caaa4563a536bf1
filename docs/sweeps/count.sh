#!/bin/sh
# How many texts of high value the teacher writes from: half of what the embedded profile has, as many, twice as many.
exec dvc exp run --queue -S 'select.boosted.count=150,300,600' "$@"
