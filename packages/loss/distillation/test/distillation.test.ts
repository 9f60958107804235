import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { oneHot, type PipelineBatch, softmaxCrossEntropy } from '@tricks/core'
import { composeRun } from '@tricks/core/run'
import { describe, expect, test } from 'vitest'
import { distillation, distillationLoss, type Teacher } from '../src/index.ts'
import fixture from './fixtures/distillation.json' with { type: 'json' }

onEachBackend(() => {
  describe.each(fixture.cases)(
    'matches torch: T $params.temperature',
    ({ inputs, params, expected, hinton }) => {
      const { temperature } = params
      const run = (alpha?: number): { loss: tf.Tensor; gradient: tf.Tensor } => {
        const teacher = fromFixture(inputs.teacher) as tf.Tensor2D
        const targets = oneHot(fromFixture(inputs.labels), teacher.shape[1])
        const { value: loss, grad: gradient } = tf.valueAndGrad((student) =>
          distillationLoss({
            student: student as tf.Tensor2D,
            teacher,
            targets,
            temperature,
            alpha,
          }),
        )(fromFixture(inputs.student))
        return { loss, gradient }
      }

      test("the article's form", () => {
        const { loss, gradient } = run()
        expectClose(loss, expected.loss)
        expectClose(gradient, expected.gradStudent)
      })

      test("Hinton's", () => {
        const { loss, gradient } = run(hinton.alpha)
        expectClose(loss, hinton.loss, { absolute: 1e-6 * temperature ** 2 })
        expectClose(gradient, hinton.gradStudent)
      })
    },
  )

  test('a student that agrees with its teacher has no divergence', () => {
    const student = tf.tensor2d([[3, -50, 0.5]])
    const targets = oneHot([0], 3)
    const loss = distillationLoss({ student, teacher: student, targets, temperature: 3, alpha: 1 })
    expectClose(loss, 0, { absolute: 1e-6 })
  })
})

const convolutional = (depth: number): layers.LayersModel => {
  const model = layers.sequential()
  for (let i = 0; i < depth; i++) {
    const inputShape = i === 0 ? [6, 6, 3] : undefined
    model.add(layers.layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', inputShape }))
    model.add(layers.layers.batchNormalization({}))
  }
  model.add(layers.layers.globalAveragePooling2d({}))
  model.add(layers.layers.dense({ units: 10 }))
  return model
}
const images = (): tf.Tensor4D => tf.randomUniform([4, 6, 6, 3], 0, 1, 'float32', 1)
const targets = (): tf.Tensor2D => oneHot([0, 1, 2, 3], 10)

describe('the teacher', () => {
  test('sees the augmented, mixed batch, and its term is added to the loss so far', () => {
    const seen: [tf.Tensor, unknown][] = []
    const teacher: Teacher = {
      name: 'elder',
      apply(given, options) {
        seen.push([tf.keep(given.clone()), options])
        return tf.mul(tf.ones([4, 10]), tf.range(0, 10))
      },
    }
    const trick = distillation({ teacher, temperature: 2, alpha: 0.5 })
    const pipeline = composeRun([trick], { mean: [0.5], deviation: [0.25] })
    const given = images()
    const batch = pipeline.batch(given, targets(), 0)
    expect(seen).toHaveLength(1)
    expectClose(seen[0]![0], tf.div(tf.sub(given, 0.5), 0.25))
    expect(seen[0]![1]).toEqual({ training: false })
    const student = tf.zeros<tf.Rank.R2>([4, 10])
    const expected = distillationLoss({
      student,
      teacher: batch.prepared['distillation/logits'] as tf.Tensor2D,
      targets: batch.targets,
      temperature: 2,
      alpha: 0.5,
    })
    expectClose(pipeline.loss(batch, student), expected)
    expect(trick.options).toEqual({ teacher: 'elder', temperature: 2, alpha: 0.5 })

    // The article's form contains the teacher's cross-entropy, which is not 0 if both agree.
    const added = composeRun([distillation({ teacher, temperature: 2 })])
    const again = added.batch(given, targets(), 0)
    const fromTeacher = again.prepared['distillation/logits'] as tf.Tensor2D
    const options = { teacher: fromTeacher, targets: again.targets, temperature: 2 }
    for (const own of [student, fromTeacher])
      expectClose(added.loss(again, own), distillationLoss({ student: own, ...options }))
  })

  test.each([
    ['elder', 'elder'],
    ['my_model1', 'my_model1'],
    ['sequential', 'sequential'],
    ['model7b', 'model7b'],
    // tfjs numbers models without a name.
    ['sequential_1', null],
    ['sequential_23', null],
    ['model45', null],
    ['functional6', null],
    [undefined, null],
  ])('named %s is recorded as %s', (name, recorded) => {
    const teacher: Teacher = { apply: () => tf.zeros([4, 10]), ...(name && { name }) }
    expect(distillation({ teacher }).options).toMatchObject({ teacher: recorded })
  })

  test("is part of the run's identity, with the variables that it lists", () => {
    const model = convolutional(1)
    const listed = Object.keys(distillation({ teacher: model }).constants!())
    expect(listed).toHaveLength(model.weights.length)
    const own = { kernel: tf.variable(tf.scalar(2)) }
    const bare = { apply: () => tf.zeros([4, 10]) }
    expect(distillation({ teacher: { ...bare, variables: own } }).constants!()).toBe(own)
    expect(distillation({ teacher: bare }).constants!()).toEqual({})
  })

  test('keeps its variables bit-equal, including statistics, and gets no gradient', () => {
    const [teacher, student] = [convolutional(2), convolutional(1)]
    const pipeline = composeRun([distillation({ teacher })])
    const before = teacher.getWeights().map((weight) => [...weight.dataSync()])
    const batch = pipeline.batch(images(), targets(), 0)
    const { grads } = tf.variableGrads(() =>
      pipeline.loss(batch, student.apply(batch.images, { training: true }) as tf.Tensor2D),
    )
    expect(teacher.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before)
    const fromTeacher = new Set(teacher.trainableWeights.map((weight) => weight.read()))
    const reached = Object.entries(grads).filter(([, gradient]) => gradient)
    expect(reached).toHaveLength(student.trainableWeights.length)
    for (const variable of fromTeacher)
      expect(grads[(variable as tf.Variable).name] ?? null).toBeNull()
  })

  test('adds the same few tensors to the gradient tape, however deep it is', () => {
    const student = convolutional(2)
    const peakWith = (depth: number): { bytes: number; tensors: number } => {
      const teacher = convolutional(depth)
      const pipeline = composeRun([distillation({ teacher })])
      const batch = pipeline.batch(images(), targets(), 0)
      const before = tf.memory()
      const peak = { bytes: 0, tensors: 0 }
      const { value, grads } = tf.variableGrads(
        () => {
          const logits = student.apply(batch.images, { training: true }) as tf.Tensor2D
          const loss = pipeline.loss(batch, logits)
          const { numBytes, numTensors } = tf.memory()
          Object.assign(peak, {
            bytes: numBytes - before.numBytes,
            tensors: numTensors - before.numTensors,
          })
          return loss
        },
        student.trainableWeights.map((weight) => weight.read() as tf.Variable),
      )
      const { prepared, images: seen, targets: soft, mixedTargets } = batch
      tf.dispose([value, grads, prepared, seen, soft, mixedTargets])
      return peak
    }
    const shallow = peakWith(1)
    expect(peakWith(12)).toEqual(shallow)
    expect(shallow.tensors).toBeGreaterThan(0)
  })
})

describe('rejects', () => {
  const teacher: Teacher = { apply: () => tf.zeros([4, 3]) }
  const batch: PipelineBatch = {
    images: images(),
    targets: targets(),
    mixedTargets: targets(),
    prepared: {},
    time: { step: 0, stepsPerEpoch: 1, steps: 1 },
  }
  test('a teacher with other classes', () => {
    const step = composeRun([]).step(0)
    expect(() => distillation({ teacher }).prepare!(batch, step)).toThrow(
      'distillation: expected the teacher to return logits [4, 10], got [4, 3]',
    )
    for (const shape of [[3, 10], [4, 11], [10], [4, 10, 1]]) {
      const other: Teacher = { apply: () => tf.zeros(shape) }
      expect(() => distillation({ teacher: other }).prepare!(batch, step)).toThrow(
        `logits [4, 10], got [${shape.join(', ')}]`,
      )
    }
    const several: Teacher = { apply: () => [tf.zeros([4, 10])] }
    expect(() => distillation({ teacher: several }).prepare!(batch, step)).toThrow('got []')
  })
  test('a teacher that ends in a softmax', () => {
    const model = layers.sequential()
    model.add(layers.layers.dense({ units: 2, inputShape: [3], activation: 'softmax' }))
    expect(() => distillation({ teacher: model })).toThrow('the teacher ends in a softmax')
  })
  const { activation, dense, globalAveragePooling2d, softmax } = layers.layers
  const head = (): layers.LayersModel =>
    layers.sequential({ layers: [dense({ units: 10, inputShape: [3] }), softmax()] })
  const teachers: [string, string, () => Teacher][] = [
    ['a softmax layer', 'softmax', () => pooling([6, 6, 3], dense({ units: 10 }), softmax())],
    ['a nested head', 'softmax', () => pooling([6, 6, 3], head())],
    [
      'a sigmoid',
      'sigmoid',
      () => pooling([6, 6, 3], dense({ units: 10 }), activation({ activation: 'sigmoid' })),
    ],
    ['any image size', 'softmax', () => pooling([null, null, 3], head())],
    [
      'a function',
      'softmax',
      () => ({ apply: (given) => tf.softmax(tf.slice(tf.reshape(given, [4, -1]), 0, [4, 10])) }),
    ],
  ]
  const pooling = (
    inputShape: (number | null)[],
    ...end: layers.layers.Layer[]
  ): layers.LayersModel =>
    layers.sequential({ layers: [globalAveragePooling2d({ inputShape }), ...end] })
  test.each(teachers)('a teacher that ends in %s', (_, name, make) => {
    const predict = (): unknown =>
      composeRun([distillation({ teacher: make() })]).batch(images(), targets(), 0)
    expect(predict).toThrow(
      `distillation: the teacher ends in a ${name}, but the losses take logits: remove the activation`,
    )
  })
  test('a teacher that returns log-probabilities, whose softmax equals that of logits', () => {
    const elder: Teacher = {
      apply: (given) => tf.logSoftmax(tf.slice(tf.reshape(given, [4, -1]), 0, [4, 10])),
    }
    const { prepared } = composeRun([distillation({ teacher: elder })]).batch(
      images(),
      targets(),
      0,
    )
    expect(prepared['distillation/logits']!.shape).toEqual([4, 10])
  })
  test('options', () => {
    expect(() => distillation({ teacher, temperature: 0 })).toThrow(
      'distillation: expected temperature to be a number in [0.000001, 1000000], got 0',
    )
    const logits = tf.zeros<tf.Rank.R2>([1, 2])
    const given = { student: logits, teacher: logits, targets: logits, temperature: 1 }
    expect(() => distillationLoss({ ...given, alpha: 2 })).toThrow('a number in [0, 1], got 2')
    for (const temperature of [0, NaN, '4', null, undefined])
      expect(() => distillationLoss({ ...given, temperature: temperature as number })).toThrow(
        'distillation: expected temperature to be a number',
      )
    for (const [name, wrong, message] of [
      ['alpha', '0.5', 'alpha to be a number in [0, 1], got 0.5'],
      ['student', [[0, 1]], 'student to be a tensor [batch, classes]'],
      ['targets', tf.scalar(1), 'targets to be a tensor [batch, classes]'],
      ['targets', tf.zeros([1, 3]), "targets to be of the student's shape [1, 2], got [1,3]"],
      ['teacher', tf.zeros([2, 2]), "teacher to be of the student's shape [1, 2], got [2,2]"],
      ['tau', 3, 'options to be some of student, teacher, targets, temperature, alpha, got tau'],
    ] as const)
      expect(() => distillationLoss({ ...given, [name]: wrong })).toThrow(
        `distillation: expected ${message}`,
      )
    expectClose(
      distillationLoss({ ...given, targets: oneHot([0], 2), alpha: 0 }),
      softmaxCrossEntropy(oneHot([0], 2), logits),
    )
  })
})

/** Averages over the whole image, so it accepts every size and any channels. */
const brightness: Teacher = {
  apply: (seen) =>
    tf.tidy(() => tf.mul(tf.reshape(tf.mean(seen, [1, 2, 3]), [-1, 1]), tf.range(0, 10))),
}
conformance(() => distillation({ teacher: brightness, temperature: 4, alpha: 0.9 }), {
  invalid: [
    () => distillation({ teacher: brightness, temperature: -1 }),
    () => distillation({ teacher: brightness, temperature: Infinity }),
    () => distillation({ teacher: brightness, alpha: 1.5 }),
    () => distillation({ teacher: brightness, alpha: '0.5' as never }),
    () => distillation({ teacher: brightness, temperature: null as never }),
    () => distillation({ teacher: brightness, tau: 3 } as never),
    () => distillation({ teacher: {} as Teacher }),
    () => distillation({ teacher: null as never }),
    () => distillation({} as never),
  ],
})
conformance(() => distillation({ teacher: brightness }))
