"""What torchvision's ResNets compute, printed for testdata/resnet.json: python3 resnet.py > resnet.json

pip install torch==2.4.1 torchvision==0.19.1 numpy. Weights, images and objective are numbers of a formula that
pytorch_test.go has too, so that only what is computed from them is written down.
"""
import json

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet

IMAGES, COLOURS, OBJECTIVE = 1 << 30, 1 << 31, 3 << 30  # where their numbers begin; those of tensors begin at 0


def numbers(start, *shape):
    """Numbers in [-1, 1), of a hash of a counter."""
    h = np.arange(start, start + np.prod(shape), dtype=np.uint32) * np.uint32(2654435761)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    return (h / 2.0**31 - 1).reshape(shape)


def fill(net):
    """Gives every tensor its numbers: weights by what they read, scales and variances about 1, the rest about 0."""
    at = 0
    for name, x in net.state_dict().items():
        if x.dtype != torch.float32:
            continue  # how many batches were seen
        values = numbers(at, *x.shape)
        at += x.numel()
        if x.dim() > 1:
            values *= np.sqrt(6 / (x.numel() / len(x)))
        else:
            values /= 2
            if name.endswith("running_var") or name.endswith("weight"):
                values += 1
        x.copy_(torch.from_numpy(values))
    return net


def images(n, size):
    """[n, 3, size, size]: noise on an 8x8 pattern of colours."""
    colours = numbers(COLOURS, n, 3, 8, 8).repeat(size // 8, 2).repeat(size // 8, 3)
    return torch.from_numpy((numbers(IMAGES, n, 3, size, size) / 2 + colours).astype(np.float32))


def moco_head(net, width, hidden, dim):
    net.fc = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, dim))


def cifar_stem(net, width):
    net.conv1, net.maxpool = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.Identity()


def narrow(block, stem, widths, blocks):
    """torchvision's network with other widths, and two stages."""
    net = resnet.ResNet(block, [1, 1, 1, 1])
    net.inplanes = stem
    net.conv1, net.bn1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False), nn.BatchNorm2d(stem)
    net.layer1 = net._make_layer(block, widths[0], blocks[0])
    net.layer2 = net._make_layer(block, widths[1], blocks[1], stride=2)
    net.layer3 = net.layer4 = nn.Identity()
    return net


def backbone(net, x):
    head, net.fc = net.fc, nn.Identity()
    features, net.fc = net(x), head
    return features


def rounded(x):
    return [float(f"{v:.7g}") for v in x.detach().double().flatten().tolist()]


def small(net, size, batch, dim):
    x = images(batch, size)
    with torch.no_grad():
        fill(net).eval()
        out = {"tensors": [k for k, v in net.state_dict().items() if v.dtype == torch.float32]}
        features = backbone(net, x)
        out["evaluated"] = {"features": rounded(features), "embedding": rounded(F.normalize(net.fc(features)))}
    embedding = F.normalize(net.train()(x))
    (embedding * torch.from_numpy(numbers(OBJECTIVE, batch, dim).astype(np.float32))).sum().backward()
    out["trained"] = rounded(embedding)
    out["gradients"] = {k: rounded(p.grad) for k, p in net.named_parameters()}
    out["statistics"] = {k: rounded(v) for k, v in net.named_buffers() if v.dtype == torch.float32}
    return out


def digest(x):
    x = x.flatten()
    return {"mean": rounded(x.mean())[0], "norm": rounded(x.norm())[0], "values": rounded(x[:: len(x) // 10][:10])}


@torch.no_grad()
def full(net, size):
    fill(net).eval()
    features = backbone(net, images(2, size))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "features": digest(features),
        "embedding": digest(F.normalize(net.fc(features))),
    }


def main():
    torch.use_deterministic_algorithms(True)
    with torch.no_grad():
        small50 = narrow(resnet.Bottleneck, 4, [4, 6], [2, 1])
        moco_head(small50, 24, 8, 6)
        small18 = narrow(resnet.BasicBlock, 6, [6, 8], [1, 2])
        cifar_stem(small18, 6)
        small18.fc = nn.Linear(8, 6)
        full50, full18 = resnet.resnet50(), resnet.resnet18(num_classes=128)
        moco_head(full50, 2048, 2048, 128)
        cifar_stem(full18, 64)
    out = {
        "made by": f"torch {torch.__version__}, torchvision {torchvision.__version__}",
        "narrow": {"ResNet-50": small(small50, 32, 4, 6), "ResNet-18": small(small18, 16, 4, 6)},
        "full": {"ResNet-50": full(full50, 224), "ResNet-18": full(full18, 32)},
    }
    print(json.dumps(out, separators=(",", ":")).replace('],"', '],\n"'))


if __name__ == "__main__":
    main()
