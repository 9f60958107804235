import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  type Fixture,
  type FixturesOf,
  fromFixtures,
  onEachBackend,
} from '@tricks/conformance'
import { createRandom, oneHot, type PipelineBatch, type Tensors } from '@tricks/core'
import { composeRun } from '@tricks/core/run'
import { plain } from '@tricks/models'
import { type ImageSet, train, type TrainOptions, variablesOf } from '@tricks/train'
import { describe, expect, test } from 'vitest'
import {
  exampleFiltering,
  type ExampleFilteringOptions,
  exampleLosses,
  selectExamples,
} from '../src/index.ts'
import fixture from './fixtures/example-filtering.json' with { type: 'json' }

interface Inputs {
  readonly logits: tf.Tensor2D
  readonly targets: tf.Tensor2D
}
interface Case {
  readonly inputs: FixturesOf<Inputs>
  readonly params: Pick<ExampleFilteringOptions, 'keep' | 'which'>
  readonly expected: { readonly losses: Fixture; readonly kept: readonly number[] }
}
const cases = fixture.cases as unknown as readonly Case[]
const sorted = (values: Iterable<number>): number[] => [...values].toSorted((a, b) => a - b)

onEachBackend(() => {
  test.each(cases)('selects the images that torch selects: $params', (each) => {
    const { logits, targets } = fromFixtures<Inputs>(each.inputs)
    const losses = exampleLosses(targets, logits)
    expectClose(losses, each.expected.losses)
    expect(sorted(selectExamples(losses, each.params).dataSync())).toEqual(each.expected.kept)
  })

  test('keeps at least one image, and the most extreme first', () => {
    const losses = tf.tensor1d([0.1, 2, 0.7, 0.3])
    expect([...selectExamples(losses).dataSync()]).toEqual([1, 2])
    expect([...selectExamples(losses, { keep: 0.01 }).dataSync()]).toEqual([1])
    expect([...selectExamples(losses, { keep: 0.5, which: 'easiest' }).dataSync()]).toEqual([0, 3])
    expect(selectExamples(losses, { keep: 1 }).size).toBe(4)
  })
})

describe('in a step', () => {
  const images = tf.tensor4d([0, 1, 2, 3, 4, 5], [6, 1, 1, 1])
  const targets = oneHot([0, 1, 0, 1, 0, 1], 2)
  const time = { step: 2, stepsPerEpoch: 4, steps: 8 }
  const teacher = tf.tensor2d([0, 1, 2, 3, 4, 5], [6, 1])
  const batch: PipelineBatch = {
    images,
    targets,
    mixedTargets: targets,
    prepared: { teacher, other: tf.scalar(7) },
    time,
  }
  /** Logits whose loss grows with the distance of an image's value from `center`. */
  const judging = (center: number) => (given: tf.Tensor) => {
    const values = tf.reshape<tf.Rank.R2>(given, [-1, 1])
    const distance = tf.abs<tf.Tensor2D>(tf.sub(values, center))
    const labels = tf.mod(values, 2)
    const sign = tf.sub(1, tf.mul(labels, 2))
    return tf.concat<tf.Tensor2D>([tf.neg(tf.mul(distance, sign)), tf.zerosLike(distance)], 1)
  }
  const trainedOn = (
    options: ExampleFilteringOptions,
    predict?: (given: tf.Tensor) => tf.Tensor2D,
  ): PipelineBatch => {
    let seen: PipelineBatch | undefined
    const next = ({ batch: part }: { batch?: PipelineBatch } = {}): Tensors => {
      seen = part!
      tf.keep(seen.images)
      for (const each of [seen.targets, ...Object.values(seen.prepared)]) tf.keep(each)
      return {}
    }
    composeRun([exampleFiltering(options)]).gradients(next, batch, {}, predict)
    return seen!
  }

  test('only the selected images are trained on, with their targets and prepared rows', () => {
    const part = trainedOn({ keep: 1 / 3 }, judging(5))
    expect([...part.images.dataSync()]).toEqual([0, 1])
    expect([...part.targets.dataSync()]).toEqual([1, 0, 0, 1])
    expect([...part.prepared['teacher']!.dataSync()]).toEqual([0, 1])
    expect(part.prepared['other']!.dataSync()[0]).toBe(7)
    expect(part.time).toBe(time)
    const easiest = trainedOn({ keep: 1 / 3, which: 'easiest' }, judging(5))
    expect([...easiest.images.dataSync()]).toEqual([5, 4])
  })

  test('a proxy selects instead of the network', () => {
    const part = trainedOn({ keep: 0.5, proxy: { apply: judging(0) } }, judging(5))
    expect([...part.images.dataSync()]).toEqual([5, 4, 3])
  })

  test('without a proxy, the loop must pass predict; a proxy must have the same classes', () => {
    expect(() => trainedOn({})).toThrow(
      'example-filtering: expected proxy to be a model, as this loop passes no predict, got undefined',
    )
    const proxy = { apply: () => tf.zeros([6, 3]) }
    expect(() => trainedOn({ proxy })).toThrow(
      'example-filtering: expected proxy to be a model with logits of shape [6, 2], got [6,3]',
    )
  })
})

const random = createRandom(6)
const set: ImageSet = {
  images: Uint8Array.from({ length: 40 * 6 * 6 * 3 }, () => random.integer(0, 256)),
  labels: Array.from({ length: 40 }, (_, i) => i % 4),
  height: 6,
  width: 6,
  channels: 3,
  classes: ['a', 'b', 'c', 'd'],
}
const network = (seed = 1) => plain({ widths: [[4]], inputShape: [6, 6, 3], classes: 4, seed })
const options = (given: ExampleFilteringOptions): TrainOptions => ({
  model: network(),
  data: { train: set },
  tricks: [exampleFiltering(given)],
  optimizer: tf.train.momentum(0.05, 0.9),
  epochs: 3,
  batchSize: 10,
  validation: 0,
  seed: 5,
})

describe('in a training', () => {
  test('the network itself selects the images with larger losses', async () => {
    const losses = async (which: 'hardest' | 'easiest'): Promise<number> =>
      (await train({ ...options({ which }), epochs: 1 })).epochs[0]!.training.loss
    expect(await losses('hardest')).toBeGreaterThan((await losses('easiest')) + 0.05)
  })

  test('a checkpoint resumes bit-equal with the same proxy, and not with another', async () => {
    const checkpoints: NonNullable<TrainOptions['resume']>[] = []
    const whole = options({ proxy: network(2) })
    await train({
      ...whole,
      checkpoint: { every: { steps: 5 }, save: (saved) => void checkpoints.push(saved) },
    })
    const resumed = options({ proxy: network(2) })
    await train({ ...resumed, resume: checkpoints[0]! })
    const values = ({ model }: TrainOptions): number[] =>
      Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])
    expect(values(resumed)).toEqual(values(whole))
    await expect(
      train({ ...options({ proxy: network(3) }), resume: checkpoints[0]! }),
    ).rejects.toThrow('constants')
  })
})

test('resolves options with defaults', () => {
  expect(exampleFiltering().options).toEqual({ keep: 0.5, which: 'hardest', proxy: undefined })
  expect(exampleFiltering({ proxy: network() }).options).toMatchObject({ proxy: 'plain' })
})

conformance(() => exampleFiltering(), {
  invalid: [
    () => exampleFiltering({ keep: 0 }),
    () => exampleFiltering({ keep: 1.5 }),
    () => exampleFiltering({ keep: '0.5' as never }),
    () => exampleFiltering({ which: 'hard' as 'hardest' }),
    () => exampleFiltering({ proxy: {} as never }),
    () => exampleFiltering({ share: 0.5 } as never),
  ],
})
conformance(() => exampleFiltering({ keep: 0.3, which: 'easiest' }))
