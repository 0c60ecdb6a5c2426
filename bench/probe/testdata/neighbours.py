"""Writes neighbours.json: the weighted nearest-neighbour classifier in NumPy, as knn_predict of MoCo's CIFAR-10 notebook
computes it, on unit vectors around centres: how many test vectors are classified correctly.

    python3 -m pip install numpy && python3 bench/probe/testdata/neighbours.py > bench/probe/testdata/neighbours.json
"""
import json

import numpy as np

TRAIN, TEST, DIM, CLASSES, K, T = 150, 80, 8, 7, 25, 0.1

random = np.random.default_rng(7)
centres = random.normal(size=(CLASSES, DIM))


def unit(labels):
    x = centres[labels] + 1.2 * random.normal(size=(len(labels), DIM))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


train_labels, test_labels = random.integers(CLASSES, size=TRAIN), random.integers(CLASSES, size=TEST)
train, test = unit(train_labels), unit(test_labels)


def predict(k, t):
    cosines = test.astype(np.float64) @ train.astype(np.float64).T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    weights = np.exp(np.take_along_axis(cosines, nearest, axis=1) / t)
    scores = np.zeros((TEST, CLASSES))
    for i in range(TEST):
        np.add.at(scores[i], train_labels[nearest[i]], weights[i])
    return np.argmax(scores, axis=1)


def spelled(x):
    return [float(f"{v:.9g}") for v in x.ravel()]


print(json.dumps({
    "dim": DIM, "classes": CLASSES, "train": spelled(train), "test": spelled(test),
    "trainLabels": train_labels.tolist(), "testLabels": test_labels.tolist(),
    "want": [{"neighbours": k, "temperature": t, "correct": int((predict(k, t) == test_labels).sum())}
             for k, t in ((1, T), (K, T), (K, 0.01), (K, 10), (TRAIN, T), (10 * TRAIN, T))],
}))
