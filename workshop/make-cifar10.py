#!/usr/bin/env python3
"""Writes packages/data/cifar10/src/cifar10.bin from an archive of JPEG files, split/class/number.jpg.

usage: make-cifar10.py ARCHIVE.tar.xz OUT

Only the packing changes, no pixel: the files share all that precedes their scan, so this is kept once.
The order within a set is a shuffle by a fixed seed, as the archive is sorted by class.
"""
import random
import struct
import sys
import tarfile


def main(archive, out):
    splits, classes = {"train": [], "test": []}, []
    with tarfile.open(archive) as files:
        for member in files:
            split, name, _ = member.name.split("/")
            if name not in classes:
                classes.append(name)
            splits[split].append((classes.index(name), files.extractfile(member).read()))
    for records in splits.values():
        random.Random(0).shuffle(records)
    records = splits["train"] + splits["test"]

    first = records[0][1]
    marker = first.index(b"\xff\xda")
    header = first[: marker + 2 + int.from_bytes(first[marker + 2 : marker + 4], "big")]
    assert all(jpeg.startswith(header) for _, jpeg in records)
    scans = [jpeg[len(header) :] for _, jpeg in records]
    with open(out, "wb") as file:
        file.write(header)
        file.write(bytes(label for label, _ in records))
        file.write(b"".join(struct.pack("<H", len(scan)) for scan in scans))
        file.write(b"".join(scans))


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
