#!/bin/sh
# How much of what the model wrote goes into the training set; instruction rows stay as they are.
exec dvc exp run --queue -S 'mix.jiuzhang.synthetic.rows=500,1000,2000' "$@"
