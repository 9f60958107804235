// torchvision's ResNets with weights by formula, compared with PyTorch, on wasm and native.
import * as tf from '@tensorflow/tfjs-core'
import { variablesOf } from '@tricks/core/model'
import { resnet } from '@tricks/models'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Expected, expectedOf } from '../src/expected.ts'
import { loadBytes, type Tensors } from '../src/bytes.ts'
import { namesOf } from '../src/names.ts'
import reference from './fixtures/resnet.json' with { type: 'json' }
import {
  expectRows,
  formulaTensor,
  normsOf,
  type Numbers,
  outputsOf,
  type Pictures,
} from './formula.ts'

type Depth = 18 | 50 | 152
interface Case {
  readonly kind: string
  readonly params: Partial<Pictures> & { readonly model: string }
  readonly expected: Record<string, unknown>
}
const cases = reference.cases as readonly Case[]
const depthOf = ({ params }: Case): Depth => Number(params.model.slice('resnet'.length)) as Depth

/** A state dict with the names that our model expects; the tables below compare them with torchvision's own list. */
const weights = new Map<Depth, Tensors>()
function weightsOf(depth: Depth): Tensors {
  const known = weights.get(depth)
  if (known) return known
  const tensors: Record<string, Tensors[string]> = {}
  for (const { name, shape } of expected(depth)) tensors[name] = formulaTensor(name, shape)
  // Only one is kept: ResNet-152 takes 240 MB.
  weights.clear()
  weights.set(depth, tensors)
  return tensors
}

function expected(depth: Depth): Expected[] {
  const model = resnet({ depth, stem: 'imagenet', inputShape: [32, 32, 3], weights: 'zeros' })
  const found = expectedOf(variablesOf(model), namesOf(model.name)[0])
  model.dispose()
  return found
}

test.each(cases.filter(({ kind }) => kind === 'parameters'))(
  'the names and shapes of $params.model are those of torchvision',
  (each) => {
    const { shapes, first } = each.expected as {
      shapes: [string, number[]][]
      first: Record<string, number[]>
    }
    const found = expected(depthOf(each)).map(({ name, shape }) => [name, shape])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(shapes))
    for (const [name, values] of Object.entries(first)) {
      const { values: filled } = formulaTensor(name, Object.fromEntries(shapes)[name]!)
      values.forEach((value, i) => expect(filled[i]).toBeCloseTo(value, 6))
    }
  },
)

/**
 * Tolerance for everything after the last stage in training, where batch norm sees only 8 numbers per channel: even in
 * float64 throughout, the features differ from the reference's by 7e-3, and changing the weights by 3e-8 changes them
 * by 1e-4.
 */
const chaotic = 1.5e-2
const last = (name: string): { tolerance: number } => ({
  tolerance: name.startsWith('layer4') ? chaotic : 1e-4,
})

const native = tf.findBackendFactory('tensorflow') !== null
describe.each(['wasm', ...(native ? ['tensorflow'] : [])])('on %s', (backend) => {
  beforeAll(async () => void (await tf.setBackend(backend)))
  afterAll(async () => void (await tf.setBackend('cpu')))

  const run = cases.filter(
    ({ kind, params }) =>
      kind !== 'parameters' && (backend !== 'wasm' || params.model !== 'resnet152'),
  )
  test.each(run)(
    '$params.model agrees with torch: $kind, $params.height × $params.width',
    (each) => {
      const { height, width } = each.params as Pictures
      const model = resnet({
        depth: depthOf(each),
        stem: 'imagenet',
        padding: 'torch',
        inputShape: [height, width, 3],
        weights: 'zeros',
      })
      loadBytes(model, weightsOf(depthOf(each)))
      const training = each.kind === 'training'
      const tolerance = training ? chaotic : 1e-4
      const { features, logits } = outputsOf(model, each.params as Pictures, { training })
      const { largest, norms, featureNorms, running } = each.expected as {
        largest?: number
        norms?: Numbers
        featureNorms?: Numbers
        running?: { name: string; mean: Numbers; variance: Numbers }[]
      }
      expectRows(logits, each.expected['logits'] as Numbers, { largest, tolerance })
      norms?.data.forEach((norm, i) =>
        expect(Math.abs(normsOf(logits)[i]! / norm - 1)).toBeLessThan(tolerance),
      )
      featureNorms?.data.forEach((norm, i) =>
        expect(Math.abs(normsOf(features)[i]! / norm - 1)).toBeLessThan(tolerance),
      )
      if (training) expectRows(features, each.expected['features'] as Numbers, { tolerance })
      const variables = variablesOf(model)
      for (const { name, mean, variance } of running ?? [])
        for (const [kind, { data }] of [
          ['mean', mean],
          ['var', variance],
        ] as const) {
          const { path } = expected(depthOf(each)).find(
            (one) => one.name === `${name}.running_${kind}`,
          )!
          const found = Array.from(variables[path]!.dataSync().slice(0, data.length))
          expectRows([found], { shape: [1, data.length], data }, last(name))
        }
      model.dispose()
    },
  )
})
