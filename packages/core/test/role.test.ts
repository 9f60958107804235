import { expect, test } from 'vitest'

import { roleOf } from '../src/model.ts'
import { isDue } from '../src/run.ts'

test.each([
  ['block1/conv/kernel', 'kernel'],
  ['kernel', 'kernel'],
  ['a/depthwise_kernel', 'kernel'],
  ['a/pointwise_kernel-2', 'kernel'],
  ['rnn/recurrent_kernel', 'kernel'],
  ['dense/bias', 'bias'],
  ['norm/gamma-3', 'gamma'],
  ['norm/beta', 'beta'],
  ['norm/moving_mean', 'mean'],
  ['norm/moving_variance', 'variance'],
  ['embed/embeddings', undefined],
  ['kernel/alpha', undefined],
  ['a/superkernel', undefined],
  ['a/kernel_scale', undefined],
])('%s is %s', (path, role) => {
  expect(roleOf(path)).toBe(role)
})

test('something due every 3 steps is due after the third, the sixth, …', () => {
  const due = Array.from({ length: 7 }, (_, step) =>
    isDue({ steps: 3 }, { step, stepsPerEpoch: 5, steps: 10 }),
  )
  expect(due).toEqual([false, false, true, false, false, true, false])
  expect(isDue({ steps: 0 }, { step: 4, stepsPerEpoch: 5, steps: 10 })).toBe(true)
})
