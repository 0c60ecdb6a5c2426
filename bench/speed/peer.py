"""The peer of a cidbench training step: the same network, batch, queue, views and update in PyTorch; and of what brings
pictures to it, in torchvision.

Reads a JSON line with the job (Job in worker.go), answers with a line of what it is, and then answers requests, a JSON line
each (Request in worker.go): {"work": "step", "n": N} with the milliseconds of N steps on random images, views included;
{"work": "check", "file": F, "n": N} with the losses of N steps from the weights, on the views, and at the rates that cidbench
wrote to F; "decode" and "views" with the milliseconds of N samples of pictures. Needs PyTorch 2.1 or later, and for pictures
torchvision.
"""
import copy
import json
import math
import os
import struct
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

answers = os.fdopen(os.dup(1), "w")  # what a library prints is no answer
os.dup2(2, 1)
job = json.loads(sys.stdin.readline())
torch.set_num_threads(job["threads"])
torch.manual_seed(0)
config = job["train"]
net, settings = config["encoder"], config["augment"]
batch, groups = config["batch"], config["norm_groups"]
device = torch.device(job["device"])
amp = torch.autocast(device.type, torch.bfloat16, enabled=net.get("precision") == "bfloat16")
layout = torch.channels_last


class SplitNorm(nn.BatchNorm2d):
    """Batch norm with statistics of each group of the batch. Groups are runs of it: the usual reshape of groups into channels
    copies channels-last activations, and makes the step a third longer."""

    def forward(self, x):
        return super().forward(x) if groups == 1 else torch.cat([super(SplitNorm, self).forward(part) for part in x.chunk(groups)])


def conv(i, o, k, stride=1):
    return [nn.Conv2d(i, o, k, stride, k // 2, bias=False), SplitNorm(o)]


class Block(nn.Module):
    """A residual block, basic or bottleneck."""

    def __init__(self, i, stage, stride):
        super().__init__()
        width, out = stage["width"], stage["out"]
        if stage.get("basic"):
            body = [*conv(i, width, 3, stride), nn.ReLU(True), *conv(width, out, 3)]
        else:
            body = [*conv(i, width, 1), nn.ReLU(True), *conv(width, width, 3, stride), nn.ReLU(True), *conv(width, out, 1)]
        self.body = nn.Sequential(*body)
        self.shortcut = nn.Identity() if i == out and stride == 1 else nn.Sequential(*conv(i, out, 1, stride))

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def encoder():
    layers, i = [], 3
    kernel, stride = {"cifar": (3, 1), "imagenet": (7, 2)}.get(net.get("stem_kind"), (3, 2))
    for out in net["stem"]:
        layers += [*conv(i, out, kernel, stride), nn.ReLU(True)]
        i = out
    if net.get("stem_kind") == "imagenet":
        layers.append(nn.MaxPool2d(3, 2, 1))
    for stage in net["stages"]:
        for block in range(stage["blocks"]):
            layers.append(Block(i, stage, stage["stride"] if block == 0 else 1))
            i = stage["out"]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if net["hidden"]:
        layers += [nn.Linear(i, net["hidden"]), nn.ReLU(True)]
        i = net["hidden"]
    return nn.Sequential(*layers, nn.Linear(i, net["dim"]))


luma = torch.tensor([0.299, 0.587, 0.114], device=device).view(1, 3, 1, 1)
to_yiq = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
from_yiq, to_yiq = torch.linalg.inv(to_yiq).to(device), to_yiq.to(device)


def view(x):
    """Crop, flip, jitter, grey and blur, a whole batch at a time; x is [batch, 3, h, w] in 0..1."""
    n = x.shape[0]
    u = lambda *shape: torch.rand(*shape, device=device)
    area = settings["min_area"] + u(n) * (1 - settings["min_area"])
    ratio = ((u(n) * 2 - 1) * math.log(4 / 3)).exp()
    w, h = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0], theta[:, 1, 1] = w * torch.where(u(n) < settings["flip_prob"], -1.0, 1.0), h
    theta[:, 0, 2], theta[:, 1, 2] = (u(n) * 2 - 1) * (1 - w), (u(n) * 2 - 1) * (1 - h)
    x = F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)
    on = (u(n, 1, 1, 1) < settings["jitter_prob"]).float()
    jitter = lambda name: 1 + on * (u(n, 1, 1, 1) * 2 - 1) * settings[name]
    x = x * jitter("brightness")
    mean = (x * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    x = mean + jitter("contrast") * (x - mean)
    grey = (x * luma).sum(1, keepdim=True)
    x = grey + jitter("saturation") * (x - grey)
    turn = 2 * math.pi * (u(n) * 2 - 1) * settings["hue"] * on.view(n)
    rotate = torch.zeros(n, 3, 3, device=device)
    rotate[:, 0, 0], rotate[:, 1, 1], rotate[:, 2, 2] = 1, turn.cos(), turn.cos()
    rotate[:, 1, 2], rotate[:, 2, 1] = -turn.sin(), turn.sin()
    x = torch.einsum("nij,njhw->nihw", from_yiq @ rotate @ to_yiq, x)
    drop = (u(n, 1, 1, 1) < settings["grey_prob"]).float()
    x = drop * (x * luma).sum(1, keepdim=True) + (1 - drop) * x
    if settings["blur_prob"] > 0:
        sigma = settings["blur_min"] + u(n, 1) * (settings["blur_max"] - settings["blur_min"])
        reach = math.ceil(3 * settings["blur_max"])
        kernel = torch.exp(-torch.arange(-reach, reach + 1.0, device=device) ** 2 / (2 * sigma ** 2))
        delta = torch.zeros_like(kernel)
        delta[:, reach] = 1
        kernel = torch.where(u(n, 1) < settings["blur_prob"], kernel / kernel.sum(1, keepdim=True), delta).repeat_interleave(3, 0)
        side = x.shape[-1]
        x = F.pad(x.reshape(1, 3 * n, side, side), (reach,) * 4, mode="replicate")
        x = F.conv2d(x, kernel.view(3 * n, 1, 1, -1), groups=3 * n)
        x = F.conv2d(x, kernel.view(3 * n, 1, -1, 1), groups=3 * n).reshape(n, 3, side, side)
    return (x.clamp(0, 1) - 0.5) / 0.25


class Training:
    """A training in progress: both encoders, queue and optimiser."""

    def __init__(self):
        self.query = encoder().to(device, memory_format=layout)
        self.key = copy.deepcopy(self.query).requires_grad_(False)
        self.queue = F.normalize(torch.randn(config["queue"], net["dim"], device=device), dim=1)
        self.place = 0
        self.images = torch.randint(0, 256, (min(1024, 4 * batch), 3, net["size"], net["size"]), dtype=torch.uint8)
        self.sgd = torch.optim.SGD(self.query.parameters(), config["learning_rate"], momentum=config["momentum"], weight_decay=config["weight_decay"])
        # What compiles shares the parameters with what it is made of.
        self.encode, self.encode_key, self.view = self.query, self.key, view
        if job["compile"]:
            self.encode, self.encode_key, self.view = torch.compile(self.query), torch.compile(self.key), torch.compile(view)

    def update(self, query, key, places):
        """One step on two views of each image, [batch, 3, size, size]; places say where the key of each query stands."""
        with amp:
            q = self.encode(query.contiguous(memory_format=layout))
        q = F.normalize(q.float(), dim=1)
        with torch.no_grad():
            keys, params = list(self.key.parameters()), list(self.query.parameters())
            torch._foreach_mul_(keys, config["key_momentum"])
            torch._foreach_add_(keys, params, alpha=1 - config["key_momentum"])
            with amp:
                k = self.encode_key(key.contiguous(memory_format=layout))
            k = F.normalize(k.float(), dim=1)[places]
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ self.queue.T], 1) / config["temperature"]
        loss = F.cross_entropy(logits, torch.zeros(batch, dtype=torch.long, device=device))
        self.sgd.zero_grad()
        loss.backward()
        self.sgd.step()
        self.queue[self.place:self.place + batch] = k
        self.place = (self.place + batch) % config["queue"]
        return loss

    def step(self):
        x = self.images[torch.randint(0, len(self.images), (batch,))].to(device).float() / 255
        shuffle = torch.randperm(batch, device=device)
        return self.update(self.view(x), self.view(x)[shuffle], torch.argsort(shuffle))


def stepping(_):
    """Steps, to the loss on the host: what cidbench reads after each of its own."""
    training = Training()

    def step():
        training.step().item()
        if device.type == "cuda":
            torch.cuda.synchronize()
    return step, None


def decoding(request):
    """Squares of a picture file. Its central square alone is resized, as cidbench does: that is less work than the other way
    round."""
    with open(request["file"], "rb") as f:
        file = f.read()
    encoded, size = torch.frombuffer(bytearray(file), dtype=torch.uint8), [request["size"]] * 2

    def square(image, height, width):
        return TF.resize(TF.center_crop(image, min(height, width)), size, interpolation=T.InterpolationMode.BICUBIC, antialias=True)

    def one():
        if job.get("pillow"):
            image = Image.open(io.BytesIO(file)).convert("RGB")
            return numpy.asarray(square(image, image.height, image.width))
        image = decode_jpeg(encoded, ImageReadMode.RGB)
        return square(image, *image.shape[1:])

    def look(images):
        last = torch.as_tensor(numpy.array(images[-1])) if job.get("pillow") else images[-1].permute(1, 2, 0)
        field = size[0] // 8
        return last.double().reshape(8, field, 8, field, 3).mean((1, 3)).flatten().tolist()
    return lambda: [one() for _ in range(request["images"])], look


def viewing(request):
    """Two views of images of a set, whose shards are pixels [n, source, source, 3], as MoCo's transforms make them."""
    settings, source, n = request["augment"], request["source"], request["images"]
    raw = numpy.fromfile(os.path.join(request["file"], "train-0.u8"), numpy.uint8).reshape(-1, source, source, 3)
    if job.get("pillow"):
        images, to_tensor = [Image.fromarray(image) for image in raw], [T.ToImage()]
        blur = lambda x: x.filter(ImageFilter.GaussianBlur(random.uniform(settings["blur_min"], settings["blur_max"])))
    else:
        images, to_tensor = torch.from_numpy(raw).permute(0, 3, 1, 2).contiguous(), []
        if settings["blur_prob"] > 0:
            blur = T.GaussianBlur(2 * math.ceil(3 * settings["blur_max"]) + 1, (settings["blur_min"], settings["blur_max"]))
    steps = [
        T.RandomResizedCrop(request["size"], (settings["min_area"], 1), antialias=True),
        T.RandomApply([T.ColorJitter(*(settings[name] for name in ("brightness", "contrast", "saturation", "hue")))], settings["jitter_prob"]),
        T.RandomGrayscale(settings["grey_prob"]),
    ]
    if settings["blur_prob"] > 0:
        steps.append(T.RandomApply([blur], settings["blur_prob"]))
    to_floats = [*to_tensor, T.ToDtype(torch.float32, scale=True), T.Normalize([0.5] * 3, [0.25] * 3)]
    view, order = T.Compose([*steps, T.RandomHorizontalFlip(settings["flip_prob"]), *to_floats]), itertools.cycle(torch.randperm(len(images)).tolist())

    def sample():
        chosen = [images[next(order)] for _ in range(n)]
        return torch.stack([view(image) for image in chosen]), torch.stack([view(image) for image in chosen])

    def look(views):
        levels = 255 * (torch.cat(views).double() * 0.25 + 0.5).transpose(0, 1).flatten(1)
        return torch.stack([levels.mean(1), levels.std(1, correction=0)], 1).flatten().tolist()
    return sample, look


works, prepared = {"step": stepping, "decode": decoding, "views": viewing}, {}


def work(request):
    """Milliseconds of each of n samples, and if that is asked for what they look like on average."""
    kind = json.dumps({key: value for key, value in request.items() if key not in ("n", "look")}, sort_keys=True)
    if kind not in prepared:
        prepared[kind] = works[request["work"]](request)
    do, look = prepared[kind]
    took, looks = [], []
    for _ in range(request["n"]):
        start = time.perf_counter()
        made = do()
        took.append(1e3 * (time.perf_counter() - start))
        if request.get("look"):
            looks.append(look(made))
    return {"ms": took, "look": torch.tensor(looks).mean(0).tolist() if looks else None}


def read(file):
    """A safetensors file of float32 and int32 tensors, with its metadata."""
    with open(file, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = bytearray(f.read())
    metadata = header.pop("__metadata__")
    types = {"F32": torch.float32, "I32": torch.int32}
    return {name: torch.frombuffer(data[slice(*t["data_offsets"])], dtype=types[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}, metadata


def check(file, n):
    """Losses of n steps from given weights, on given views, at given rates."""
    tensors, metadata = read(file)
    t = Training()
    names = json.loads(metadata["params"])
    with torch.no_grad():
        for p, name in zip(t.query.parameters(), names, strict=True):
            given = tensors["query/" + name]
            if p.dim() == 4:  # [out, taps in rows then columns, in]
                given = given.reshape(p.shape[0], p.shape[2], p.shape[3], p.shape[1]).permute(0, 3, 1, 2)
            p.copy_(given.reshape(p.shape))
        t.key.load_state_dict(t.query.state_dict())
        t.queue.copy_(tensors["queue"])
    losses = []
    for i, rate in enumerate(tensors["rates"][:n].tolist()):
        for group in t.sgd.param_groups:
            group["lr"] = rate
        # [groups, 3, batch, size, size]
        query, key = (tensors[f"{side} views/{i}"].transpose(1, 2).flatten(0, 1).to(device) for side in ("query", "key"))
        places = tensors[f"places/{i}"].long()
        losses.append(t.update(query, key, places.to(device)).item())
    return losses


begins = job["work"]
name = "PyTorch " + torch.__version__ + (", compiled" if job["compile"] else ", eager")
if begins["work"] in ("decode", "views"):
    import io
    import itertools
    import random

    import numpy
    import torchvision
    from PIL import Image, ImageFilter, __version__ as pillow
    from torchvision.io import ImageReadMode, decode_jpeg
    from torchvision.transforms import v2 as T
    from torchvision.transforms.v2 import functional as TF
    random.seed(0)
    name = "torchvision " + torchvision.__version__ + (", Pillow " + pillow if job.get("pillow") else ", tensors")
first = work({**begins, "n": 1})["ms"][0]
work({**begins, "n": 4})
print(json.dumps({"name": name, "first_ms": first}), file=answers, flush=True)
for line in sys.stdin:
    request = json.loads(line)
    answer = {"losses": check(request["file"], request["n"])} if request["work"] == "check" else work(request)
    print(json.dumps(answer), file=answers, flush=True)
