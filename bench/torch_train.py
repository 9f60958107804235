"""Images/s of PyTorch training end to end on the CPU, the work of native.ts: crop, flip and cutout by kornia, mixup, label
smoothing, SGD with momentum. torch_train.py IMAGES LABELS NET STEPS REPEATS THREADS eager|compile float32|bfloat16"""

import sys
import time
from contextlib import nullcontext

import kornia.augmentation as K
import numpy as np
import torch
from torch import nn
from torchvision.models import resnet18

images_file, labels_file, net, steps, repeats, threads, mode, precision = sys.argv[1:]
steps, repeats = int(steps), int(repeats)
torch.set_num_threads(int(threads))
torch.manual_seed(0)
batch = 128

pixels = np.fromfile(images_file, np.uint8).reshape(-1, 32, 32, 3)
images = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
labels = torch.from_numpy(np.fromfile(labels_file, np.uint8).astype(np.int64))
# In parts, as the pixels in float64 would determine the process's peak memory.
sums = np.zeros((2, 3))
for part in np.array_split(pixels, 100):
    scaled = part / 255
    sums += [scaled.sum((0, 1, 2)), (scaled**2).sum((0, 1, 2))]
first, second = sums / (pixels.size / 3)
mean = torch.tensor(first, dtype=torch.float32).view(1, 3, 1, 1)
deviation = torch.tensor(np.sqrt(second - first**2), dtype=torch.float32).view(1, 3, 1, 1)
augment = K.AugmentationSequential(
    K.RandomCrop((32, 32), padding=4),
    K.RandomHorizontalFlip(),
    K.RandomErasing(p=1.0, scale=(64 / 1024, 64 / 1024), ratio=(1.0, 1.0)),
)
beta = torch.distributions.Beta(0.2, 0.2)


def six():
    layers, channels = [], 3
    for place, width in enumerate([32, 32, 64, 64, 128, 128]):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if place in (1, 3) else []
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def residual():
    model = resnet18(num_classes=10)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    return model


def airbench():
    layers, channels = [nn.Conv2d(3, 24, 2), nn.GELU()], 24
    for width in [64, 256, 256]:
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.MaxPool2d(2)]
        layers += [nn.BatchNorm2d(width), nn.GELU(), nn.Conv2d(width, width, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.GELU()]
        channels = width
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(channels, 10, bias=False))


model = {"six": six, "resnet-18": residual, "airbench": airbench}[net]().to(memory_format=torch.channels_last)
run = torch.compile(model) if mode == "compile" else model
optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)
loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
cast = (lambda: torch.autocast("cpu", torch.bfloat16)) if precision == "bfloat16" else nullcontext


def step(places):
    x = augment(images[places].float() / 255)
    x = ((x - mean) / deviation).contiguous(memory_format=torch.channels_last)
    y = nn.functional.one_hot(labels[places], 10).float()
    share = beta.sample()
    partners = torch.randperm(batch)
    x = share * x + (1 - share) * x[partners]
    y = share * y + (1 - share) * y[partners]
    optimizer.zero_grad()
    with cast():
        loss = loss_of(run(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def round_of(count):
    order = torch.randperm(len(labels))
    losses = [step(order[i * batch : (i + 1) * batch]) for i in range(count)]
    return torch.stack(losses).mean().item()


round_of(3)
speeds = []
for _ in range(repeats):
    start = time.perf_counter()
    round_of(steps)
    speeds.append(batch * steps / (time.perf_counter() - start))
print(sorted(speeds)[repeats // 2])
