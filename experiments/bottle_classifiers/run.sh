#!/bin/sh
# The study, from nothing to its table: run.sh ROOT OUTPUT (make study-bottle calls it).
# EfficientNet-Lite0 takes part where KERAS_HOME holds its file.
set -eu
root=$1 output=$2
python=${PYTHON:-.venv/bin/python}
lite=${KERAS_HOME:-$HOME/.keras}/efficientnet_lite0_224_no_top.keras

folds() { "$python" train.py -m data.root="$root" data.category=bottle output="$output" data.folds=5 'data.fold=range(5)' "$@"; }

folds model=mobilenetv2 model.head=dense,svm
folds model=bovw
if [ -f "$lite" ]; then
  folds model=keras_file backbone.path="$lite" backbone.offset=127 backbone.scale=128 model.head=dense,svm
fi
folds ensemble=hard_vote,soft_vote,weighted_vote,meta_learner
"$python" -m anomaly.report --output "$output" --category bottle --role pooled --to "$output/report"
