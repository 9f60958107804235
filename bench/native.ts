// Images/s of training end to end on native: real CIFAR-10 with crop, flip, cutout, mixup and label smoothing, with
// this library's trainer and with PyTorch and kornia (PYTHON names the interpreter), in alternating processes; medians.
// `node --conditions=@tricks/source bench/native.ts [repeats [precision]]` under Node 24.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import { createModel } from '@tricks/models'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { type ImageSet, unsupportedReason, type Precision, train } from '@tricks/train'

const nets = ['six', 'resnet-18', 'airbench'] as const
type Net = (typeof nets)[number]
const batchSize = 128
/** Number of steps that are timed together, and of rounds per process. */
const rounds = {
  six: { steps: 24, repeats: 3 },
  'resnet-18': { steps: 4, repeats: 3 },
  airbench: { steps: 12, repeats: 3 },
} as const
const precisions: readonly Precision[] = ['float32', 'bfloat16']
const file = fileURLToPath(import.meta.url)

if (process.argv[2] === 'ours')
  console.log(await measure(process.argv[3] as Net, process.argv[4] as Precision))
else await compare(Number(process.argv[2] ?? 5), process.argv[3])

/** @param only a precision, if not all that the processor supports */
async function compare(repeats: number, only?: string): Promise<void> {
  const python = process.env['PYTHON'] ?? 'python3'
  const torch = spawnSync(python, [
    '-c',
    'import torch, torchvision, kornia; print(torch.__version__)',
  ])
  if (torch.status !== 0) console.log(`No peer: ${python} lacks torch, torchvision or kornia`)
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const { train: set } = await loadCifar10()
  const files = [join(folder, 'images'), join(folder, 'labels')] as const
  writeFileSync(files[0], set.images.subarray(0, set.images.length))
  writeFileSync(files[1], Uint8Array.from(set.labels))

  await useBackend('native')
  const threads = availableParallelism()
  const peer = (net: Net, mode: string, precision: Precision): string[] => {
    const { steps, repeats: times } = rounds[net]
    const script = fileURLToPath(new URL('torch_train.py', import.meta.url))
    return [python, script, ...files, net, steps, times, threads, mode, precision].map(String)
  }
  const node = [process.execPath, '--conditions=@tricks/source', file, 'ours']
  console.log(
    `${cpus()[0]!.model}, ${threads} threads, Node ${process.version}, PyTorch ${String(torch.stdout).trim()}, ` +
      `batch ${batchSize}, n = ${repeats}`,
  )
  const supported = (each: Precision): boolean =>
    each === (only ?? each) && unsupportedReason(each) === undefined
  for (const net of nets)
    for (const precision of precisions.filter(supported)) {
      const commands = {
        ours: [...node, net, precision],
        ...(torch.status === 0 && {
          'PyTorch, eager': peer(net, 'eager', precision),
          'PyTorch, compiled': peer(net, 'compile', precision),
        }),
      }
      const speeds = new Map(Object.keys(commands).map((name) => [name, [] as number[]]))
      for (let i = 0; i < repeats; i++)
        for (const [name, [program, ...args]] of Object.entries(commands))
          speeds.get(name)!.push(speedOf(program!, args))
      const ours = median(speeds.get('ours')!)
      for (const [name, list] of speeds)
        console.log(
          `${net.padEnd(10)}${precision.padEnd(9)}${name.padEnd(18)}${median(list).toFixed(0).padStart(6)} images/s ` +
            `(${Math.min(...list).toFixed(0)}–${Math.max(...list).toFixed(0)})   ours / this ${(ours / median(list)).toFixed(2)}`,
        )
    }
  rmSync(folder, { recursive: true })
}

/** The number on the last line of a process; NaN if it fails, as PyTorch's compilation does without a C++ compiler. */
function speedOf(program: string, args: readonly string[]): number {
  const { stdout } = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return Number(stdout.trim().split('\n').at(-1) || NaN)
}

async function measure(net: Net, precision: Precision): Promise<number> {
  await useBackend('native')
  const { steps, repeats } = rounds[net]
  const { train: all } = await loadCifar10()
  const count = steps * batchSize
  const size = all.height * all.width * all.channels
  const set: ImageSet = {
    ...all,
    images: all.images.subarray(0, count * size),
    labels: Array.from({ length: count }, (_, i) => all.labels[i]!),
  }
  const model =
    net === 'six'
      ? createModel('plain', {
          widths: [
            [32, 32],
            [64, 64],
            [128, 128],
          ],
        })
      : createModel(net)
  const speeds: number[] = []
  await train({
    model,
    data: { train: set },
    optimizer: tf.train.momentum(0.01, 0.9),
    tricks: [
      randomCrop({ padding: 4 }),
      randomFlip(),
      cutout({ length: 8 }),
      mixup({ alpha: 0.2 }),
      labelSmoothing({ epsilon: 0.1 }),
    ],
    precision,
    epochs: repeats + 1,
    batchSize,
    validation: 0,
    onProgress(progress) {
      if (progress.kind === 'epoch') speeds.push(count / progress.seconds)
    },
  })
  // The first includes warming up.
  return median(speeds.slice(1))
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1]!
}
