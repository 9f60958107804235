// Features and fine-tuning of EfficientNet-Lite0 as the recipe `pretrained` does it, next to PyTorch eager with two
// threads; they alternate. The weights are random, which makes no difference in time.
// `node --conditions=@tricks/source bench/pretrained.ts [side] [repeats] [backend]` under Node 24.
import { spawnSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, useBackend } from '@tricks/backend'
import { createRandom } from '@tricks/core'
import { splitHead } from '@tricks/features'
import { freeze } from '@tricks/fine-tuning'
import { labelSmoothing } from '@tricks/label-smoothing'
import { efficientNetLite, foldBatchNorm } from '@tricks/models'
import { type ImageSet, train } from '@tricks/train'

const [side = 224, repeats = 5] = process.argv.slice(2, 4).map(Number)
const backend = (process.argv[4] ?? 'native') as BackendName
const [batchSize, steps, classes] = [32, 12, 12]
const count = batchSize * steps

await useBackend(backend)
const model = foldBatchNorm(efficientNetLite({ inputShape: [side, side, 3], classes }))
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
  async 'fine-tuning'() {
    await train({
      model,
      data: { train: set, mean: [0.5], deviation: [0.25] },
      tricks: [freeze({ until: 'blocks5' }), labelSmoothing()],
      optimizer: tf.train.momentum(1e-4, 0.9, true),
      epochs: 1,
      batchSize,
      validation: 0,
    })
  },
}

const python = process.env['PYTHON'] ?? 'python3'
const script = join(import.meta.dirname, 'torch_lite0.py')
function peer(what: string): number {
  const { stdout } = spawnSync(python, [script, String(side), '2', what], { encoding: 'utf8' })
  return stdout === '' ? NaN : Number(stdout)
}

const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!
console.log(
  `${cpus()[0]!.model}, ${cpus().length} cores, Node ${process.version}, ${backend}, ${side} × ${side}, batch ${batchSize}, ` +
    `n = ${repeats}, load ${loadavg()[0]!.toFixed(1)}`,
)
for (const [what, run] of Object.entries(ours)) {
  await run()
  const [own, torch]: [number[], number[]] = [[], []]
  for (let i = 0; i < repeats; i++) {
    const start = performance.now()
    await run()
    own.push(count / ((performance.now() - start) / 1000))
    torch.push(peer(what))
  }
  const ratio = median(own) / median(torch)
  console.log(
    `${what.padEnd(12)} ${median(own).toFixed(1)} images/s, PyTorch ${median(torch).toFixed(1)}, ratio ${ratio.toFixed(2)}`,
  )
}
process.exit()
