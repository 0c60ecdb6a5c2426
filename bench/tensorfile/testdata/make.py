"""Writes the files that tests read, and expected.json: what is in them, as NumPy and PyTorch say.

Made with Python 3.11, numpy 2.4.6, safetensors 0.8.0 and torch 2.4.1: pip install numpy safetensors torch
"""
import collections
import json
import os

import numpy as np
import safetensors.torch
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))
torch.manual_seed(1)
expected = {}
names = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def describe(x):
    if isinstance(x, torch.Tensor):
        values = x.detach().contiguous().reshape(-1)
        values = values.double() if x.is_floating_point() else values.long()
        return {"dtype": names[x.dtype], "shape": list(x.shape), "values": values.tolist()}
    kind = {"U": "TEXT", "S": "TEXT", "b": "BOOL", "f": "F", "i": "I", "u": "U"}[x.dtype.kind]
    if kind in "FIU":
        kind += str(8 * x.dtype.itemsize)
    values = x.reshape(-1).tolist()
    if x.dtype.kind == "S":
        values = [v.decode() for v in values]
    return {"dtype": kind, "shape": list(x.shape), "values": [int(v) if kind == "BOOL" else v for v in values]}


def flatten(x, name=""):
    if isinstance(x, torch.Tensor):
        return {name: describe(x)}
    items = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, (list, tuple)) else ()
    found = {}
    for key, value in items:
        found.update(flatten(value, f"{name}/{key}" if name else str(key)))
    return found


def save(name, content, **how):
    for form in ("zip", "legacy"):
        file = f"{name}.{form}.pt"
        torch.save(content, file, _use_new_zipfile_serialization=form == "zip", **how)
        expected[file] = flatten(content)


def encoder():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3, bias=False), torch.nn.BatchNorm2d(2))


# A state_dict, with its _metadata; and what MoCo's main_moco.py saves.
save("state", encoder().state_dict())
moco = collections.OrderedDict()
for name in ("encoder_q", "encoder_k"):
    for key, value in encoder().state_dict().items():
        moco[f"module.{name}.{key}"] = value
moco["module.queue"] = torch.nn.functional.normalize(torch.randn(4, 6), dim=0)
moco["module.queue_ptr"] = torch.zeros(1, dtype=torch.long)
model = encoder()
sgd = torch.optim.SGD(model.parameters(), 0.03, momentum=0.9, weight_decay=1e-4)
model(torch.randn(2, 3, 5, 5)).sum().backward()
sgd.step()
save("moco", {"epoch": 200, "arch": "resnet50", "state_dict": moco, "optimizer": sgd.state_dict()})

# All types; views that are not contiguous; storages that tensors share; other versions of pickle.
save("types", {str(t).removeprefix("torch."): torch.tensor([[0, 1, 2], [3, 100, 7]]).to(t) for t in names})
base = torch.arange(24.0).reshape(4, 6)
save("views", {"base": base, "transposed": base.t(), "column": base[:, 2], "stepped": base[1::2, ::3], "tail": base[2:],
               "scalar": base[3, 3], "empty": base[:0], "parameter": torch.nn.Parameter(base[1]), "size": base.shape})
save("protocol4", {"x": base[:2], "list": [base[0], (base[1], {"y": base[2]})], "n": 1 << 40}, pickle_protocol=4)

# What is refused: an object, which a pickle makes by calling what it likes; and what has its values many times.
torch.save({"x": torch.ones(1), "args": os.stat_result(range(10))}, "object.zip.pt")
torch.save({"x": torch.ones(1).expand(1000, 1000)}, "expanded.zip.pt")

arrays = {
    "f2": np.array([[0.5, -2, 65504], [6e-8, np.inf, -0.0]], "<f2"), "f4": np.arange(6, dtype="<f4").reshape(2, 3) / 3,
    "f8": np.linspace(0, 1, 5), "big": np.arange(6, dtype=">f4").reshape(3, 2), "fortran": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "i8": np.array([-1, 1 << 40]), "u1": np.array([0, 255], "u1"), "bool": np.array([True, False]), "scalar": np.array(3.5, "f4"),
    "text": np.array(["cat", "n02084071", "Grüße"]), "bytes": np.array([b"cat", b"horse"]), "empty": np.zeros((0, 4), "f4"),
}
arrays["f2"][1, 1] = 1  # JSON has no infinity
for name, x in arrays.items():
    np.save(f"{name}.npy", x)
    expected[f"{name}.npy"] = {"": describe(x)}
for file, write in {"stored.npz": np.savez, "packed.npz": np.savez_compressed}.items():
    write(file, **arrays)
    expected[file] = {name: describe(x) for name, x in arrays.items()}
np.save("objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)

tensors = {"a/weight": base.clone(), "half": base[0].half(), "brain": base[1].bfloat16(), "labels": torch.arange(4)}
safetensors.torch.save_file(tensors, "model.safetensors", metadata={"step": "7"})
expected["model.safetensors"] = flatten(tensors)

with open("expected.json", "w") as f:
    json.dump(expected, f, indent=0, sort_keys=True)
