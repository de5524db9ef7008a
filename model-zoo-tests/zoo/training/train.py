"""Trains the networks of the zoo, one after the other, on one thread each.

    python3 train.py --train train.npz --test test.npz --bundled ../images.npz --out DIR [NAME ...]

For every network it writes DIR/NAME.pt (the weights) and DIR/NAME.json (accuracy, seed, epochs), and logs one
line per epoch. One thread and a fixed seed make a run repeatable on the same machine and version of PyTorch.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from models import ARCHITECTURES, parameter_count

# What GenerateImages is asked for; `remake.sh` does it.
DATA = dict(
    train=dict(count=20000, seed=1),
    test=dict(count=4000, seed=2),
    bundled=dict(count=512, seed=3),
)

# ImageNet's, the default of `affinis measure`, so that no option is needed.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

BATCH = 64
WEIGHT_DECAY = 0.02
LABEL_SMOOTHING = 0.05
# Cycles, epochs in each and highest learning rate. The slower a network, the fewer its epochs; the vision transformer,
# which has to learn by itself what a convolution knows, gets further cycles, each from the weights of the one before.
PLAN = dict(
    alexnet=(1, 14, 1.5e-3),
    vgg=(1, 7, 3e-3),
    googlenet=(1, 4, 4e-3),
    resnet=(1, 8, 4e-3),
    densenet=(1, 5, 4e-3),
    mobilenetv3=(1, 4, 5e-3),
    convnext=(1, 8, 3e-3),
    vit=(3, 9, 2e-3),
)


def load(path):
    """Returns normalised images (n x 3 x 32 x 32, channels-last in memory) and labels of an npz file."""
    with np.load(path) as data:
        images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2).float().div_(255)
        labels = torch.from_numpy(data["labels"])
    images.sub_(torch.tensor(MEAN).view(3, 1, 1)).div_(torch.tensor(STD).view(3, 1, 1))
    return images, labels


def accuracy(model, images, labels):
    """Share of right answers of the model in eval mode."""
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(256), labels.split(256)))
    return right / len(labels)


def schedule(step, steps):
    """Learning rate as a share of the highest: a linear rise in the first tenth, then half a cosine."""
    rise = steps // 10
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise)))


def train(name, model, epochs, learning_rate, train_set, test_set, log):
    """Trains for one cycle of the learning rate, with random numbers from torch's generator as it stands."""
    images, labels = train_set
    # Biases, norms, tokens and layer scales are not decayed.
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}],
        lr=learning_rate,
    )
    per_epoch = len(labels) // BATCH
    steps = epochs * per_epoch
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, steps))
    start = time.time()
    for epoch in range(1, epochs + 1):
        model.train()
        order = torch.randperm(len(labels))
        loss_sum = 0.0
        for batch in order[: per_epoch * BATCH].split(BATCH):
            x = images[batch]
            if torch.rand(()) < 0.5:
                x = x.flip(3)
            loss = F.cross_entropy(model(x), labels[batch], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            loss_sum += loss.item()
        line = f"{name}: epoch {epoch:2d}  loss {loss_sum / per_epoch:.4f}  {time.time() - start:5.0f} s"
        if epoch == epochs or epoch % 2 == 0:
            line += f"  test accuracy {accuracy(model, *test_set):.4f}"
        log(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--train", required=True, help="npz with the training images")
    parser.add_argument("--test", required=True, help="npz with the test images")
    parser.add_argument("--bundled", required=True, help="npz with the images shipped with the zoo")
    parser.add_argument("--out", required=True, help="folder for the weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--done", type=int, default=0, metavar="N", help="go on after cycle N, from the weights in --out")
    args = parser.parse_args()

    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    train_set, test_set, bundled_set = load(args.train), load(args.test), load(args.bundled)
    for role, (_, labels) in dict(train=train_set, test=test_set, bundled=bundled_set).items():
        if len(labels) != DATA[role]["count"]:
            parser.error(f"--{role} holds {len(labels)} images, expected {DATA[role]}")
    for name in args.names or list(ARCHITECTURES):
        base = os.path.join(args.out, name)
        with open(f"{base}.log", "a" if args.done else "w") as log_file:

            def log(line):
                print(line, flush=True)
                print(line, file=log_file, flush=True)

            cycles, epochs, learning_rate = PLAN[name]
            for cycle in range(args.done, cycles):
                torch.manual_seed(args.seed + cycle)
                model = ARCHITECTURES[name]()
                if cycle > 0:
                    model.load_state_dict(torch.load(f"{base}.pt"))
                model = model.to(memory_format=torch.channels_last)
                log(f"{name}: {parameter_count(model)} parameters, {len(train_set[1])} images, {epochs} epochs, "
                    f"seed {args.seed + cycle}, learning rate {learning_rate}")
                train(name, model, epochs, learning_rate, train_set, test_set, log)
                result = dict(
                    test_accuracy=round(accuracy(model, *test_set), 4),
                    bundled_accuracy=round(accuracy(model, *bundled_set), 4),
                    seed=args.seed,
                    epochs=epochs * (cycle + 1),
                )
                log(f"{name}: {result}")
                torch.save(model.state_dict(), f"{base}.pt")
                with open(f"{base}.json", "w") as file:
                    json.dump(result, file)


if __name__ == "__main__":
    main()
