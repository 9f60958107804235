// Images/s of a training step on the wasm backend: a small convolutional net with batch normalisation at batch 128,
// with @tricks/wasm-training and @tricks/batch-norm, with tfjs alone and its missing kernel composed of its own
// operations, and with PyTorch (eager, channels last) if installed (PYTHON names the interpreter). Processes alternate;
// medians. `node bench/wasm-step.mjs [repeats]` under Node 24.
import { execFileSync, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const batch = 128
const file = fileURLToPath(import.meta.url)
const [mode, steps = '6', threads = '1'] = process.argv.slice(2)
const node = [process.execPath, '--conditions=@tricks/source', file]

if (mode === 'bare' || mode === 'ours') {
  process.env['TRICKS_THREADS'] = threads
  const speed = await measure(mode, Number(steps))
  console.log(speed)
} else {
  const repeats = Number(mode ?? 3)
  const python = process.env['PYTHON'] ?? 'python3'
  const torchStep = fileURLToPath(new URL('torch_step.py', import.meta.url))
  const peers = {
    'tfjs-backend-wasm and one composed kernel': () => [...node, 'bare', '2'],
    '@tricks/wasm-training, one thread': () => [...node, 'ours', '6', '1'],
    '@tricks/wasm-training, two threads': () => [...node, 'ours', '6', '2'],
    ...(spawnSync(python, ['-c', 'import torch']).status === 0 && {
      'PyTorch, one thread': () => [python, torchStep, '12', '1'],
      'PyTorch, two threads': () => [python, torchStep, '12', '2'],
    }),
  }
  const speeds = Object.fromEntries(Object.keys(peers).map((name) => [name, []]))
  for (let i = 0; i < repeats; i++)
    for (const [name, command] of Object.entries(peers)) {
      const [program, ...args] = command()
      speeds[name].push(Number(execFileSync(program, args)))
    }
  const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
  const ours = median(speeds['@tricks/wasm-training, one thread'])
  console.log(`${cpus()[0].model}, Node ${process.version}, batch ${batch}, n = ${repeats}`)
  for (const [name, list] of Object.entries(speeds))
    console.log(
      `${name.padEnd(44)}${median(list).toFixed(0).padStart(6)} images/s   ours / this ${(ours / median(list)).toFixed(2)}`,
    )
}

async function measure(which, count) {
  // The packages are not installed here, so those of the measured package are used.
  const require = createRequire(
    new URL('../packages/model/batch-norm/package.json', import.meta.url),
  )
  const tf = require('@tensorflow/tfjs-core')
  const { layers, sequential } = require('@tensorflow/tfjs-layers')
  let norm = () => layers.batchNormalization()
  if (which === 'ours') {
    await import('../packages/backend/wasm-training/src/index.ts')
    norm = (await import('../packages/model/batch-norm/src/index.ts')).batchNorm
  } else {
    const backend = createRequire(
      new URL('../packages/backend/wasm-training/package.json', import.meta.url),
    )
    backend('@tensorflow/tfjs-backend-wasm')
    composeFilterGradient(tf)
  }
  await tf.setBackend('wasm')

  const model = sequential()
  for (const [i, filters] of [32, 32, 64, 64, 128, 128].entries()) {
    const options = { filters, kernelSize: 3, padding: 'same', useBias: false }
    model.add(layers.conv2d(i === 0 ? { ...options, inputShape: [32, 32, 3] } : options))
    model.add(norm())
    model.add(layers.activation({ activation: 'relu' }))
    if (i === 1 || i === 3) model.add(layers.maxPooling2d({ poolSize: 2 }))
  }
  model.add(layers.globalAveragePooling2d({}))
  model.add(layers.dense({ units: 10 }))
  const images = tf.randomUniform([batch, 32, 32, 3], 0, 1, 'float32', 1)
  const labels = tf.tensor1d(
    Array.from({ length: batch }, (_, i) => i % 10),
    'int32',
  )
  const targets = tf.oneHot(labels, 10)
  const optimizer = tf.train.momentum(0.05, 0.9)
  const step = () => {
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(targets, model.apply(images, { training: true })),
      true,
    )
    loss.dataSync()
    loss.dispose()
  }
  step()
  step()
  const start = performance.now()
  for (let i = 0; i < count; i++) step()
  const seconds = (performance.now() - start) / 1000
  return (batch * count) / seconds
}

/** The gradient of a filter as a convolution of transposed images with the transposed gradient. */
function composeFilterGradient(tf) {
  tf.registerKernel({
    kernelName: tf.Conv2DBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs: { x, dy }, attrs, backend }) => {
      const run = (name, kernelInputs, kernelAttrs) =>
        tf.getKernel(name, 'wasm').kernelFunc({ inputs: kernelInputs, attrs: kernelAttrs, backend })
      const images = run('Transpose', { x }, { perm: [3, 1, 2, 0] })
      const filter = run('Transpose', { x: dy }, { perm: [1, 2, 0, 3] })
      const edge = (attrs.filterShape[0] - 1) / 2
      const pad = [0, edge, edge, 0].map((size) => [size, size])
      const options = { strides: 1, dilations: 1, pad, dataFormat: 'NHWC' }
      const result = run('Conv2D', { x: images, filter }, options)
      const output = run('Transpose', { x: result }, { perm: [1, 2, 0, 3] })
      for (const tensor of [images, filter, result]) backend.disposeData(tensor.dataId)
      return output
    },
  })
}
