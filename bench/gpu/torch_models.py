"""Images/s of PyTorch's training step of a model: torch_models.py NAME OPTIONS BATCH STEPS; fails for a name without a counterpart."""

import json
import sys
import time

import torch
from torch import nn

name, options, batch, steps = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
cuda = torch.cuda.is_available()
device = torch.device("cuda" if cuda else "cpu")


def convolution(inputs, outputs, stride=1, kernel=3):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(*convolution(inputs, outputs, stride), nn.ReLU(), *convolution(outputs, outputs))
        same = stride == 1 and inputs == outputs
        self.short = nn.Identity() if same else nn.Sequential(*convolution(inputs, outputs, stride, 1))

    def forward(self, x):
        return torch.relu(self.body(x) + self.short(x))


def residual(widths, blocks):
    layers, channels = [*convolution(3, widths[0]), nn.ReLU()], widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(Block(channels, width, 2 if stage > 0 and block == 0 else 1))
            channels = width
    return layers, channels


def plain(widths):
    layers, channels = [], 3
    for place, stage in enumerate(widths):
        layers += [nn.MaxPool2d(2)] if place > 0 else []
        for width in stage:
            layers += [*convolution(channels, width), nn.ReLU()]
            channels = width
    return layers, channels


twins = {
    "plain": lambda: plain(options.get("widths", [[32], [64], [128], [128]])),
    "resnet-20": lambda: residual([16, 32, 64], 3),
    "resnet-18": lambda: residual([64, 128, 256, 512], 2),
}
layers, channels = twins[name]()
model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
model = model.to(device, memory_format=torch.channels_last)
images = torch.rand(batch, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
labels = torch.zeros(batch, dtype=torch.long, device=device)
optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)


def run(count):
    for _ in range(count):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    loss.item()


run(3)
start = time.perf_counter()
run(steps)
rate = batch * steps / (time.perf_counter() - start)
where = torch.cuda.get_device_name() if cuda else f"cpu, {torch.get_num_threads()} threads"
print(json.dumps({"imagesPerSecond": rate, "device": where, "torch": torch.__version__}))
