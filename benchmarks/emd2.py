#!/usr/bin/python3
"""Affinis's assignment solver against POT's emd2, in turn on the same cost matrices.

    ./mvnw -q -B -ntp -Pbenchmarks -DskipTests package
    python3 benchmarks/emd2.py                     # real captures, n = 2048, widths 2 to 512
    python3 benchmarks/emd2.py --synthetic         # ReLU of Gaussian and independent clouds, n = 512 to 4096
    python3 benchmarks/emd2.py --synthetic --samples 10000 --widths 64,512

Needs Debian's python3-pot (0.8.2) and python3-sklearn, or the packages of the same names from PyPI.

Real captures are the pooled inputs X and outputs Y of every activation of the bundled models and, where
--golden is a folder with them, of more models. The clouds are T(X) - mY and Y - mY, computed here with NumPy
and scikit-learn's Ledoit-Wolf, and the costs their squared distances. Each solver gets the ready matrix; only
the solving is timed, the best of RUNS runs (one where that takes more than 5 s). Costs found must agree to 1e-9.
NAME[:2] are the first two channels of a wider site: few sites are that narrow.

Images: for the bundled models 2048 freshly drawn ones, seed 2, none of them seen in training. The
other models have 512 CIFAR-10 or 256 ImageNet photographs; up to --samples they are multiplied by shifts
(up to an eighth of the side, reflected) and horizontal flips, all different. CIFAR models take them at 32
pixels, the photographs are resized to 64 or 224, what each model was made for.
"""

import argparse
import glob
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import ot
from sklearn.covariance import ledoit_wolf

ROOT = Path(__file__).resolve().parent.parent
JAR = ROOT / "benchmarks/target/benchmarks.jar"
ZOO = ROOT / "model-zoo-tests/zoo/models"
NARROW = {2, 8}  # few sites are that narrow: the leading channels of each model's first are taken, too
LONG = 5.0  # seconds from which on one run has to do
AGREEMENT = 1e-9
RIDGE = 1e-6

# Data, side in pixels, models.
BUNDLED = [("zoo", 32, ["mobilenetv3", "resnet", "densenet", "convnext", "vit"])]
GOLDEN = [
    ("cifar_test512", 32, ["cifar_resnet20", "cifar_resnet56"]),
    ("imagenet_sample256", 64, ["efficientnet_b0_w4", "googlenet_w8"]),
    ("imagenet_sample256", 224, ["squeezenet1_1_imagenet", "alexnet_w8"]),
]


def java(*arguments):
    properties = {
        "ai.djl.offline": "true",
        "OPT_OUT_TRACKING": "true",
        "org.slf4j.simpleLogger.defaultLogLevel": "error",
    }
    options = [f"-D{name}={value}" for name, value in properties.items()]
    return ["java", "-Xmx4g", *options, "-cp", str(JAR), *map(str, arguments)]


def run_java(*arguments):
    subprocess.run(java(*arguments), check=True)


def multiply(images, count):
    """The images, then shifted and flipped ones, no two the same way, up to count."""
    random = np.random.default_rng(0)
    number, height, width = images.shape[:3]
    reach = height // 8
    side = 2 * reach + 1
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
    unchanged = 2 * (reach * side + reach)
    others = np.delete(np.arange(2 * side * side), unchanged)
    rounds = -(-count // number)
    ways = [[unchanged, *random.choice(others, rounds - 1, replace=False)] for _ in range(number)]
    result = np.empty((rounds * number, *images.shape[1:]), np.uint8)
    for i in range(rounds * number):
        way = ways[i % number][i // number]
        top, left = divmod(way // 2, side)
        image = padded[i % number, top : top + height, left : left + width]
        result[i] = image[:, ::-1] if way % 2 else image
    result = result[:count]
    assert len({image.tobytes() for image in result}) == len(result), "images must be distinct"
    return result


def images(name, golden, folder, count):
    path = folder / f"{name}-{count}.npz"
    if not path.exists():
        if name == "zoo":
            run_java("dev.affinis.zoo.GenerateImages", "--count", count, "--seed", 2, "--out", path)
        else:
            np.savez(path, images=multiply(np.load(golden / f"{name}.npz")["images"], count))
    return path


def capture(golden, folder, count):
    """Runs the models that have not been run yet; returns a file per site."""
    captures = folder / f"captures-{count}"
    captures.mkdir(parents=True, exist_ok=True)
    sets = [(ZOO, *entry) for entry in BUNDLED]
    if golden.is_dir():
        sets += [(golden / "models", *entry) for entry in GOLDEN]
    for models, data, pixels, names in sets:
        missing = [name for name in names if not glob.glob(f"{captures}/{name}-*.npz")]
        for name in missing:
            print(f"capturing {name} on {count} images ...", flush=True)
            run_java(
                "dev.affinis.benchmarks.DumpCaptures",
                captures,
                count,
                images(data, golden, folder, count),
                pixels,
                models / f"{name}.traced.pt",
            )
    return sorted(captures.glob("*.npz"))


def clouds(pre, post):
    """T(X) - mY and Y - mY for the Gaussian transport map T between Ledoit-Wolf estimates."""
    x = pre.astype(np.float64) - pre.mean(0, dtype=np.float64)
    y = post.astype(np.float64) - post.mean(0, dtype=np.float64)
    sx, sy = shrunk(x), shrunk(y)
    lower = np.linalg.cholesky(sy)
    w, v = np.linalg.eigh(lower.T @ sx @ lower)
    w = np.maximum(w, w.max() * len(w) * np.finfo(float).eps)
    return x @ (lower @ (v / np.sqrt(w)) @ v.T @ lower.T), y


def shrunk(x):
    covariance = ledoit_wolf(x)[0]
    return covariance + RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


def squared_distances(a, b):
    products = a @ b.T
    products *= -2
    products += (a * a).sum(1)[:, None]
    products += (b * b).sum(1)
    return np.maximum(products, 0, out=products)


class Affinis:
    """The other solver, waiting in a Java process."""

    def __init__(self, folder):
        self.file = folder / "current.npy"
        self.process = subprocess.Popen(
            java("dev.affinis.benchmarks.SolveCosts"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 4:
            raise SystemExit("the Java side ended, see above")
        return float(answer[0]), float(answer[1]), float(answer[2]), int(answer[3])

    def take(self, costs):
        """Hands a matrix over, which is solved once, untimed."""
        np.save(self.file, costs)
        self.ask(self.file)

    def solve(self):
        return self.ask("")

    def warm_up(self):
        """Until the virtual machine has compiled every path."""
        random = np.random.default_rng(0)
        for d in (1, 2, 4, 8, 16, 64) * 2:
            x = random.standard_normal((500, d))
            self.take(squared_distances(*clouds(x, np.maximum(x, 0))))
            self.take(squared_distances(x, random.standard_normal((500, d))))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.file.unlink(missing_ok=True)


def emd2(costs, threads):
    n = len(costs)
    weights = np.full(n, 1 / n)
    start = time.perf_counter()
    # The limit is high enough for any of these to be solved to the end; it warns otherwise.
    cost = ot.emd2(weights, weights, costs, numItermax=10**9, numThreads=threads)
    return time.perf_counter() - start, cost * n


def compare(name, a, b, affinis, runs):
    costs = squared_distances(a, b)
    affinis.take(costs)
    best = [np.inf, np.inf, np.inf]
    for _ in range(runs):
        one, expected = emd2(costs, 1)
        two, _ = emd2(costs, 2)
        ours, found, gap, fixed = affinis.solve()
        best = np.minimum(best, [one, two, ours])
        if one > LONG:
            break
    if abs(found - expected) > AGREEMENT * expected or gap > AGREEMENT:
        raise SystemExit(f"{name}: emd2 found {expected}, Affinis {found} with a gap of {gap}")
    ratio = min(best[:2]) / best[2]
    print(
        f"{name:36s} {len(a):6d} {a.shape[1]:5d} {fixed / len(a):9.3f}"
        f" {best[0]:9.3f} {best[1]:9.3f} {best[2]:9.3f} {ratio:8.1f}",
        flush=True,
    )
    return a.shape, fixed == len(a), min(best[:2]), best[2], ratio


def heading():
    print(
        f"{'case':36s} {'n':>6s} {'d':>5s} {'identity':>9s}"
        f" {'emd2 1':>9s} {'emd2 2':>9s} {'Affinis':>9s} {'ratio':>8s}"
    )


def real_cases(files, widths):
    for file in files:
        width = int(re.search(r"-d(\d+)-", file.name).group(1))
        part = {d for d in NARROW if d < width and "-00-" in file.name}
        for d in sorted((part | {width}) & set(widths or [width])):
            sides = np.load(file)
            pre, post = sides["pre"][:, :d], sides["post"][:, :d]
            if pre.shape == post.shape and np.ptp(post, 0).any():
                yield file.stem + ("" if d == width else f"[:{d}]"), *clouds(pre, post)


def synthetic_cases(sizes, widths):
    for n in sizes:
        for d in widths:
            random = np.random.default_rng(d)
            x = random.standard_normal((n, d))
            yield "relu of gaussian", *clouds(x, np.maximum(x, 0))
            yield "independent gaussians", x, random.standard_normal((n, d))


def summarise(results):
    print("\nidentity: cases in which it is optimal; seconds: medians, of emd2 the faster of its two")
    print(f"{'n':>6s} {'d':>5s} {'cases':>6s} {'identity':>9s} {'emd2':>9s} {'Affinis':>9s} {'ratio: least':>13s} {'median':>8s}")
    for n, d in sorted({shape for shape, *_ in results}):
        identity, theirs, ours, ratio = np.array([rest for shape, *rest in results if shape == (n, d)]).T
        print(
            f"{n:6d} {d:5d} {len(ratio):6d} {int(identity.sum()):9d} {np.median(theirs):9.3f} {np.median(ours):9.3f}"
            f" {ratio.min():13.1f} {np.median(ratio):8.1f}"
        )


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", action="store_true", help="random clouds in place of real captures")
    parser.add_argument("--samples", type=numbers, help="n, or several for random clouds: 512,1024")
    parser.add_argument("--widths", type=numbers, help="only these d; 0 for all (default 2,8,16,32,64,128,256,512)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each solver (default 3)")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--golden", type=Path, default=ROOT / "../shared/golden", help="folder with more models")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/target/emd2", help="folder for captures")
    options = parser.parse_args()
    widths = options.widths or [2, 8, 16, 32, 64, 128, 256, 512]
    if not JAR.exists():
        parser.error(f"{JAR} is missing: ./mvnw -q -B -ntp -Pbenchmarks -DskipTests package")
    options.out.mkdir(parents=True, exist_ok=True)
    if options.synthetic:
        cases = synthetic_cases(options.samples or [512, 1024, 2048, 4096], widths)
    else:
        files = capture(options.golden, options.out, (options.samples or [2048])[0])
        cases = real_cases([f for f in files if options.only in f.name], [] if widths == [0] else widths)
    affinis = Affinis(options.out)
    affinis.warm_up()
    heading()
    results = [compare(*case, affinis, options.runs) for case in cases]
    affinis.close()
    summarise(results)


if __name__ == "__main__":
    main()
