"""Writes the checkpoints that tests import, and expected.json: what PyTorch embeds with them.

Made with torch 2.4.1, torchvision 0.19.1 and safetensors 0.8.0: pip install torch==2.4.1 torchvision==0.19.1 numpy safetensors
With a folder as its argument it writes MoCo v2's ResNet-50 in full size there, beside what it embeds.
"""
import collections
import copy
import json
import os
import sys

import numpy as np
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../encoder/testdata"))
from resnet import backbone, cifar_stem, fill, moco_head, narrow, numbers, rounded

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def images(n, size, normalisation):
    """n images of bytes, [n, size, size, 3] of a formula, as an encoder takes them: [n, 3, size, size]."""
    pixels = ((numbers(1 << 30, n, size, size, 3) + 1) * 128).astype(np.uint8)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in normalisation)
    return (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - mean) / std


@torch.no_grad()
def embed(net, size, normalisation, head=True):
    features = backbone(net.eval(), images(5, size, normalisation))
    return {"features": rounded(features), "embedding": rounded(F.normalize(net.fc(features) if head else features))}


def moco(encoder, queue, dim):
    """What MoCo's main_moco.py saves, of an encoder of the queries and another of the keys."""
    state = collections.OrderedDict()
    for key, value in encoder.state_dict().items():
        state[f"module.encoder_q.{key}"] = value
    for key, value in encoder.state_dict().items():
        state[f"module.encoder_k.{key}"] = value * 0.5 if value.is_floating_point() else value
    state["module.queue"] = torch.from_numpy(numbers(7, dim, queue).astype(np.float32))
    state["module.queue_ptr"] = torch.zeros(1, dtype=torch.long)
    trained = copy.deepcopy(encoder).train()
    sgd = torch.optim.SGD(trained.parameters(), 0.03, momentum=0.9)
    trained(torch.randn(2, 3, 32, 32)).sum().backward()
    sgd.step()
    return {"epoch": 200, "arch": "resnet50", "state_dict": state, "optimizer": sgd.state_dict()}


def full(folder):
    net = resnet.resnet50()
    moco_head(net, 2048, 2048, 128)
    with torch.no_grad():
        fill(net)
    expected = embed(net, 224, IMAGENET)
    state = {f"module.encoder_q.{k}": v for k, v in net.state_dict().items()}
    torch.save({"epoch": 200, "arch": "resnet50", "state_dict": state}, os.path.join(folder, "moco.pth.tar"))
    with open(os.path.join(folder, "expected.json"), "w") as f:
        json.dump(expected, f)


def main():
    expected = {}
    with torch.no_grad():
        small50 = narrow(resnet.Bottleneck, 4, [4, 6], [2, 1])
        moco_head(small50, 24, 8, 6)
        fill(small50)
        small18 = narrow(resnet.BasicBlock, 6, [6, 8], [1, 2])
        cifar_stem(small18, 6)
        small18.fc = nn.Linear(8, 10)
        fill(small18)
    expected["moco"] = embed(small50, 32, IMAGENET)
    checkpoint = moco(small50, 7, 6)
    for form, zipped in {"zip": True, "legacy": False}.items():
        torch.save(checkpoint, f"moco.{form}.pth.tar", _use_new_zipfile_serialization=zipped)
    # Plain names with a classifier, as torchvision's; a Sequential of the children, as in MoCo's notebook, whose max-pool is
    # left out; one with the max-pool, behind the name that others give a backbone.
    expected["supervised"] = embed(small18, 16, CIFAR, head=False)
    safetensors.torch.save_file(small18.state_dict(), "supervised.safetensors")
    expected["notebook"] = embed(small18, 16, CIFAR)
    parts = [small18.conv1, small18.bn1, small18.relu, small18.layer1, small18.layer2, small18.layer3, small18.layer4, small18.avgpool, nn.Flatten(1), small18.fc]
    notebook = {f"encoder_q.net.{k}": v for k, v in nn.Sequential(*parts).state_dict().items()}
    torch.save({"epoch": 3, "state_dict": notebook}, "notebook.pth")
    expected["children"] = embed(small50, 32, IMAGENET, head=False)
    # ResNet-18 in full size, as MoCo's notebook has it for CIFAR-10: its file would be one of 45 MB, so that the test fills it
    # by the same formula.
    with torch.no_grad():
        full18 = resnet.resnet18(num_classes=128)
        cifar_stem(full18, 64)
        fill(full18)
    expected["full18"] = {"embedding": embed(full18, 32, CIFAR)["embedding"]}
    children = nn.Sequential(*list(small50.children())[:-1]).state_dict()
    np.savez_compressed("children.npz", **{f"backbone.{k}": v.numpy() for k, v in children.items()}, **{"projection_head.layers.0.weight": np.ones((4, 24), "f4")})
    with open("expected.json", "w") as f:
        json.dump(expected, f, indent=0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        full(sys.argv[1])
    else:
        os.chdir(here)
        torch.manual_seed(1)
        main()
