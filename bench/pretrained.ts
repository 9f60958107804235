// Features and fine-tuning of EfficientNet-Lite0 as the recipe `pretrained` does it, and training of all its layers, next
// to PyTorch eager, and ONNX Runtime for the features, with two threads each; they alternate. The weights are random,
// which makes no difference in time.
// `node --conditions=@tricks/source bench/pretrained.ts [side] [repeats] [backend]` under Node 24.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { type BackendName, useBackend } from '@tricks/backend'
import { createRandom, type Trick } from '@tricks/core'
import { splitHead } from '@tricks/features'
import { freeze } from '@tricks/fine-tuning'
import { labelSmoothing } from '@tricks/label-smoothing'
import { efficientNetLite, foldBatchNorm } from '@tricks/models'
import { toOnnx } from '@tricks/onnx'
import { type ImageSet, train } from '@tricks/train'

const [side = 224, repeats = 5] = process.argv.slice(2, 4).map(Number)
const backend = (process.argv[4] ?? 'native') as BackendName
// Enough steps that the start of a run, which PyTorch doesn't have, hardly counts.
const [batchSize, steps, classes] = [32, 36, 12]
const count = batchSize * steps

await useBackend(backend)
const whole = efficientNetLite({ inputShape: [side, side, 3], classes })
const model = foldBatchNorm(whole)
const { features } = splitHead(model)
const random = createRandom(1)
const set: ImageSet = {
  images: Uint8Array.from({ length: count * side * side * 3 }, () => random.integer(0, 256)),
  labels: Array.from({ length: count }, (_, i) => i % classes),
  height: side,
  width: side,
  channels: 3,
  classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
}
const batch = tf.randomUniform<tf.Rank.R4>([batchSize, side, side, 3])

const ours = {
  async features() {
    for (let i = 0; i < steps; i++) {
      const y = features.predict(batch) as tf.Tensor
      await y.data()
      y.dispose()
    }
  },
  'fine-tuning': () => epoch(model, [freeze({ until: 'blocks5' }), labelSmoothing()]),
  training: () => epoch(whole, [labelSmoothing()]),
}

async function epoch(trained: LayersModel, tricks: Trick[]): Promise<void> {
  await train({
    model: trained,
    data: { train: set, mean: [0.5], deviation: [0.25] },
    tricks,
    optimizer: tf.train.momentum(1e-4, 0.9, true),
    epochs: 1,
    batchSize,
    validation: 0,
  })
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const file = join(folder, 'model.onnx')
writeFileSync(file, await toOnnx(whole, { layout: 'nchw' }))
const python = process.env['PYTHON'] ?? 'python3'
/** The number that a script prints; NaN if its libraries are missing. */
function speedOf(script: string, ...args: string[]): number {
  const { stdout } = spawnSync(python, [join(import.meta.dirname, script), ...args], {
    encoding: 'utf8',
  })
  return stdout === '' ? NaN : Number(stdout)
}
const peers: Record<string, (what: string) => number> = {
  PyTorch: (what) => speedOf('torch_lite0.py', String(side), '2', what),
  'ONNX Runtime': (what) =>
    what === 'features' ? speedOf('onnx_lite0.py', file, String(side), '2') : NaN,
}

const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!
console.log(
  `${cpus()[0]!.model}, ${cpus().length} cores, Node ${process.version}, ${backend}, ${side} × ${side}, batch ${batchSize}, ` +
    `n = ${repeats}, load ${loadavg()[0]!.toFixed(1)}`,
)
for (const [what, run] of Object.entries(ours)) {
  await run()
  const speeds = new Map(['ours', ...Object.keys(peers)].map((name) => [name, [] as number[]]))
  for (let i = 0; i < repeats; i++) {
    const start = performance.now()
    await run()
    speeds.get('ours')!.push(count / ((performance.now() - start) / 1000))
    for (const [name, speed] of Object.entries(peers)) speeds.get(name)!.push(speed(what))
  }
  const own = median(speeds.get('ours')!)
  const others = Object.keys(peers)
    .map((name) => [name, median(speeds.get(name)!)] as const)
    .filter(([, speed]) => !Number.isNaN(speed))
    .map(([name, speed]) => `${name} ${speed.toFixed(1)}, ratio ${(own / speed).toFixed(2)}`)
  console.log([`${what.padEnd(12)} ${own.toFixed(1)} images/s`, ...others].join('; '))
}
rmSync(folder, { recursive: true })
process.exit()
