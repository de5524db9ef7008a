"""Exports the trained networks as TorchScript (traced and scripted) and ONNX, and describes them in zoo.json.

    python3 export.py --weights DIR --bundled ../images.npz --out ..

The three forms of a network must agree on the bundled images before anything is written about them: traced and
scripted here, ONNX structurally here and by value in the module's tests, which run it with ONNX Runtime.
"""

import argparse
import io
import json
import multiprocessing
import os
import warnings
import zipfile

import onnx
import torch

from models import ARCHITECTURES, CLASSES, INPUT_SIZE, parameter_count
from train import BATCH, DATA, MEAN, STD, load

OPSET = 17
FORMS = ("traced.pt", "scripted.pt", "onnx")
TITLES = dict(
    alexnet="AlexNet",
    vgg="VGG (batch norm)",
    googlenet="GoogLeNet",
    resnet="ResNet",
    densenet="DenseNet",
    mobilenetv3="MobileNetV3",
    convnext="ConvNeXt",
    vit="Vision Transformer",
)
LARGEST_DIFFERENCE = 1e-4


def save_torchscript(module, path):
    """Saves without debug records: they hold source paths of the exporting machine."""
    with zipfile.ZipFile(io.BytesIO(module.save_to_buffer())) as source, zipfile.ZipFile(path, "w") as target:
        folder = os.path.basename(path)[: -len(".pt")]
        for entry in source.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                name = folder + entry.filename[entry.filename.index("/") :]
                copy = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                target.writestr(copy, source.read(entry), compress_type=entry.compress_type)


def save_onnx(model, path):
    """Exports with a free batch dimension and checks the file."""
    example = torch.zeros(2, 3, INPUT_SIZE, INPUT_SIZE)
    torch.onnx.export(
        model,
        example,
        path,
        opset_version=OPSET,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
    )
    exported = onnx.load(path)
    onnx.checker.check_model(exported, full_check=True)
    for value, shape in [
        (exported.graph.input[0], ["batch", 3, INPUT_SIZE, INPUT_SIZE]),
        (exported.graph.output[0], ["batch", CLASSES]),
    ]:
        found = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        if found != shape:
            raise SystemExit(f"{path}: {value.name} has shape {found}, expected {shape}")


def check(path, expected, images, labels, accuracy):
    """Loads a TorchScript file and compares it with the model at several batch sizes."""
    module = torch.jit.load(path)
    with torch.no_grad():
        for batch in (1, 7, len(images)):
            difference = (module(images[:batch]) - expected[:batch]).abs().max().item()
            if not difference <= LARGEST_DIFFERENCE:
                raise SystemExit(f"{path}: outputs differ by {difference:g} at batch size {batch}")
        found = (module(images).argmax(1) == labels).float().mean().item()
    if abs(found - accuracy) > 1e-3:
        raise SystemExit(f"{path}: accuracy {found:.4f}, expected {accuracy:.4f}")


def export(name, form, weights, path, images):
    """Writes one file. Runs in a process of its own: TorchScript numbers class names by what was compiled before."""
    torch.set_num_threads(1)
    model = trained_model(name, weights)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        if form == "traced.pt":
            save_torchscript(torch.jit.trace(model, images[:2]), path)
        elif form == "scripted.pt":
            save_torchscript(torch.jit.script(model), path)
        else:
            save_onnx(model, path)


def trained_model(name, weights):
    model = ARCHITECTURES[name]()
    model.load_state_dict(torch.load(os.path.join(weights, f"{name}.pt")))
    return model.to(memory_format=torch.contiguous_format).eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--weights", required=True, help="folder that train.py wrote")
    parser.add_argument("--bundled", required=True, help="npz with the images shipped with the zoo")
    parser.add_argument("--out", required=True, help="folder for models/ and zoo.json")
    args = parser.parse_args()

    os.makedirs(os.path.join(args.out, "models"), exist_ok=True)
    images, labels = load(args.bundled)
    images = images.contiguous()
    names = args.names or list(ARCHITECTURES)

    def path(name, form):
        return os.path.join(args.out, "models", f"{name}.{form}")

    # Scripting writes a class's constants in the order of a set of strings; a fixed hash makes it the same each time.
    os.environ["PYTHONHASHSEED"] = "0"
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        tasks = [(name, form, args.weights, path(name, form), images[:2]) for name in names for form in FORMS]
        pool.starmap(export, tasks, chunksize=1)

    entries = []
    for name in names:
        model = trained_model(name, args.weights)
        with open(os.path.join(args.weights, f"{name}.json")) as file:
            trained = json.load(file)
        with torch.no_grad():
            expected = model(images)
        for form in ("traced.pt", "scripted.pt"):
            check(path(name, form), expected, images, labels, trained["bundled_accuracy"])
        sizes = [os.path.getsize(path(name, form)) for form in FORMS]
        print(f"{name}: {parameter_count(model)} parameters, {sizes} bytes, {trained}")
        entries.append(
            dict(
                name=name,
                title=TITLES[name],
                architecture=(ARCHITECTURES[name].__doc__ or "").strip(),
                parameters=parameter_count(model),
                input_size=INPUT_SIZE,
                **trained,
            )
        )

    zoo = dict(
        schema="affinis.zoo/1",
        licence="Apache-2.0",
        images=dict(
            generator="dev.affinis.zoo.GenerateImages",
            size=INPUT_SIZE,
            classes=["disc", "ring", "square", "triangle", "cross", "star", "stripes", "checker", "dots", "waves"],
            **DATA,
        ),
        normalisation=dict(mean=MEAN, std=STD),
        training=dict(batch=BATCH, torch=torch.__version__),
        onnx_opset=OPSET,
        models=entries,
    )
    with open(os.path.join(args.out, "zoo.json"), "w") as file:
        json.dump(zoo, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
