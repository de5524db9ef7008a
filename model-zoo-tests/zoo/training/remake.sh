#!/usr/bin/env bash
# Makes the whole zoo again: data, training, export. An estimate: 40 minutes on two idle cores.
# Needs a JDK 17, and a Python 3 with torch 1.13, numpy and onnx (PYTHON names it).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
zoo=$here/..
root=$here/../../..
work=${1:?usage: remake.sh WORK_FOLDER (for training images and weights, 80 MB)}
python=${PYTHON:-python3}
mkdir -p "$work"
work=$(cd "$work" && pwd)

# 1. The images. Counts and seeds are those of DATA in train.py.
(cd "$root" && ./mvnw -q -B -ntp -pl model-zoo-tests -am -DskipTests package dependency:build-classpath \
  -Dmdep.outputFile="$work/classpath")
generate() {
  java -cp "$zoo/../target/classes:$(cat "$work/classpath")" dev.affinis.zoo.GenerateImages "$@"
}
generate --count 20000 --seed 1 --out "$work/train.npz"
generate --count 4000 --seed 2 --out "$work/test.npz"
generate --count 512 --seed 3 --out "$zoo/images.npz"

# 2. The networks, two at a time, one thread each.
train() {
  "$python" "$here/train.py" "$@" \
    --train "$work/train.npz" --test "$work/test.npz" --bundled "$zoo/images.npz" --out "$work/weights"
}
train resnet densenet vit vgg &
train alexnet mobilenetv3 convnext googlenet
wait $!
names="alexnet vgg googlenet resnet densenet mobilenetv3 convnext vit"
for name in $names; do cat "$work/weights/$name.log"; done >"$here/train.log"

# 3. TorchScript, ONNX and zoo.json.
"$python" "$here/export.py" --weights "$work/weights" --bundled "$zoo/images.npz" --out "$zoo"
