// Freeing used tensors early in the backward pass changes no gradient, and needs less memory.
import * as tf from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batchNorm, draws } from './compare.ts'
import { installed } from './native.ts'

/** As many as our ops need. */
const channels = 16

/** Batch normalisation with batch statistics, whose gradient may overwrite its input. */
const normalized = (x: tf.Tensor): tf.Tensor =>
  batchNorm(1e-3)(x, tf.ones([channels]), tf.zeros([channels]))

const set = (release: boolean): void => tf.env().set('NATIVE_RELEASE', release)

/** Randomly wired networks: each layer has one or two earlier layers as input. */
function randomNet(i: number): (x: tf.Tensor) => tf.Tensor {
  const draw = draws('net', i)
  const asIs = tf.customGrad((x) => ({ value: tf.clone(x as tf.Tensor), gradFunc: (dy) => dy }))
  const layers = Array.from({ length: draw.within(3, 12) }, (_, depth) => {
    const from = [draw.within(0, depth), draw.within(0, depth)]
    const kind = draw.pick([
      'relu',
      'product',
      'sum',
      'as is',
      'square',
      'split',
      'dead end',
      'normalized',
      'rectified',
    ])
    return { from, kind }
  })
  return (x) => {
    const made = [x]
    for (const { from, kind } of layers) {
      const [a, b] = from.map((at) => made[at]!) as [tf.Tensor, tf.Tensor]
      const bounded = tf.tanh(a)
      const next: Record<string, () => tf.Tensor> = {
        relu: () => tf.relu(a),
        product: () => tf.mul(bounded, b),
        sum: () => tf.add(a, b),
        'as is': () => asIs(a),
        square: () => tf.square(bounded),
        split: () => tf.add(...(tf.split(tf.concat([a, b]), 2) as [tf.Tensor, tf.Tensor])),
        normalized: () => normalized(a),
        rectified: () => tf.relu6(normalized(a)),
        'dead end': () => (tf.exp(bounded), b),
      }
      made.push(next[kind]!())
    }
    return tf.add(made.at(-1)!, x)
  }
}

describe.skipIf(!installed)('early release', () => {
  beforeEach(() => tf.setBackend('tensorflow'))
  afterEach(async () => {
    set(true)
    await tf.setBackend('cpu')
  })

  test('changes no gradient, and leaks no tensor', () => {
    for (let i = 0; i < 200; i++) {
      const net = randomNet(i)
      const before = tf.memory().numTensors
      const [kept, released] = [false, true].map((release) => {
        set(release)
        return tf.tidy(() => {
          const { values } = draws('x', i).input(3, channels)
          const [x, dy] = [tf.tensor(values, [3, channels]), tf.ones([3, channels])]
          const { value, grad } = tf.valueAndGrad(net)(x, dy)
          // Tensors of the caller are kept.
          for (const tensor of [x, dy, value, grad]) expect(tensor.isDisposed).toBe(false)
          return [...grad.dataSync()]
        })
      })
      expect(released).toEqual(kept)
      expect(tf.memory().numTensors).toBe(before)
    }
  })

  test('keeps a gradient that a node passes to several inputs', () => {
    const sum = tf.customGrad((...inputs) => {
      const [a, b] = inputs as [tf.Tensor, tf.Tensor]
      return { value: tf.add(a, b), gradFunc: (dy) => [dy, dy] }
    })
    const gradients = [false, true].map((release) => {
      set(release)
      return tf.tidy(() => {
        const inputs = ['a', 'b'].map((name, i) =>
          tf.tensor(draws(name, i).input(3, channels).values, [3, channels]),
        )
        const net = (a: tf.Tensor, b: tf.Tensor) =>
          tf.square(sum(tf.relu6(normalized(a)), normalized(tf.square(b))))
        return tf
          .grads(net)(inputs)
          .map((gradient) => [...gradient.dataSync()])
      })
    })
    expect(gradients[1]).toEqual(gradients[0])
  })

  test('keeps a gradient of which another, reshaped, has the memory', () => {
    const gradients = [false, true].map((release) => {
      set(release)
      return tf.tidy(() => {
        const a = tf.tensor(draws('a', 0).input(3, channels).values, [3, channels])
        const b = tf.tensor(draws('b', 0).input(3, channels).values, [1, 3, channels])
        // The sum passes the same memory on to both; the last one made receives its gradient first.
        const net = (x: tf.Tensor, y: tf.Tensor) =>
          normalized(tf.add(tf.square(x), normalized(tf.square(y))))
        return tf
          .grads(net)([a, b])
          .map((gradient) => [...gradient.dataSync()])
      })
    })
    expect(gradients[1]).toEqual(gradients[0])
  })

  test('does not affect gradients of gradients', () => {
    const results = [false, true].map((release) => {
      set(release)
      const before = tf.memory().numTensors
      const found = tf.tidy(() => {
        const f = (x: tf.Tensor) => tf.sum(tf.mul(tf.square(x), x))
        const second = tf.grad((x) => tf.sum(tf.grad(f)(x)))
        return [...second(tf.tensor1d([0.5, -1, 2])).dataSync()]
      })
      expect(tf.memory().numTensors).toBe(before)
      return found
    })
    expect(results[1]).toEqual(results[0])
    // (x³)″ = 6x
    expect(results[1]).toEqual([3, -6, 12])
  })

  test('an error in the backward pass does not affect the next one', () => {
    const failing = tf.customGrad((x) => ({
      value: tf.clone(x as tf.Tensor),
      gradFunc: () => {
        throw new Error('no gradient')
      },
    }))
    const x = tf.tensor1d([1, 2])
    expect(() => tf.grad((a) => tf.relu(failing(tf.relu(a))))(x)).toThrow('no gradient')
    expect([
      ...tf
        .grad((a) => tf.square(a))(x)
        .dataSync(),
    ]).toEqual([2, 4])
    expect(x.isDisposed).toBe(false)
  })

  test('the number of tensors at the end of the backward pass equals that at its start', () => {
    const depth = 40
    const atTheEnd = [false, true].map((release) => {
      set(release)
      let [start, end] = [0, 0]
      const look = (told: () => void) =>
        tf.customGrad((x) => ({
          value: tf.clone(x as tf.Tensor),
          gradFunc: (dy) => {
            told()
            return tf.clone(dy)
          },
        }))
      const first = look(() => (end = tf.memory().numTensors))
      const last = look(() => (start = tf.memory().numTensors))
      tf.tidy(() => {
        const net = (x: tf.Tensor) => {
          let y = first(x)
          for (let i = 0; i < depth; i++) y = tf.relu(y)
          return last(y)
        }
        tf.grad(net)(tf.ones([2]))
      })
      return end - start
    })
    expect(atTheEnd[0]).toBeGreaterThanOrEqual(depth)
    expect(atTheEnd[1]).toBeLessThanOrEqual(0)
  })
})
