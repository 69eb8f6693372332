#!/bin/sh
# Runs the whole study and writes its table: run.sh ROOT OUTPUT.
set -eu
root=$1 output=$2
python=${PYTHON:-.venv/bin/python}

bottle() { "$python" train.py data.root="$root" data.category=bottle output="$output" "$@"; }

bottle sweep=search objective=val/macro_f1
newest=$(ls -d "$output"/sweeps/* | tail -n 1)
cp "$newest/sweep.csv" experiments/bottle_search/
bottle
bottle --config-dir "$newest" experiment=best

"$python" -m experiments.record experiments/bottle_search "$output"
