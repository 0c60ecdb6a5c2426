"""The peer of a cidbench training step in PyTorch: the same network, batch, queue and views.

Reads one JSON line with the tier's training configuration and the number of threads, then one line
with a number of steps at a time; answers each with a JSON line of the milliseconds of every step.
Images are random: only time is measured. Needs PyTorch 1.13 or later (Debian: python3-torch).
"""
import copy
import json
import math
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

config = json.loads(sys.stdin.readline())
torch.set_num_threads(config["threads"])
torch.manual_seed(0)
net, views = config["encoder"], config["augment"]
batch, groups = config["batch"], config["norm_groups"]


class SplitNorm(nn.BatchNorm2d):
    """Batch norm with statistics of each group of the batch, by the usual reshape of groups into channels."""

    def forward(self, x):
        n, c, h, w = x.shape
        y = F.batch_norm(x.reshape(n // groups, c * groups, h, w), self.running_mean.repeat(groups), self.running_var.repeat(groups),
                         self.weight.repeat(groups), self.bias.repeat(groups), True, self.momentum, self.eps)
        return y.reshape(n, c, h, w)


def conv(i, o, k, stride=1):
    return [nn.Conv2d(i, o, k, stride, (k - 1) // 2, bias=False), SplitNorm(o)]


class Bottleneck(nn.Module):
    def __init__(self, i, width, out, stride):
        super().__init__()
        self.body = nn.Sequential(*conv(i, width, 1), nn.ReLU(True), *conv(width, width, 3, stride), nn.ReLU(True), *conv(width, out, 1))
        self.shortcut = nn.Identity() if i == out and stride == 1 else nn.Sequential(*conv(i, out, 1, stride))

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def encoder():
    layers, i = [], 3
    for out in net["stem"]:
        layers += [*conv(i, out, 3, 2), nn.ReLU(True)]
        i = out
    for stage in net["stages"]:
        for block in range(stage["blocks"]):
            layers.append(Bottleneck(i, stage["width"], stage["out"], stage["stride"] if block == 0 else 1))
            i = stage["out"]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, net["hidden"]), nn.ReLU(True), nn.Linear(net["hidden"], net["dim"])]
    return nn.Sequential(*layers)


def view(x):
    """Crop, flip, jitter, grey and blur, a whole batch at a time; x is [batch, 3, h, w] in 0..1."""
    n = x.shape[0]
    u = lambda *shape: torch.rand(*shape)
    area = views["min_area"] + u(n) * (1 - views["min_area"])
    ratio = ((u(n) * 2 - 1) * math.log(4 / 3)).exp()
    w, h = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = w * torch.where(u(n) < views["flip_prob"], -1.0, 1.0), h
    theta[:, 0, 2], theta[:, 1, 2] = (u(n) * 2 - 1) * (1 - w), (u(n) * 2 - 1) * (1 - h)
    x = F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)
    on = (u(n, 1, 1, 1) < views["jitter_prob"]).float()
    jitter = lambda name: 1 + on * (u(n, 1, 1, 1) * 2 - 1) * views[name]
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    x = x * jitter("brightness")
    mean = (x * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    x = mean + jitter("contrast") * (x - mean)
    grey = (x * luma).sum(1, keepdim=True)
    x = grey + jitter("saturation") * (x - grey)
    to = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
    turn = 2 * math.pi * (u(n) * 2 - 1) * views["hue"] * on.view(n)
    rotate = torch.zeros(n, 3, 3)
    rotate[:, 0, 0], rotate[:, 1, 1], rotate[:, 2, 2] = 1, turn.cos(), turn.cos()
    rotate[:, 1, 2], rotate[:, 2, 1] = -turn.sin(), turn.sin()
    x = torch.einsum("nij,njhw->nihw", torch.linalg.inv(to) @ rotate @ to, x)
    drop = (u(n, 1, 1, 1) < views["grey_prob"]).float()
    x = drop * (x * luma).sum(1, keepdim=True) + (1 - drop) * x
    if views["blur_prob"] > 0:
        sigma = views["blur_min"] + u(n, 1) * (views["blur_max"] - views["blur_min"])
        reach = math.ceil(3 * views["blur_max"])
        kernel = torch.exp(-torch.arange(-reach, reach + 1.0) ** 2 / (2 * sigma ** 2))
        delta = torch.zeros_like(kernel)
        delta[:, reach] = 1
        kernel = torch.where(u(n, 1) < views["blur_prob"], kernel / kernel.sum(1, keepdim=True), delta).repeat_interleave(3, 0)
        side = x.shape[-1]
        x = F.pad(x.reshape(1, 3 * n, side, side), (reach,) * 4, mode="replicate")
        x = F.conv2d(x, kernel.view(3 * n, 1, 1, -1), groups=3 * n)
        x = F.conv2d(x, kernel.view(3 * n, 1, -1, 1), groups=3 * n).reshape(n, 3, side, side)
    return (x.clamp(0, 1) - 0.5) / 0.25


query = encoder().to(memory_format=torch.channels_last)
key = copy.deepcopy(query)
for p in key.parameters():
    p.requires_grad = False
queue = F.normalize(torch.randn(config["queue"], net["dim"]), dim=1)
sgd = torch.optim.SGD(query.parameters(), config["learning_rate"], momentum=config["momentum"], weight_decay=config["weight_decay"])
images = torch.randint(0, 256, (1024, 3, net["size"], net["size"]), dtype=torch.uint8)
place = 0


def step():
    global place
    x = images[torch.randint(0, len(images), (batch,))].float() / 255
    v1, v2 = view(x).contiguous(memory_format=torch.channels_last), view(x)
    q = F.normalize(query(v1), dim=1)
    with torch.no_grad():
        m = config["key_momentum"]
        for p, k in zip(query.parameters(), key.parameters()):
            k.mul_(m).add_(p, alpha=1 - m)
        shuffle = torch.randperm(batch)
        k = F.normalize(key(v2[shuffle].contiguous(memory_format=torch.channels_last)), dim=1)[torch.argsort(shuffle)]
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / config["temperature"]
    loss = F.cross_entropy(logits, torch.zeros(batch, dtype=torch.long))
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    queue[place:place + batch] = k
    place = (place + batch) % config["queue"]


for _ in range(5):
    step()
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    took = []
    for _ in range(int(line)):
        start = time.perf_counter()
        step()
        took.append(1e3 * (time.perf_counter() - start))
    print(json.dumps(took), flush=True)
