import '@tensorflow/tfjs-backend-cpu'
import { conformance, expectClose, onEachBackend } from '@tricks/conformance'
import type { Time } from '@tricks/core'
import { test } from 'vitest'
import { applyNewTrick, newTrick, type NewTrickParams } from './index.ts'
import fixture from '../fixture.json' with { type: 'json' }

interface Case {
  readonly inputs: { readonly rate: number; readonly time: Time }
  readonly params: NewTrickParams
  readonly expected: { readonly rate: number }
}
const cases = fixture.cases as unknown as readonly Case[]

onEachBackend(() => {
  test("there are the reference's numbers", () => {
    if (cases.length === 0)
      throw new Error(
        "new-trick: three steps to go. 1: write the reference's numbers, by the paper's code or by hand, " +
          'into test/fixtures/new-trick.json, a case as ' +
          '{ inputs: { rate, time: { step, stepsPerEpoch, steps } }, params: { strength }, expected: { rate } }, ' +
          'a tensor as { shape, dtype, data }. ' +
          '2: write applyNewTrick in src/index.ts until it gives them. 3: fill in the card, README.md',
      )
  })

  test.each(cases.map((each, index) => ({ ...each, number: index + 1 })))(
    "applyNewTrick in src/index.ts gives the reference's numbers: case $number",
    ({ inputs, params, expected }) => {
      expectClose(applyNewTrick(inputs.rate, inputs.time, params), expected.rate)
    },
  )
})

conformance(() => newTrick(), {
  invalid: [() => newTrick({ strength: -1 }), () => newTrick({ strength: NaN })],
})
