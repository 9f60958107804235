"""Images/s of EfficientNet-Lite0 in PyTorch eager on the CPU. torch_lite0.py SIDE THREADS features|fine-tuning|training"""

import sys
import time

import torch
from torch import nn

side, threads, what = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(threads)
batch, steps = 32, 12
stages = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]


def conv(inputs, outputs, kernel, stride=1, groups=1, activated=True):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3),
    ]
    return nn.Sequential(*layers, *([nn.ReLU6()] if activated else []))


class Block(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        parts = [conv(inputs, wide, 1)] if expansion > 1 else []
        parts += [conv(wide, wide, kernel, stride, wide), conv(wide, outputs, 1, activated=False)]
        self.parts = nn.Sequential(*parts)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.parts(x)
        return x + y if self.residual else y


layers, channels = [conv(3, 32, 3, 2)], 32
for repeats, kernel, stride, expansion, outputs in stages:
    for i in range(repeats):
        layers.append(Block(channels, outputs, kernel, stride if i == 0 else 1, expansion))
        channels = outputs
model = nn.Sequential(*layers, conv(channels, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 12))
model = model.to(memory_format=torch.channels_last)
if what != "training":
    # Batch norm and the layers below the sixth block are frozen, as in the recipe `pretrained`.
    model.eval()
    for layer in model[:6]:
        layer.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.requires_grad_(False)
images = torch.rand(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
labels = torch.arange(batch) % 12
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 1e-3, 0.9, nesterov=True)


def step():
    if what == "features":
        with torch.inference_mode():
            return model(images).sum().item()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels, label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    return loss.item()


step()
start = time.perf_counter()
for _ in range(steps):
    step()
print(batch * steps / (time.perf_counter() - start))
