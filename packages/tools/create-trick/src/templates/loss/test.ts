import '@tensorflow/tfjs-backend-cpu'
import type * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  type Fixture,
  fromFixture,
  onEachBackend,
} from '@tricks/conformance'
import { test } from 'vitest'
import { applyNewTrick, newTrick, type NewTrickParams } from './index.ts'
import fixture from '../fixture.json' with { type: 'json' }

interface Case {
  readonly inputs: { readonly loss: Fixture; readonly logits: Fixture; readonly targets: Fixture }
  readonly params: NewTrickParams
  readonly expected: { readonly loss: number }
}
const cases = fixture.cases as unknown as readonly Case[]

onEachBackend(() => {
  test("there are the reference's numbers", () => {
    if (cases.length === 0)
      throw new Error(
        "new-trick: three steps to go. 1: write the reference's numbers, by the paper's code or by hand, " +
          'into test/fixtures/new-trick.json, a case as ' +
          '{ inputs: { loss, logits, targets }, params: { strength }, expected: { loss } }, ' +
          'a tensor as { shape, dtype, data }. ' +
          '2: write applyNewTrick in src/index.ts until it gives them. 3: fill in the card, README.md',
      )
  })

  test.each(cases.map((each, index) => ({ ...each, number: index + 1 })))(
    "applyNewTrick in src/index.ts gives the reference's numbers: case $number",
    ({ inputs, params, expected }) => {
      const loss = fromFixture(inputs.loss) as tf.Scalar
      const logits = fromFixture(inputs.logits) as tf.Tensor2D
      const targets = fromFixture(inputs.targets) as tf.Tensor2D
      expectClose(applyNewTrick(loss, { logits, targets }, params), expected.loss)
    },
  )
})

conformance(() => newTrick(), {
  invalid: [() => newTrick({ strength: -1 }), () => newTrick({ strength: NaN })],
})
