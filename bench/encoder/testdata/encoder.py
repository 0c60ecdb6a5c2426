"""The encoder as a module of PyTorch: encoder.py DIR CONFIG loads DIR/encoder.safetensors into it, strictly, and prints
by how much its embeddings of x in DIR/input.safetensors differ from want there, at most."""
import json
import sys

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, channels, width, out, stride, basic):
        super().__init__()
        kernels = [(channels, width, 3, stride), (width, out, 3, 1)] if basic else [(channels, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
        self.depth = len(kernels)
        for i, (a, b, k, s) in enumerate(kernels, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, k, s, k // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        if channels != out or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = F.relu(y) if i < self.depth else y
        return F.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        kernel, stride = {"cifar": (3, 1), "imagenet": (7, 2)}.get(c.get("stem_kind"), (3, 2))
        self.pool = c.get("stem_kind") == "imagenet"
        self.stem, channels = len(c["stem"]), 3
        for i, out in enumerate(c["stem"], 1):
            setattr(self, f"conv{i}", nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(out))
            channels = out
        self.stages = len(c["stages"])
        for i, s in enumerate(c["stages"], 1):
            blocks = []
            for j in range(s["blocks"]):
                blocks.append(Block(channels, s["width"], s["out"], s["stride"] if j == 0 else 1, s.get("basic")))
                channels = s["out"]
            setattr(self, f"layer{i}", nn.Sequential(*blocks))
        hidden, dim = c.get("hidden", 0), c["dim"]
        self.fc = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, dim)) if hidden else nn.Linear(channels, dim)

    def forward(self, x):
        for i in range(1, self.stem + 1):
            x = F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        x = F.max_pool2d(x, 3, 2, 1) if self.pool else x
        for i in range(1, self.stages + 1):
            x = getattr(self, f"layer{i}")(x)
        return F.normalize(self.fc(x.mean((2, 3))))


if __name__ == "__main__":
    encoder = Encoder(json.loads(sys.argv[2]))
    encoder.load_state_dict(load_file(sys.argv[1] + "/encoder.safetensors"))
    given = load_file(sys.argv[1] + "/input.safetensors")
    with torch.no_grad():
        got = encoder.eval()(given["x"].transpose(0, 1))
    print((got - given["want"]).abs().max().item())
