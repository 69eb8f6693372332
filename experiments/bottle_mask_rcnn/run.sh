#!/bin/sh
# Runs the whole study and writes its tables: run.sh ROOT OUTPUT (used by make study-detector).
set -eu
root=$1 output=$2
python=${PYTHON:-.venv/bin/python}

bottle() { "$python" train.py data.root="$root" data.category=bottle output="$output" "$@"; }

folds() { bottle sweep=folds "$@"; }

folds experiment=bottle_mask_rcnn
folds model=mobilenetv2
folds model=bovw
folds ensemble=soft_vote
folds ensemble=meta_learner

bottle experiment=bottle_mask_rcnn
bottle model=mobilenetv2
bottle model=bovw
bottle -m ensemble=soft_vote,meta_learner
"$python" train.py experiment=demo_mask_rcnn output="$output"

"$python" -m experiments.record experiments/bottle_mask_rcnn "$output"
