#!/bin/sh
# Runs the whole study and writes its tables: run.sh ROOT OUTPUT (used by make study-bottle).
# EfficientNet-Lite0 is included if its file is in KERAS_HOME.
set -eu
root=$1 output=$2
python=${PYTHON:-.venv/bin/python}
lite=${KERAS_HOME:-$HOME/.keras}/efficientnet_lite0_224_no_top.keras
ensembles=ensemble=hard_vote,soft_vote,weighted_vote,meta_learner

run() { "$python" train.py -m output="$output" "$@"; }
folds() { run data.root="$root" data.category=bottle data.folds=5 'data.fold=range(5)' "$@"; }

folds model=mobilenetv2 model.head=dense,svm
folds model=bovw
if [ -f "$lite" ]; then
  folds model=keras_file backbone.path="$lite" backbone.offset=127 backbone.scale=128 model.head=dense,svm
fi
folds "$ensembles"

run data=demo model=bovw,mobilenetv2,resnet50,inceptionresnetv2 backbone.weights=null trainer=smoke
run data=demo "$ensembles"

"$python" -m experiments.record experiments/bottle_classifiers "$output"
