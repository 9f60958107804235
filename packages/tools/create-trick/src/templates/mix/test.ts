import '@tensorflow/tfjs-backend-cpu'
import type * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  evenly,
  expectClose,
  expectFrequencies,
  expectUniform,
  type Fixture,
  fromFixture,
  onEachBackend,
} from '@tricks/conformance'
import { test } from 'vitest'
import { applyNewTrick, newTrick, type NewTrickParams } from './index.ts'
import fixture from '../fixture.json' with { type: 'json' }

interface Case {
  readonly inputs: { readonly images: Fixture; readonly targets: Fixture }
  readonly params: NewTrickParams
  readonly expected: { readonly images: Fixture; readonly targets: Fixture }
}
const cases = fixture.cases as unknown as readonly Case[]

onEachBackend(() => {
  test("there are the reference's numbers", () => {
    if (cases.length === 0)
      throw new Error(
        "new-trick: three steps to go. 1: write the reference's numbers, by the paper's code or by hand, " +
          'into test/fixtures/new-trick.json, a case as ' +
          '{ inputs: { images, targets }, params: { permutation, strength }, expected: { images, targets } }, ' +
          'a tensor as { shape, dtype, data }. ' +
          '2: write applyNewTrick in src/index.ts until it gives them. 3: fill in the card, README.md',
      )
  })

  test.each(cases.map((each, index) => ({ ...each, number: index + 1 })))(
    "applyNewTrick in src/index.ts gives the reference's numbers: case $number",
    ({ inputs, params, expected }) => {
      const images = fromFixture(inputs.images) as tf.Tensor4D
      const targets = fromFixture(inputs.targets) as tf.Tensor2D
      const mixed = applyNewTrick({ images, targets }, params)
      expectClose(mixed.images, expected.images)
      expectClose(mixed.targets, expected.targets)
    },
  )
})

conformance(() => newTrick(), {
  // What is drawn, held to the paper's distribution; batches are of eight.
  distribution(draws: readonly NewTrickParams[]) {
    expectUniform({ strengths: draws.map(({ strength }) => strength) }, 0, 0.5)
    expectFrequencies({ partners: draws.map(({ permutation }) => permutation[0]!) }, evenly(0, 8))
  },
  invalid: [() => newTrick({ strength: -1 }), () => newTrick({ strength: NaN })],
})
