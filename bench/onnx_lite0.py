"""Images/s of an ONNX file in ONNX Runtime on the CPU. onnx_lite0.py FILE SIDE THREADS"""

import sys
import time

import numpy
import onnxruntime

file, side, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
batch, steps = 32, 12
images = numpy.random.default_rng(1).random((batch, 3, side, side), dtype=numpy.float32)
session.run(None, {"images": images})
start = time.perf_counter()
for _ in range(steps):
    session.run(None, {"images": images})
print(batch * steps / (time.perf_counter() - start))
