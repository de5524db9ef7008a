#!/usr/bin/env python3
"""Exports torchvision classifiers as TorchScript, and as ONNX if asked, ready for `./affinis measure`.

    python3 examples/export_torchvision.py alexnet resnet50 --out models
    ./affinis measure models/alexnet.traced.pt --data photos/ --resize 256 --crop 224 --out alexnet.json

Pretrained weights (torchvision's DEFAULT) are used when they are in the local cache or can be fetched.
Otherwise the model keeps random weights, and the script says so: its signature then describes the
architecture at its initialisation, not a trained network. `--random` asks for random weights outright.

`--onnx` writes NAME.onnx as well, for any number of samples at a time (opset 17).

Needs PyTorch 1.13 and torchvision 0.14 or newer.
"""

import argparse
import os
import sys
import urllib.error
import warnings

import torch
import torchvision

MODELS = {
    "alexnet": ("alexnet", "AlexNet_Weights"),
    "convnext_tiny": ("convnext_tiny", "ConvNeXt_Tiny_Weights"),
    "densenet121": ("densenet121", "DenseNet121_Weights"),
    "efficientnet_b0": ("efficientnet_b0", "EfficientNet_B0_Weights"),
    "googlenet": ("googlenet", "GoogLeNet_Weights"),
    "mobilenet_v3_large": ("mobilenet_v3_large", "MobileNet_V3_Large_Weights"),
    "resnet50": ("resnet50", "ResNet50_Weights"),
    "swin_t": ("swin_t", "Swin_T_Weights"),
    "vgg16": ("vgg16", "VGG16_Weights"),
    "vit_b_16": ("vit_b_16", "ViT_B_16_Weights"),
}
DEFAULT_MODELS = ["alexnet", "resnet50", "vit_b_16"]
INPUT_SIZE = 224
OPSET = 17
# What a builder needs besides weights: without them, these would warn or bring training's side outputs.
RANDOM_OPTIONS = {"googlenet": {"aux_logits": False, "init_weights": True}}


def load(name, random, seed):
    """Returns the model in eval mode and a description of where its weights came from."""
    builder_name, weights_name = MODELS[name]
    builder = getattr(torchvision.models, builder_name)
    if not random:
        weights = getattr(torchvision.models, weights_name).DEFAULT
        try:
            return builder(weights=weights).eval(), f"pretrained weights {weights}"
        except (OSError, RuntimeError) as e:
            # URLError is an OSError; a download cut short fails its checksum with a RuntimeError.
            reason = e.reason if isinstance(e, urllib.error.URLError) else e
            print(
                f"{name}: the pretrained weights could not be loaded ({reason}); using random ones.\n"
                f"  To use pretrained weights, put {weights.url}\n"
                f"  into {os.path.join(torch.hub.get_dir(), 'checkpoints')} and run this again.",
                file=sys.stderr,
            )
    torch.manual_seed(seed)
    return builder(weights=None, **RANDOM_OPTIONS.get(name, {})).eval(), f"random weights, seed {seed}"


def check(name, model, exported, batch):
    """Fails unless the exported module computes what the model does, at a batch size not seen before."""
    with torch.no_grad():
        expected, actual = model(batch), exported(batch)
    worst = (expected - actual).abs().max().item()
    scale = expected.abs().max().item()
    if not worst <= 1e-5 * max(scale, 1.0):
        sys.exit(f"{name}: the exported model differs from the original by {worst:g} (outputs up to {scale:g})")


def export_onnx(model, batch, path):
    """Writes the model as ONNX; the number of samples stays open."""
    torch.onnx.export(
        model,
        batch,
        path,
        opset_version=OPSET,
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help=f"{', '.join(MODELS)} (default: {' '.join(DEFAULT_MODELS)})"
    )
    parser.add_argument("--out", default=".", metavar="DIR", help="folder to write to (default: the current one)")
    parser.add_argument("--random", action="store_true", help="random weights, even where pretrained ones exist")
    parser.add_argument("--scripted", action="store_true", help="write NAME.scripted.pt besides NAME.traced.pt")
    parser.add_argument("--onnx", action="store_true", help="write NAME.onnx besides NAME.traced.pt")
    parser.add_argument("--seed", type=int, default=0, help="seed of random weights (default: 0)")
    args = parser.parse_args()
    names = args.models or DEFAULT_MODELS
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        parser.error(f"unknown model {', '.join(unknown)}: choose from {', '.join(MODELS)}")

    os.makedirs(args.out, exist_ok=True)
    generator = torch.Generator().manual_seed(args.seed)
    traced_batch = torch.randn(2, 3, INPUT_SIZE, INPUT_SIZE, generator=generator)
    checked_batch = torch.randn(3, 3, INPUT_SIZE, INPUT_SIZE, generator=generator)
    for name in names:
        model, origin = load(name, args.random, args.seed)
        exports = {}
        with torch.no_grad(), warnings.catch_warnings():
            # The vision transformer compares its input's shape with a constant; tracing warns that it will not again.
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            exports["traced"] = torch.jit.trace(model, traced_batch)
        if args.scripted:
            exports["scripted"] = torch.jit.script(model)
        for form, exported in exports.items():
            check(name, model, exported, checked_batch)
            path = os.path.join(args.out, f"{name}.{form}.pt")
            exported.save(path)
            print(f"{path}: {origin}, {os.path.getsize(path) / 1e6:.1f} MB")
        if args.onnx:
            path = os.path.join(args.out, f"{name}.onnx")
            # With gradients on, attention is written out: its fused form has no ONNX counterpart.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                export_onnx(model, traced_batch, path)
            print(f"{path}: {origin}, {os.path.getsize(path) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
