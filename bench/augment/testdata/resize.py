"""Writes resize.json: what Pillow's bilinear filter, torchvision's for PIL images, makes of parts of a picture.

    python3 -m pip install pillow numpy && python3 bench/augment/testdata/resize.py > bench/augment/testdata/resize.json
"""
import json

import numpy as np
from PIL import Image

cases = []
random = np.random.default_rng(0)
for source, size, box in [(12, 6, (0, 0, 12, 12)), (20, 8, (2.5, 1.25, 17, 11)), (16, 8, (3, 4, 9.5, 12)), (16, 8, (2, 3, 10, 8))]:
    image = random.integers(0, 256, (source, source))
    x, y, w, h = box
    out = Image.fromarray(image.astype(np.float32), "F").resize((size, size), Image.BILINEAR, box=(x, y, x + w, y + h))
    cases.append({"source": source, "size": size, "image": image.ravel().tolist(), "box": box,
                  "want": [round(float(v), 4) for v in np.asarray(out).ravel()]})
print(json.dumps(cases))
