"""The eight architectures of the bundled zoo, small enough to ship and to train on two cores.

Each follows the habits of the paper it comes from and of the code people run: where an activation sits,
whether it works in place, whether it is a module or a function call, and whether one module is called
twice. Those habits are what an instrumentation has to cope with, so they are kept on purpose.
All take N x 3 x 32 x 32 images, normalised with ImageNet's mean and deviation, and return N x 10 logits.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = 10
INPUT_SIZE = 32


class AlexNet(nn.Module):
    """Krizhevsky et al. 2012: two Sequentials, ReLU modules in place, dropout, no normalisation."""

    def __init__(self, dropout: float = 0.1):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 24, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(24, 40, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(40, 48, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(48, 40, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(40, 32, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(32 * 3 * 3, 64),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(64, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, CLASSES),
        )
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


class VGG(nn.Module):
    """Simonyan and Zisserman 2015, with batch normalisation: layers made from a list, ReLU in place."""

    CONFIGURATION = (16, 16, "M", 32, 32, "M", 48, 48, "M", 48, "M")

    def __init__(self, dropout: float = 0.1):
        super().__init__()
        layers = []
        channels = 3
        for step in self.CONFIGURATION:
            if step == "M":
                layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            else:
                layers += [
                    nn.Conv2d(channels, step, kernel_size=3, padding=1),
                    nn.BatchNorm2d(step),
                    nn.ReLU(inplace=True),
                ]
                channels = step
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(channels * 2 * 2, 64),
            nn.ReLU(True),
            nn.Dropout(dropout),
            nn.Linear(64, 64),
            nn.ReLU(True),
            nn.Dropout(dropout),
            nn.Linear(64, CLASSES),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


class BasicConv2d(nn.Module):
    """GoogLeNet's unit. Its activation is a function call: no module hook sees it."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride=stride, padding=padding, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return F.relu(x, inplace=True)


class Inception(nn.Module):
    """Four branches of different reach, concatenated."""

    def __init__(self, channels: int, ch1x1: int, ch3x3red: int, ch3x3: int, ch5x5red: int, ch5x5: int, pool: int):
        super().__init__()
        self.branch1 = BasicConv2d(channels, ch1x1, 1)
        self.branch2 = nn.Sequential(BasicConv2d(channels, ch3x3red, 1), BasicConv2d(ch3x3red, ch3x3, 3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(channels, ch5x5red, 1), BasicConv2d(ch5x5red, ch5x5, 5, padding=2))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1), BasicConv2d(channels, pool, 1)
        )
        self.out_channels = ch1x1 + ch3x3 + ch5x5 + pool

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(nn.Module):
    """Szegedy et al. 2015, without the auxiliary classifiers."""

    def __init__(self, dropout: float = 0.1):
        super().__init__()
        self.conv1 = BasicConv2d(3, 16, 3, stride=2, padding=1)
        self.conv2 = BasicConv2d(16, 16, 1)
        self.conv3 = BasicConv2d(16, 32, 3, padding=1)
        self.inception3a = Inception(32, 20, 16, 32, 4, 8, 8)
        self.inception3b = Inception(68, 24, 20, 40, 6, 12, 12)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, padding=1)
        self.inception4a = Inception(88, 28, 24, 48, 6, 12, 12)
        self.inception4b = Inception(100, 32, 24, 56, 8, 16, 16)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(120, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3(self.conv2(self.conv1(x)))
        x = self.inception3b(self.inception3a(x))
        x = self.maxpool2(x)
        x = self.inception4b(self.inception4a(x))
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(self.dropout(x))


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut. One ReLU module serves twice, after an addition in place."""

    def __init__(self, in_channels: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        out = self.relu(out)
        return out


class ResNet(nn.Module):
    """He et al. 2016: three stages of two basic blocks."""

    def __init__(self, widths=(16, 28, 48), blocks=(2, 2, 2)):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        channels = widths[0]
        for stage, (width, depth) in enumerate(zip(widths, blocks)):
            layer = []
            for block in range(depth):
                layer.append(BasicBlock(channels, width, stride=2 if stage > 0 and block == 0 else 1))
                channels = width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layer))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(x)


class DenseLayer(nn.Module):
    """Normalise, activate, convolve, twice; the input is kept and concatenated by the caller."""

    def __init__(self, channels: int, growth: int, bottleneck: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(channels, bottleneck * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck * growth)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.relu1(self.norm1(x)))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseBlock(nn.Module):
    def __init__(self, depth: int, channels: int, growth: int, bottleneck: int):
        super().__init__()
        self.layers = nn.ModuleList(
            [DenseLayer(channels + i * growth, growth, bottleneck) for i in range(depth)]
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


class DenseNet(nn.Module):
    """Huang et al. 2017. The last ReLU is a function call on the features."""

    def __init__(self, growth: int = 16, depths=(3, 5, 4), stem: int = 24, bottleneck: int = 2):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False),
                norm0=nn.BatchNorm2d(stem),
                relu0=nn.ReLU(inplace=True),
            )
        )
        channels = stem
        for i, depth in enumerate(depths):
            self.features.add_module(f"denseblock{i + 1}", DenseBlock(depth, channels, growth, bottleneck))
            channels += depth * growth
            if i + 1 < len(depths):
                transition = nn.Sequential(
                    OrderedDict(
                        norm=nn.BatchNorm2d(channels),
                        relu=nn.ReLU(inplace=True),
                        conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
                        pool=nn.AvgPool2d(2, stride=2),
                    )
                )
                self.features.add_module(f"transition{i + 1}", transition)
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        out = F.relu(features, inplace=True)
        out = F.adaptive_avg_pool2d(out, (1, 1))
        out = torch.flatten(out, 1)
        return self.classifier(out)


class SqueezeExcitation(nn.Module):
    """A gate per channel, computed from the channel means: ReLU inside, Hardsigmoid outside."""

    def __init__(self, channels: int, squeeze: int):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeeze, 1)
        self.activation = nn.ReLU()
        self.fc2 = nn.Conv2d(squeeze, channels, 1)
        self.scale_activation = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.avgpool(x)
        scale = self.activation(self.fc1(scale))
        scale = self.scale_activation(self.fc2(scale))
        return scale * x


def conv_norm_activation(in_channels, out_channels, kernel_size, stride=1, groups=1, activation=None):
    """Convolution, batch normalisation and, where one is given, an activation in place."""
    layers = [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=(kernel_size - 1) // 2,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(out_channels, eps=0.001),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """Expand, filter per channel, squeeze and excite, project."""

    def __init__(self, in_channels, kernel_size, expanded, out_channels, squeeze, activation, stride):
        super().__init__()
        self.use_res_connect = stride == 1 and in_channels == out_channels
        layers = []
        if expanded != in_channels:
            layers.append(conv_norm_activation(in_channels, expanded, 1, activation=activation))
        layers.append(
            conv_norm_activation(expanded, expanded, kernel_size, stride, groups=expanded, activation=activation)
        )
        if squeeze:
            layers.append(SqueezeExcitation(expanded, max(8, expanded // 4)))
        layers.append(conv_norm_activation(expanded, out_channels, 1))
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        result = self.block(x)
        if self.use_res_connect:
            result += x
        return result


class MobileNetV3(nn.Module):
    """Howard et al. 2019: Hardswish in place, ReLU in the early blocks, squeeze and excitation."""

    #            kernel, expanded, out, squeeze, activation, stride
    BLOCKS = (
        (3, 16, 16, True, nn.ReLU, 1),
        (3, 64, 24, False, nn.ReLU, 1),
        (3, 80, 24, False, nn.ReLU, 1),
        (5, 80, 32, True, nn.Hardswish, 2),
        (5, 96, 32, True, nn.Hardswish, 1),
        (5, 96, 40, True, nn.Hardswish, 1),
    )

    def __init__(self, dropout: float = 0.1):
        super().__init__()
        channels = 16
        layers = [conv_norm_activation(3, channels, 3, stride=2, activation=nn.Hardswish)]
        for kernel_size, expanded, out_channels, squeeze, activation, stride in self.BLOCKS:
            layers.append(
                InvertedResidual(channels, kernel_size, expanded, out_channels, squeeze, activation, stride)
            )
            channels = out_channels
        layers.append(conv_norm_activation(channels, 120, 1, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(120, 128),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(128, CLASSES),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of an N x C x H x W tensor."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, then a perceptron per position on channels-last data, then a layer scale."""

    def __init__(self, channels: int, layer_scale: float):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(layer_scale * torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        x = self.dwconv(x)
        x = x.permute(0, 2, 3, 1)
        x = self.norm(x)
        x = self.pwconv2(self.act(self.pwconv1(x)))
        x = self.gamma * x
        x = x.permute(0, 3, 1, 2)
        return shortcut + x


class ConvNeXt(nn.Module):
    """Liu et al. 2022. A 2 x 2 patch stem suits images of 32 pixels."""

    def __init__(self, widths=(20, 36, 56), depths=(2, 3, 2), layer_scale: float = 0.1):
        super().__init__()
        stages = []
        channels = 3
        for width, depth in zip(widths, depths):
            reduce = nn.Conv2d(channels, width, kernel_size=2, stride=2)
            if channels == 3:
                stages.append(nn.Sequential(reduce, LayerNorm2d(width, eps=1e-6)))
            else:
                stages.append(nn.Sequential(LayerNorm2d(channels, eps=1e-6), reduce))
            stages.append(nn.Sequential(*[ConvNeXtBlock(width, layer_scale) for _ in range(depth)]))
            channels = width
        self.features = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.head = nn.Linear(channels, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = self.norm(x.mean([-2, -1]))
        return self.head(x)


class Attention(nn.Module):
    """Multi-head self-attention with one projection for queries, keys and values."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attention = (q @ k.transpose(-2, -1)) * self.scale
        attention = attention.softmax(dim=-1)
        x = (attention @ v).transpose(1, 2).reshape(batch, tokens, width)
        return self.proj(x)


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act(self.fc1(x)))


class EncoderBlock(nn.Module):
    """Normalisation first, as in the vision transformer."""

    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Dosovitskiy et al. 2021: patches of 4 x 4 pixels, a class token, GELU perceptrons."""

    def __init__(self, width: int = 48, depth: int = 5, heads: int = 3, patch: int = 4):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, kernel_size=patch, stride=patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, (INPUT_SIZE // patch) ** 2 + 1, width))
        self.blocks = nn.Sequential(*[EncoderBlock(width, heads, 3 * width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, CLASSES)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.trunc_normal_(self.cls_token, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.blocks(x + self.pos_embed)
        return self.head(self.norm(x)[:, 0])


ARCHITECTURES = OrderedDict(
    alexnet=AlexNet,
    vgg=VGG,
    googlenet=GoogLeNet,
    resnet=ResNet,
    densenet=DenseNet,
    mobilenetv3=MobileNetV3,
    convnext=ConvNeXt,
    vit=VisionTransformer,
)


def parameter_count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
