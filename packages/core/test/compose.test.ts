import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import {
  compose,
  during,
  oneHot,
  oneOf,
  type Multipliers,
  type Pipeline,
  type PipelineBatch,
  sometimes,
  type Step,
  type Tensors,
  type Time,
  type Trick,
} from '../src/index.ts'
import { composeRun } from '../src/run.ts'

/** Adds a number to each image, drawn per image. */
const shift = (name = 'shift', key?: string): Trick => ({
  name,
  key,
  options: {},
  images: {
    draw: (random, { batch }) => random.images(batch, (image) => image.uniform(0, 0.1)),
    apply: (images, params) =>
      tf.add(images, tf.tensor4d(params as number[], [images.shape[0], 1, 1, 1])),
  },
})
const swapHalf: Trick = {
  name: 'swap-half',
  options: {},
  mix: {
    draw: (random, { batch }) => [...random.permutation(batch)],
    apply: ({ images, targets }, order) => {
      const partners = tf.tensor1d(order as number[], 'int32')
      const half = <T extends tf.Tensor>(x: T): T => tf.mul(tf.add(x, tf.gather(x, partners)), 0.5)
      return { images: half(images), targets: half(targets) }
    },
  },
}
const smooth: Trick = {
  name: 'smooth',
  options: {},
  targets: (targets) => tf.add(tf.mul(targets, 0.5), 0.25),
}
const halve: Trick = {
  name: 'halve',
  options: {},
  learningRate: (rate) => rate / 2,
  setsRate: true,
}

const images = tf.fill<tf.Rank.R4>([4, 2, 2, 1], 0.5)
const targets = oneHot([0, 1, 0, 1], 2)
const shape = { batch: 4, height: 2, width: 2, channels: 1, classes: 2 }
const valuesOf = (tensor: tf.Tensor): number[] => [...tensor.dataSync()]

describe('tricks that change the size of images', () => {
  /** Cuts the first half of the rows, if the images have more than one. */
  const halveRows: Trick = {
    name: 'halve-rows',
    options: {},
    images: {
      draw: (_, { height, width }) =>
        height > 1 ? { height: Math.floor(height / 2), width } : undefined,
      apply: (input, params) => {
        const { height, width } = params as { height: number; width: number }
        return tf.slice(input, 0, [-1, height, width, -1])
      },
      outputSize: (params) => params as { height: number; width: number } | undefined,
    },
  }
  const seen: string[] = []
  const look = (name: string, hook: 'images' | 'mix'): Trick => ({
    name,
    options: {},
    [hook]: {
      draw: (_: unknown, { height, width }: { height: number; width: number }) =>
        void seen.push(`${name} ${height}×${width}`),
    },
  })

  test.each<[string, Trick, string]>([
    ['directly', halveRows, '4×6'],
    ['in a window', during({ until: { steps: 2 } }, halveRows), '4×6'],
    ['outside of a window', during({ from: { steps: 2 } }, halveRows), '8×6'],
  ])('others after them draw for the new size, %s', (_, trick, after) => {
    seen.length = 0
    const list = [look('before', 'images'), trick, look('after', 'images'), look('mix', 'mix')]
    const size = { batch: 2, height: 8, width: 6, channels: 1, classes: 2 }
    compose(list, { seed: 1 }).draw(size, 0)
    expect(seen).toEqual(['before 8×6', `after ${after}`, `mix ${after}`])
    expect(size.height).toBe(8)
  })
})

describe('compose', () => {
  test('runs stages in a fixed order, whatever the list order', () => {
    const options = { seed: 2, mean: [0.5], deviation: [0.25] }
    const some = compose([smooth, swapHalf, shift()], options).batch(images, targets, 0)
    const other = compose([shift(), swapHalf, smooth], options).batch(images, targets, 0)
    expect(valuesOf(some.images)).toEqual(valuesOf(other.images))
    // Mixed first, then smoothed: each row is 0.5 · (mixed) + 0.25.
    const mixed = valuesOf(some.mixedTargets)
    expect(valuesOf(some.targets)).toEqual(mixed.map((value) => value * 0.5 + 0.25))
    expect(new Set(mixed).size).toBeGreaterThan(1)
  })

  test('normalises once, by mean and deviation', () => {
    const { images: normal } = compose([], { mean: [0.25], deviation: [0.125] }).batch(
      images,
      targets,
      0,
    )
    expect(valuesOf(normal)).toEqual(valuesOf(images).map(() => 2))
  })

  test('leaves its inputs unchanged and no tensors except its results', () => {
    const before = tf.memory().numTensors
    const batch = compose([shift(), swapHalf, smooth]).batch(images, targets, 0)
    tf.dispose([batch.images, batch.targets, batch.mixedTargets])
    expect(tf.memory().numTensors).toBe(before)
    expect(valuesOf(images)).toEqual(Array(16).fill(0.5))
  })

  test("removing a trick does not change the others' draws", () => {
    const drawn = (tricks: Trick[]): unknown =>
      compose(tricks, { seed: 4 }).draw(shape, 17).images['b']
    const full = drawn([shift('a'), shift('b'), shift('c')])
    expect(drawn([shift('b')])).toEqual(full)
    expect(drawn([shift('c'), shift('b')])).toEqual(full)
    expect(drawn([shift('b'), sometimes(0.5, shift('a')), swapHalf, smooth])).toEqual(full)
  })

  test('draws can be replayed', () => {
    const pipeline = compose([shift(), swapHalf])
    const draws = pipeline.draw(shape, 3)
    const again = JSON.parse(JSON.stringify(draws)) as typeof draws
    const once = pipeline.batch(images, targets, 3)
    expect(valuesOf(pipeline.batch(images, targets, 99, again).images)).toEqual(
      valuesOf(once.images),
    )
  })

  test('cross-entropy, then losses, then penalties', () => {
    const twice: Trick = { name: 'twice', options: {}, loss: (loss) => tf.mul(loss, 2) }
    const one: Trick = { name: 'one', options: {}, penalty: () => tf.scalar(1) }
    const pipeline = compose([one, twice])
    const logits = tf.zeros<tf.Rank.R2>([4, 2])
    const [loss] = valuesOf(pipeline.loss(pipeline.batch(images, targets, 0), logits))
    expect(loss).toBeCloseTo(2 * Math.log(2) + 1, 6)
  })

  test("a trick's loss sees only what the trick prepared", () => {
    const seen: string[][] = []
    const preparing = (name: string): Trick => ({
      name,
      options: {},
      prepare: () => ({ made: tf.scalar(1) }),
      loss(loss, { prepared }) {
        seen.push(Object.keys(prepared))
        return loss
      },
    })
    const pipeline = compose([preparing('a'), sometimes(1, preparing('b'))])
    const batch = pipeline.batch(images, targets, 0)
    expect(Object.keys(batch.prepared)).toEqual(['a/made', 'sometimes(b)/b/made'])
    pipeline.loss(batch, tf.zeros([4, 2]))
    expect(seen).toEqual([['made'], ['made']])
  })

  test("a part of a batch has the whole batch's draws for its images, in every hook", () => {
    const drawn: Record<string, number[]> = {}
    const draws =
      (hook: string) =>
      ({ random }: Step, { shape: [size] }: tf.Tensor): void =>
        void (drawn[hook] = [
          ...(drawn[hook] ?? []),
          ...random.images(size, (image) => image.uniform()),
        ])
    const [onTargets, onPrepare, onLoss, onGradients] = [
      draws('targets'),
      draws('prepare'),
      draws('loss'),
      draws('gradients'),
    ]
    const trick: Trick = {
      name: 'draws',
      options: {},
      targets(given, step) {
        onTargets(step, given)
        return given
      },
      prepare(batch, step) {
        onPrepare(step, batch.images)
        return {}
      },
      loss(loss, pass) {
        onLoss(pass, pass.logits)
        return loss
      },
      gradients(next, step) {
        onGradients(step, step.batch.images)
        return next()
      },
    }
    const pipeline = composeRun([sometimes(1, during({}, trick))], { seed: 3 })
    const pass = (first: number, size: number): void => {
      const [own, rows] = [tf.slice(images, first, size), tf.slice(targets, first, size)]
      const batch = pipeline.batch(own, rows, 5, undefined, first)
      const next = ({ batch: given = batch }: { batch?: PipelineBatch } = {}): Tensors => {
        pipeline.loss(given, tf.zeros([given.images.shape[0], 2]))
        return {}
      }
      pipeline.gradients(next, batch, {})
    }
    pass(0, 4)
    const whole = { ...drawn }
    for (const hook of Object.keys(drawn)) delete drawn[hook]
    pass(0, 1)
    pass(1, 3)
    expect(Object.keys(whole)).toEqual(['targets', 'prepare', 'gradients', 'loss'])
    expect(new Set(whole['loss']).size).toBe(4)
    expect(drawn).toEqual(whole)
  })

  test("gradients of a part of the batch, requested by another trick, use its images' draws too", () => {
    const seen: number[][] = []
    const split: Trick = {
      name: 'split',
      options: {},
      gradients(next, { batch }) {
        for (const first of [0, 2])
          next({ batch: { ...batch, images: tf.slice(batch.images, first, 2), first: 4 + first } })
        return {}
      },
    }
    const listens: Trick = {
      name: 'listens',
      options: {},
      gradients(next, { batch, random }) {
        seen.push(random.images(batch.images.shape[0], (image) => image.uniform()))
        return next()
      },
    }
    const whole = composeRun([listens], { seed: 3 })
    whole.gradients(() => ({}), whole.batch(images, targets, 5, undefined, 4), {})
    const parts = composeRun([split, listens], { seed: 3 })
    parts.gradients(() => ({}), parts.batch(images, targets, 5, undefined, 4), {})
    expect(seen).toHaveLength(3)
    expect(seen.slice(1).flat()).toEqual(seen[0])
  })

  test('rejects tricks that conflict', () => {
    expect(() => compose([shift(), shift()])).toThrow("two tricks have the key 'shift'")
    expect(() => compose([shift(), shift('shift', 'again')])).not.toThrow()
    expect(() => compose([swapHalf, { ...swapHalf, name: 'other' }])).toThrow(
      'compose: swap-half and other both mix: use oneOf([[swap-half, 1], [other, 1]])',
    )
    expect(() => compose([halve, { ...halve, name: 'other' }])).toThrow(
      'halve and other both set the learning rate',
    )
    const both = compose([sometimes(1, swapHalf), sometimes(1, { ...swapHalf, name: 'other' })])
    expect(() => both.draw(shape, 0)).toThrow('both mix: use oneOf')
  })

  test('plan lists the stages in order, with tricks and options as data', () => {
    const pipeline = compose([smooth, during({ until: { epochs: 3 } }, shift())])
    expect(pipeline.plan()).toEqual([
      {
        stage: 'images',
        tricks: [
          {
            name: 'during',
            key: 'during(shift)',
            options: { until: { epochs: 3 } },
            tricks: [{ name: 'shift', key: 'shift', options: {} }],
          },
        ],
      },
      { stage: 'targets', tricks: [{ name: 'smooth', key: 'smooth', options: {} }] },
    ])
    expect(JSON.parse(JSON.stringify(pipeline.plan()))).toEqual(pipeline.plan())
  })

  test('trace returns the result of each stage and ends with the batch', () => {
    const pipeline = compose([smooth, swapHalf, shift()], { seed: 2, mean: [0.5] })
    const trace = pipeline.trace(images, targets, 3)
    expect(trace.map(({ stage, trick }) => [stage, trick?.name])).toEqual([
      ['input', undefined],
      ['images', 'shift'],
      ['normalize', undefined],
      ['mix', 'swap-half'],
      ['targets', undefined],
      ['batch', undefined],
    ])
    const drawn = pipeline.draw(shape, 3)
    expect(trace[1]!.params).toEqual(drawn.images['shift'])
    expect(trace[3]!.params).toEqual(drawn.mix['swap-half'])
    expect(valuesOf(trace[0].images)).toEqual(valuesOf(images))
    expect(valuesOf(trace[1]!.images)[0]).toBeCloseTo(0.5 + (drawn.images['shift'] as number[])[0]!)
    expect(valuesOf(trace[2]!.images)[0]).toBeCloseTo((drawn.images['shift'] as number[])[0]!)
    const batch = pipeline.batch(images, targets, 3)
    for (const name of ['images', 'targets', 'mixedTargets'] as const)
      expect(valuesOf(trace.at(-1)![name as 'images'])).toEqual(valuesOf(batch[name]))
  })
})

describe('combinators', () => {
  const at = (step: number): Time => ({ step, stepsPerEpoch: 10, steps: 100 })

  test('sometimes acts per image, with the given probability', () => {
    const pipeline = compose([sometimes(0.3, shift())])
    const large = { ...shape, batch: 4000 }
    const { choice } = pipeline.draw(large, 0).images['sometimes(shift)'] as {
      choice: number[]
    }
    const share = choice.filter((chosen) => chosen === 0).length / 4000
    expect(share).toBeCloseTo(0.3, 1)
    const { images: shifted } = pipeline.batch(images, targets, 1)
    const drawn = pipeline.draw(shape, 1).images['sometimes(shift)'] as {
      choice: number[]
    }
    const changed = valuesOf(shifted).map((value) => value !== 0.5)
    expect(changed).toEqual(drawn.choice.flatMap((chosen) => Array(4).fill(chosen === 0)))
  })

  test('sometimes with probability 0 and 1', () => {
    const never = compose([sometimes(0, shift())]).batch(images, targets, 0)
    expect(valuesOf(never.images)).toEqual(valuesOf(images))
    const always = compose([sometimes(1, shift())]).batch(images, targets, 0)
    expect(valuesOf(always.images).every((value) => value > 0.5)).toBe(true)
  })

  test('oneOf chooses by weight: per image if all are image tricks, otherwise per step', () => {
    const pipeline = compose([
      oneOf([
        [shift('a'), 1],
        [shift('b'), 3],
      ]),
    ])
    const drawn = pipeline.draw({ ...shape, batch: 4000 }, 0).images['oneOf(a,b)'] as {
      choice: number[]
    }
    expect(drawn.choice.filter((chosen) => chosen === 1).length / 4000).toBeCloseTo(0.75, 1)

    const mixers = compose([
      oneOf([
        [swapHalf, 1],
        [{ ...swapHalf, name: 'other' }, 1],
      ]),
    ])
    const names = Array.from({ length: 1000 }, (_, step) => {
      const mix = mixers.draw(shape, step).mix['oneOf(swap-half,other)'] as object
      expect(Object.keys(mix)).toHaveLength(1)
      return Object.keys(mix)[0]
    })
    expect(names.filter((name) => name === 'other').length / 1000).toBeCloseTo(0.5, 1)
  })

  test('during passes on metrics and epochs inside its window only', () => {
    const calls: string[] = []
    const listens: Trick = {
      name: 'listens',
      options: {},
      observe: [{ every: { steps: 1 }, metrics: (_, { step }) => calls.push(`step ${step}`) }],
      afterEpoch: ({ epoch }) => void calls.push(`epoch ${epoch}`),
    }
    const pipeline = composeRun([during({ from: { epochs: 1 }, until: { epochs: 2 } }, listens)])
    for (const step of [0, 1, 2, 3, 4, 5]) {
      const metrics = { loss: 1, accuracy: 0 }
      const after = (more: number): Time => ({ step: step + more, stepsPerEpoch: 2, steps: 6 })
      for (const observer of pipeline.observe) observer.metrics(metrics, after(0))
      if (step % 2 === 1)
        pipeline.afterEpoch({
          epoch: (step - 1) / 2,
          time: after(1),
          training: metrics,
          variables: {},
        })
    }
    expect(calls).toEqual(['step 2', 'step 3', 'epoch 1'])
  })

  test('during acts only inside its window', () => {
    const window = { from: { steps: 20 }, until: { fraction: 0.5 } } as const
    const pipeline = compose([during(window, { ...halve, ...smooth, name: 'both' })])
    const acted = [0, 19, 20, 49, 50, 99].map((step) => [
      pipeline.learningRate(1, at(step)),
      valuesOf(pipeline.batch(images, targets, at(step)).targets)[0],
    ])
    const [outside, inside] = [
      [1, 1],
      [0.5, 0.75],
    ]
    expect(acted).toEqual([outside, outside, inside, inside, outside, outside])
  })

  test('a window that needs an unknown length is an error', () => {
    const pipeline = compose([during({ until: { epochs: 3 } }, shift())])
    expect(() => pipeline.draw(shape, 0)).toThrow(
      '{"epochs":3} needs stepsPerEpoch: pass it to compose',
    )
  })

  const run = (step = 0): Parameters<Pipeline['start']>[0] => ({
    variables: {},
    data: { size: 1, ...shape, mean: [0], deviation: [1] },
    batchSize: 1,
    time: at(step),
  })
  const counter: Trick<{ count: number }> = {
    name: 'counter',
    options: {},
    start: () => ({ count: 0 }),
    learningRate: (rate, _, { count }) => rate + count,
    afterStep: (_, { state }) => void state.count++,
  }

  test('nested tricks have state, which is saved and restored', () => {
    const inner = during({}, counter)
    const pipeline = composeRun([during({ from: { steps: 1 } }, inner, { key: 'late' })])
    pipeline.start(run())
    for (const step of [0, 1, 2]) pipeline.afterStep({}, at(step))
    const saved = pipeline.save()
    expect(saved).toEqual({ late: { 'during(counter)': { counter: { count: 2 } } } })
    pipeline.start(run())
    expect(pipeline.learningRate(1, at(5))).toBe(1)
    pipeline.restore(saved)
    expect(pipeline.learningRate(1, at(5))).toBe(3)
    pipeline.afterStep({}, at(3))
    expect(saved).toEqual({ late: { 'during(counter)': { counter: { count: 2 } } } })
    expect(() => pipeline.restore({})).toThrow("the saved state has none for 'late'")
  })

  test('two runs with the same trick objects are independent, even if start returns a shared object', () => {
    const shared = { count: 0 }
    const same = { ...counter, start: () => shared }
    const [first, second] = [composeRun([same]), composeRun([same])]
    first.start(run())
    second.start(run())
    first.afterStep({}, 0)
    first.afterStep({}, 1)
    second.afterStep({}, 0)
    expect([first, second].map((each) => each.learningRate(0, 2))).toEqual([2, 1])
    expect(shared).toEqual({ count: 0 })
  })

  test('a run that was not started is an error', () => {
    expect(() => composeRun([counter]).learningRate(1, 0)).toThrow(
      "compose: 'counter' has state: call pipeline.start(run)",
    )
    expect(compose([smooth]).batch(images, targets, 0).targets.shape).toEqual([4, 2])
  })

  test('the state owns its tensors: it keeps assigned ones and disposes replaced ones', () => {
    const variables = { 'dense/kernel': tf.variable(tf.tensor1d([1, 2])) }
    const average: Trick<{ mean: Tensors; steps: number[] }> = {
      name: 'average',
      options: {},
      start: (about) => ({ mean: { ...about.variables }, steps: [] }),
      afterStep(given, { state, time }) {
        state.mean = {
          'dense/kernel': tf.mul(tf.add(state.mean['dense/kernel']!, given['dense/kernel']!), 0.5),
        }
        state.steps.push(time.step)
      },
      finish: ({ variables: own }, { mean }) => own['dense/kernel']!.assign(mean['dense/kernel']!),
    }
    const before = tf.memory().numTensors
    const pipeline = composeRun([average])
    pipeline.start({ ...run(), variables })
    variables['dense/kernel'].assign(tf.tensor1d([3, 4]))
    const held = tf.memory().numTensors
    for (const step of [0, 1, 2]) pipeline.afterStep(variables, step)
    expect(tf.memory().numTensors).toBe(held)
    const saved = pipeline.save()
    variables['dense/kernel'].assign(tf.tensor1d([0, 0]))
    pipeline.afterStep(variables, 3)
    pipeline.restore(saved)
    tf.dispose(saved as tf.TensorContainerObject)
    pipeline.finish({ reason: 'finished', time: at(100), variables })
    expect(valuesOf(variables['dense/kernel'])).toEqual([2.75, 3.75])
    pipeline.dispose()
    // The variable never belonged to the state; two assigned tensors belong to the test.
    expect(variables['dense/kernel'].isDisposed).toBe(false)
    expect(tf.memory().numTensors).toBe(before + 2)
    variables['dense/kernel'].dispose()
  })

  test('multipliers of several tricks multiply per variable', () => {
    const scales = (name: string, factors: Record<string, Multipliers>): Trick => ({
      name,
      options: {},
      multipliers: (path) => factors[path] ?? {},
    })
    const pipeline = composeRun([
      scales('a', { 'x/kernel': { rate: 0.5 }, 'x/bias': { decay: 0 } }),
      during(
        { from: { steps: 5 } },
        scales('b', { 'x/kernel': { rate: 0.5, decay: 2 }, 'y/kernel': { rate: 0 } }),
      ),
    ])
    const paths = ['x/kernel', 'x/bias', 'y/kernel', 'y/bias']
    expect(paths.map((path) => pipeline.multipliers(path, at(0)))).toEqual([
      { rate: 0.5, decay: 1 },
      { rate: 1, decay: 0 },
      { rate: 1, decay: 1 },
      { rate: 1, decay: 1 },
    ])
    expect(paths.map((path) => pipeline.multipliers(path, at(5)))).toEqual([
      { rate: 0.25, decay: 2 },
      { rate: 1, decay: 0 },
      { rate: 0, decay: 1 },
      { rate: 1, decay: 1 },
    ])
  })

  test('finish reaches every trick, even outside its window', () => {
    const ends: string[] = []
    const last: Trick = {
      name: 'last',
      options: {},
      finish: ({ reason }) => void ends.push(reason),
    }
    const pipeline = composeRun([
      during({ until: { steps: 1 } }, last),
      sometimes(0, { ...last, key: 'b' }),
    ])
    pipeline.finish({ reason: 'aborted', time: at(9), variables: {} })
    expect(ends).toEqual(['aborted', 'aborted'])
  })

  test("a pipeline's mean and deviation are numbers", () => {
    for (const wrong of [[NaN], ['0.5'], [0.1, 0.2, null]] as unknown as number[][])
      for (const option of ['mean', 'deviation'])
        expect(() => compose([], { [option]: wrong })).toThrow(
          `compose: expected ${option} to be a list of numbers in `,
        )
    for (const option of ['mean', 'deviation'])
      expect(() => compose([], { [option]: [0.1, 0.2] }).normalize(tf.zeros([1, 1, 1, 3]))).toThrow(
        `compose: expected ${option} to be a list of 3 numbers, got [0.1,0.2]`,
      )
  })

  test('invalid options throw', () => {
    expect(() => sometimes(1.5, shift())).toThrow(
      'sometimes: expected probability to be a number in [0, 1], got 1.5',
    )
    expect(() => oneOf([])).toThrow(
      'oneOf: expected weights to be above 0, in a list of [trick, weight], got []',
    )
    expect(() => oneOf([[shift(), 0]])).toThrow(
      'oneOf: expected weights to be above 0, in a list of [trick, weight], got [0]',
    )
    expect(() => during({ from: { steps: -1 } }, shift())).toThrow(
      'during: expected window to be { from, until } in { steps }, { epochs } or { fraction }, ' +
        'got {"from":{"steps":-1}}',
    )
    // @ts-expect-error: two units at once
    expect(() => during({ from: { steps: 1, epochs: 1 } }, shift())).toThrow(
      'got {"from":{"steps":1,"epochs":1}}',
    )
    expect(() => during({ form: { steps: 1 } } as never, shift())).toThrow(
      'or { fraction }, got {"form":{"steps":1}}',
    )
    expect(() => sometimes(0.5, halve)).toThrow(
      "sometimes: 'halve' sets the learning rate: use during",
    )
  })

  test.each<[() => unknown, string]>([
    [() => sometimes('0.5' as never, shift()), 'sometimes: expected probability to be a number in'],
    [() => sometimes([0.5] as never, shift()), 'sometimes: expected probability to be a number in'],
    [() => sometimes(NaN, shift()), 'sometimes: expected probability to be a number in'],
    [() => sometimes(null as never, shift()), 'got null'],
    [
      () => sometimes(0.5, undefined as never),
      'sometimes: expected trick to be a trick, got undef',
    ],
    [() => sometimes(0.5, {} as never), 'sometimes: expected trick to be a trick, got {}'],
    [() => oneOf([[shift(), '2' as never]]), 'in a list of [trick, weight], got ["2"]'],
    [() => oneOf([[shift(), Infinity]]), 'in a list of [trick, weight], got ["Infinity"]'],
    [
      () => oneOf([shift()] as never),
      'oneOf: expected weights to be above 0, in a list of [trick, weight]',
    ],
    [() => oneOf([['cutout', 1]] as never), 'oneOf: expected trick to be a trick, got cutout'],
    [() => oneOf(null as never), 'in a list of [trick, weight], got null'],
    [() => during(null as never, shift()), 'during: expected window to be { from, until }'],
    [() => during({ from: { steps: '3' as never } }, shift()), 'got {"from":{"steps":"3"}}'],
    [() => during({ until: null as never }, shift()), 'got {"until":null}'],
    [() => during({}, null as never), 'during: expected trick to be a trick, got null'],
  ])('%#: and values of another type', (make, message) => {
    expect(make).toThrow(message)
  })

  test('rejects values that are not tricks', () => {
    const lists: [() => unknown, string][] = [
      [() => compose([shift as never]), 'compose: expected a trick, got the function shift'],
      [() => compose([undefined as never]), 'compose: expected trick to be a trick, got undefined'],
      [() => compose(shift() as never), 'compose: expected tricks to be a list of tricks'],
      [() => compose(null as never), 'compose: expected tricks to be a list of tricks, got null'],
      [() => sometimes(0.5, shift as never), 'sometimes: expected a trick, got the function shift'],
      [() => sometimes(0.5, undefined as never), 'sometimes: expected trick to be a trick'],
      [() => oneOf([[shift as never, 1]]), 'oneOf: expected a trick, got the function shift'],
      [() => during({}, shift as never), 'during: expected a trick, got the function shift'],
      [
        () => during(shift() as never, {} as never),
        'during: expected window to be { from, until }',
      ],
    ]
    for (const [make, message] of lists) expect(make).toThrow(message)
  })

  test('a key may be any non-empty text', () => {
    for (const key of ['constructor', 'toString', '__proto__']) {
      const apply = (): never => {
        throw new Error('expected a draw')
      }
      const never: Trick = { ...shift('shift', key), images: { draw: () => undefined, apply } }
      const kept: Trick<{ count: number }> = {
        images: never.images!,
        name: 'shift',
        key,
        options: {},
        start: () => ({ count: 0 }),
        learningRate: (rate, _, { count }) => rate + count,
        afterStep: (_, { state }) => void state.count++,
      }
      const pipeline = composeRun([kept])
      pipeline.start({ variables: {}, data: {} as never, batchSize: 2, time: at(0) })
      expect([...pipeline.batch(images, targets, 0).images.dataSync()]).toEqual([
        ...images.dataSync(),
      ])
      pipeline.afterStep({}, 0)
      pipeline.restore(pipeline.save())
      expect(pipeline.learningRate(1, 1)).toBe(2)
    }
    for (const key of ['', 3, {}])
      expect(() => compose([shift('shift', key as never)])).toThrow(
        'shift: expected key to be a nonempty string, got ',
      )
  })

  test('a trick that changes the size of only some images is an error', () => {
    const grow: Trick = {
      name: 'grow',
      options: {},
      images: { draw: () => 0, apply: (x) => tf.image.resizeBilinear(x, [3, 3]) },
    }
    expect(() => compose([sometimes(0.99, grow)]).batch(images, targets, 0)).toThrow(
      "'grow' changes the images' size: apply it to all",
    )
  })
})
