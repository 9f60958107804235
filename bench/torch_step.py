"""Images/s of PyTorch's eager training step on the CPU: the net of wasm-step.mjs. torch_step.py STEPS THREADS"""

import sys
import time

import torch
from torch import nn

steps, threads = (int(argument) for argument in sys.argv[1:])
torch.set_num_threads(threads)
batch = 128
layers, channels = [], 3
for place, width in enumerate([32, 32, 64, 64, 128, 128]):
    layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    layers += [nn.MaxPool2d(2)] if place in (1, 3) else []
    channels = width
model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
model = model.to(memory_format=torch.channels_last)
images = torch.rand(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
labels = torch.arange(batch) % 10
optimizer = torch.optim.SGD(model.parameters(), 0.05, 0.9)


def step():
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    loss.item()


step()
step()
start = time.perf_counter()
for _ in range(steps):
    step()
print(batch * steps / (time.perf_counter() - start))
