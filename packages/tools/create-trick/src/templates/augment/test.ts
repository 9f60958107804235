import '@tensorflow/tfjs-backend-cpu'
import type * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  expectUniform,
  type Fixture,
  fromFixture,
  onEachBackend,
} from '@tricks/conformance'
import { test } from 'vitest'
import { applyNewTrick, newTrick, type NewTrickParams } from './index.ts'
import fixture from '../fixture.json' with { type: 'json' }

interface Case {
  readonly inputs: { readonly images: Fixture }
  readonly params: NewTrickParams
  readonly expected: { readonly images: Fixture }
}
const cases = fixture.cases as unknown as readonly Case[]

onEachBackend(() => {
  test("there are the reference's numbers", () => {
    if (cases.length === 0)
      throw new Error(
        "new-trick: three steps to go. 1: write the reference's numbers, by the paper's code or by hand, " +
          'into test/fixtures/new-trick.json, a case as ' +
          '{ inputs: { images }, params: { strengths }, expected: { images } }, ' +
          'a tensor as { shape, dtype, data }. ' +
          '2: write applyNewTrick in src/index.ts until it gives them. 3: fill in the card, README.md',
      )
  })

  test.each(cases.map((each, index) => ({ ...each, number: index + 1 })))(
    "applyNewTrick in src/index.ts gives the reference's numbers: case $number",
    ({ inputs, params, expected }) => {
      const images = fromFixture(inputs.images) as tf.Tensor4D
      expectClose(applyNewTrick(images, params), expected.images)
    },
  )
})

conformance(() => newTrick(), {
  // What is drawn, held to the paper's distribution.
  distribution: (draws: readonly NewTrickParams[]) =>
    expectUniform({ strengths: draws.flatMap((params) => params.strengths) }, 0, 0.5),
  invalid: [() => newTrick({ strength: -1 }), () => newTrick({ strength: NaN })],
})
