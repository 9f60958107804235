// Measures everything on a machine with a GPU: correctness, speed and accuracy.
// `node --conditions=@tricks/source bench/gpu/run.ts [--small] [--backend NAME] [--recipe NAME] [--out FILE]`
// under Node 24, without network. `--small` is for a software device.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-layers'
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import { recipeNamed } from '@tricks/cli'
import { createRandom, softmaxCrossEntropy, type Trick } from '@tricks/core'
import { createModel, type ModelName } from '@tricks/models'
import { type ImageSet, train } from '@tricks/train'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { ricap } from '@tricks/ricap'
import { modelOf, type RecipeContext, tricksOf, validationOf } from '@tricks/run'
import { laws, subjectOf } from '../../packages/tools/conformance/src/check.ts'
import { checkFixtures } from './fixtures.ts'

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    backend: { type: 'string' },
    recipe: { type: 'string', default: 'quick' },
    out: { type: 'string', default: 'gpu.json' },
  },
})
const { small } = flags
const began = performance.now()
const seconds = (since = began): number => Math.round((performance.now() - since) / 100) / 10

const { name: backend, why, skipped } = await useBackend(flags.backend as BackendName | undefined)
const registered = tf.getBackend()
say(`${backend}: ${why}`)

const fixtures = await checkFixtures()
for (const { fixture, cases, worst, right } of fixtures)
  say(
    `${right ? 'right' : 'WRONG'}  ${fixture}: ${cases} cases, off by ${worst.toExponential(1)} at most`,
  )
const broken = await checkLaws()
const { train: images, test } = await loadCifar10()
const steps = await compareSteps()
say(
  `${steps.right ? 'right' : 'WRONG'}  ${steps.steps} steps, losses off cpu's by ${steps.worst.toExponential(1)}`,
)

const throughput = []
for (const [model, options, batch] of small ? smallModels() : largeModels())
  throughput.push(await measure(model, options, batch))
const learned = await learn()

const result = {
  backend,
  why,
  skipped,
  small,
  machine: {
    processor: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
    memory: totalmem(),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    gpus: ask(
      'nvidia-smi',
      '--query-gpu=name,driver_version,memory.total',
      '--format=csv,noheader',
    ),
  },
  correctness: { fixtures, laws: broken, steps },
  throughput,
  recipe: learned,
  seconds: seconds(),
}
writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`)
say(`written to ${flags.out} after ${seconds()} s`)
const right = fixtures.every((each) => each.right) && broken.breaches.length === 0 && steps.right
process.exitCode = right ? 0 : 1

function say(line: string): void {
  console.log(line)
}

async function checkLaws(): Promise<{ checked: number; breaches: string[] }> {
  const tricks: readonly (() => Trick)[] = [
    () => cutout({ length: 4 }),
    () => randomCrop({ padding: 2 }),
    () => randomFlip(),
    () => mixup({ alpha: 0.2 }),
    () => ricap(),
    () => labelSmoothing(),
  ]
  const breaches: string[] = []
  let checked = 0
  for (const make of tricks) {
    const subject = subjectOf(make, {})
    for (const { number, applies, check } of laws) {
      // Law 9 compares draws with a reference; they are made by the host, whatever the device.
      if (number === 9 || !applies(subject)) continue
      checked++
      await check(subject).catch((error: Error) => {
        breaches.push(error.message)
        say(`WRONG  ${error.message}`)
      })
    }
  }
  say(
    `${breaches.length === 0 ? 'right' : 'WRONG'}  ${checked} laws of tricks checked, ${breaches.length} broken`,
  )
  return { checked, breaches }
}

/** The first images of a set. */
function first(set: ImageSet, count: number): ImageSet {
  const bytes = count * set.height * set.width * set.channels
  return {
    ...set,
    images: set.images.subarray(0, bytes),
    labels: Array.from(set.labels).slice(0, count),
  }
}

/** Compares 30 steps of a small network on this backend and on cpu, tfjs's reference. */
async function compareSteps(): Promise<{ steps: number; worst: number; right: boolean }> {
  const losses: number[][] = []
  for (const each of ['cpu', registered]) {
    await tf.setBackend(each)
    const model = createModel('plain', { widths: [[4], [8]], seed: 1 })
    const optimizer = tf.train.momentum(0.02, 0.9)
    const seen: number[] = []
    await train({
      model,
      data: { train: first(images, 120) },
      tricks: [randomCrop({ padding: 2 }), randomFlip(), labelSmoothing()],
      optimizer,
      epochs: 1,
      batchSize: 4,
      validation: 0,
      readEvery: 1,
      onProgress: (progress) => void (progress.kind === 'step' && seen.push(progress.loss)),
    })
    losses.push(seen)
    model.dispose()
    optimizer.dispose()
  }
  const [expected, got] = losses as [number[], number[]]
  const worst = Math.max(...expected.map((loss, i) => Math.abs(loss - got[i]!)))
  return { steps: expected.length, worst, right: worst < 1e-4 && got.length === expected.length }
}

type Case = readonly [model: ModelName, options: object, batch: number]
function smallModels(): Case[] {
  return [['plain', { widths: [[8], [16]] }, 4]]
}
function largeModels(): Case[] {
  return [
    ['plain', {}, 128],
    ['resnet-20', {}, 128],
    ['resnet-9', {}, 128],
    ['airbench', {}, 256],
    ['resnet-18', { stem: 'cifar' }, 128],
    ['wrn-28-10', {}, 32],
  ]
}

/** Images/s of a training step, the median of blocks, each of which ends with a read; and PyTorch's. */
async function measure(name: ModelName, options: object, batch: number): Promise<object> {
  const model = createModel(name, { ...options, seed: 1 })
  const optimizer = tf.train.momentum(0.01, 0.9)
  const random = createRandom(1)
  const pixels = Float32Array.from({ length: batch * 32 * 32 * 3 }, () => random.uniform())
  const x = tf.tensor4d(pixels, [batch, 32, 32, 3])
  const targets = tf.tidy(
    () => tf.cast(tf.oneHot(tf.zeros([batch], 'int32'), 10), 'float32') as tf.Tensor2D,
  )
  const step = (): tf.Scalar =>
    optimizer.minimize(
      () => softmaxCrossEntropy(targets, model.apply(x, { training: true }) as tf.Tensor2D),
      true,
    )!
  const block = async (count: number): Promise<number> => {
    const start = performance.now()
    for (let i = 1; i < count; i++) step().dispose()
    const loss = step()
    await loss.data()
    loss.dispose()
    return (batch * count) / ((performance.now() - start) / 1000)
  }
  await block(small ? 1 : 3)
  const rates: number[] = []
  for (let i = 0; i < (small ? 2 : 5); i++) rates.push(await block(small ? 2 : 10))
  const imagesPerSecond = rates.toSorted((a, b) => a - b)[rates.length >> 1]!
  const memory = tf.memory() as { numBytes: number; numBytesAllocatedInGPU?: number }
  const bytes = memory.numBytesAllocatedInGPU ?? memory.numBytes
  tf.dispose([x, targets])
  model.dispose()
  optimizer.dispose()
  const torch = peer(name, options, batch)
  say(
    `${name}, batch ${batch}: ${imagesPerSecond.toFixed(1)} images/s, ${Math.round(bytes / 1e6)} MB allocated; ` +
      (typeof torch === 'string'
        ? `PyTorch: ${torch}`
        : `PyTorch ${torch.imagesPerSecond.toFixed(1)} on ${torch.device}`),
  )
  return { model: name, options, batch, imagesPerSecond, rates, bytes, torch }
}

/** PyTorch's images/s for the same step, or the reason why it was not measured. */
function peer(
  name: string,
  options: object,
  batch: number,
): string | { imagesPerSecond: number; device: string } {
  const python = process.env['PYTHON'] ?? 'python3'
  if (ask(python, '-c', 'import torch') === undefined) return 'not installed'
  const script = new URL('torch_models.py', import.meta.url).pathname
  const answer = ask(
    python,
    script,
    name,
    JSON.stringify(options),
    String(batch),
    small ? '2' : '20',
  )
  if (answer === undefined) return 'has no counterpart of this model here'
  return JSON.parse(answer) as { imagesPerSecond: number; device: string }
}

/** The output of a command, or undefined if it fails or is missing. */
function ask(command: string, ...given: string[]): string | undefined {
  try {
    return execFileSync(command, given, { stdio: 'pipe' }).toString().trim()
  } catch {
    return undefined
  }
}

/** Trains the whole recipe and evaluates it once on the test set; with --small, its tricks on a few images. */
async function learn(): Promise<object> {
  const recipe = await recipeNamed(flags.recipe)
  const start = performance.now()
  const set = small ? first(images, 40) : images
  const { height, width, channels, classes, labels } = set
  const facts = { height, width, channels, classes: classes.length, images: labels.length }
  const context: RecipeContext = { data: facts, seed: 0 }
  const model = small
    ? createModel('plain', { widths: [[8], [16]], seed: 0 })
    : await modelOf(recipe, context)
  const optimizer = recipe.optimizer()
  const seen: { epoch: number; accuracy: number; seconds: number }[] = []
  const { test: accuracy, stopped } = await train({
    model,
    data: { train: set, test: small ? first(test, 20) : test },
    tricks: tricksOf(recipe, context),
    optimizer,
    epochs: small ? 2 : recipe.epochs,
    batchSize: small ? 8 : recipe.batchSize,
    validation: small ? 8 : validationOf(recipe, labels.length),
    onProgress(progress) {
      if (progress.kind === 'step') return
      const { epoch, validation } = progress
      seen.push({ epoch: epoch + 1, accuracy: validation?.accuracy ?? 0, seconds: seconds(start) })
      say(
        `epoch ${epoch + 1}: validation accuracy ${((validation?.accuracy ?? 0) * 100).toFixed(1)} %, ${seconds(start)} s`,
      )
    },
  })
  model.dispose()
  optimizer.dispose()
  say(
    `${flags.recipe}: ${stopped}, test accuracy ${((accuracy?.accuracy ?? 0) * 100).toFixed(2)} %`,
  )
  return { recipe: flags.recipe, stopped, test: accuracy, epochs: seen, seconds: seconds(start) }
}
