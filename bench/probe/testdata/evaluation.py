"""Writes evaluation.json: steps of linear evaluation by PyTorch's CrossEntropyLoss and SGD, as in MoCo's main_lincls.py.

    python3 -m pip install torch numpy && python3 bench/probe/testdata/evaluation.py > bench/probe/testdata/evaluation.json
"""
import json

import torch

torch.manual_seed(0)
n, dim, classes, batch, epochs = 20, 6, 4, 8, 4
x, labels = torch.randn(n, dim) * 0.3, torch.arange(n) % classes
layer = torch.nn.Linear(dim, classes)
layer.weight.data.normal_(mean=0.0, std=0.01)
layer.bias.data.zero_()
out = {"dim": dim, "classes": classes, "batch": batch, "rate": 3, "drops": [2, 3], "epochs": epochs, "momentum": 0.9,
       "x": x.ravel().tolist(), "labels": labels.tolist(), "weights": layer.weight.detach().ravel().tolist()}
sgd = torch.optim.SGD(layer.parameters(), 3, momentum=0.9)
for epoch in range(epochs):
    for group in sgd.param_groups:
        group["lr"] = 3 * 0.1 ** ((epoch >= 2) + (epoch >= 3))
    for at in range(0, n, batch):
        sgd.zero_grad()
        torch.nn.functional.cross_entropy(layer(x[at:at + batch]), labels[at:at + batch]).backward()
        sgd.step()
out["wantWeights"], out["wantBiases"] = layer.weight.detach().ravel().tolist(), layer.bias.detach().tolist()
out["wantCorrect"] = int((layer(x).argmax(1) == labels).sum())
print(json.dumps(out))
