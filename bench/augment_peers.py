"""Images/s of torchvision and kornia on 512 images of 32x32, the work of augment.ts: prints JSON, name -> peer -> list."""

import json
import sys
import time

import kornia.augmentation as K
import torch
import torchvision.transforms.v2 as T
from kornia.augmentation import auto
from PIL import Image

count, repeats, threads = 512, int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
floats = torch.rand(count, 3, 32, 32)
bytes_ = (floats * 255).to(torch.uint8)
pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in bytes_]
labels = torch.arange(count) % 10


def each(transform, images):
    return lambda: [transform(image) for image in images]


work = {
    "crop + flip": {
        "torchvision": each(T.Compose([T.RandomCrop(32, 4), T.RandomHorizontalFlip()]), bytes_),
        "torchvision, PIL": each(T.Compose([T.RandomCrop(32, 4), T.RandomHorizontalFlip()]), pictures),
        "kornia": lambda c=K.AugmentationSequential(K.RandomCrop((32, 32), padding=4), K.RandomHorizontalFlip()): c(floats),
    },
    "random erasing, constant": {
        "torchvision": each(T.RandomErasing(p=1.0), floats),
        "kornia": lambda c=K.RandomErasing(p=1.0): c(floats),
    },
    "colour jitter": {
        "torchvision": each(T.ColorJitter(0.4, 0.4, 0.4, 0.1), floats),
        "kornia": lambda c=K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=1.0): c(floats),
    },
    "rotation, nearest": {
        "torchvision": each(T.RandomRotation(15), floats),
        "torchvision, PIL": each(T.RandomRotation(15), pictures),
        "kornia": lambda c=K.RandomRotation(15.0, p=1.0, resample="nearest"): c(floats),
    },
    "random resized crop": {
        "torchvision": each(T.RandomResizedCrop(32, (0.35, 1.0)), bytes_),
        "torchvision, PIL": each(T.RandomResizedCrop(32, (0.35, 1.0)), pictures),
        "kornia": lambda c=K.RandomResizedCrop((32, 32), (0.35, 1.0)): c(floats),
    },
    "mixup": {
        "torchvision": lambda c=T.MixUp(num_classes=10): c(floats, labels),
        "kornia": lambda c=K.RandomMixUpV2(p=1.0): c(floats, labels),
    },
    "cutmix": {
        "torchvision": lambda c=T.CutMix(num_classes=10): c(floats, labels),
        "kornia": lambda c=K.RandomCutMixV2(p=1.0): c(floats, labels),
    },
    "autoaugment, CIFAR-10": {
        "torchvision": each(T.AutoAugment(T.AutoAugmentPolicy.CIFAR10), bytes_),
        "torchvision, PIL": each(T.AutoAugment(T.AutoAugmentPolicy.CIFAR10), pictures),
        "kornia": lambda c=auto.AutoAugment("cifar10"): c(floats),
    },
    "rand-augment": {
        "torchvision": each(T.RandAugment(), bytes_),
        "torchvision, PIL": each(T.RandAugment(), pictures),
        "kornia": lambda c=auto.RandAugment(n=2, m=9): c(floats),
    },
    "trivial-augment": {
        "torchvision": each(T.TrivialAugmentWide(), bytes_),
        "torchvision, PIL": each(T.TrivialAugmentWide(), pictures),
        "kornia": lambda c=auto.TrivialAugment(): c(floats),
    },
    "augmix": {
        "torchvision": each(T.AugMix(), bytes_),
        "torchvision, PIL": each(T.AugMix(), pictures),
    },
}
speeds = {}
for name, peers in work.items():
    speeds[name] = {}
    for peer, run in peers.items():
        # As long as ours.
        end = time.perf_counter() + 0.3
        while True:
            run()
            if time.perf_counter() > end:
                break
        speeds[name][peer] = []
        for _ in range(repeats):
            start = time.perf_counter()
            run()
            speeds[name][peer].append(count / (time.perf_counter() - start))
print(json.dumps(speeds))
