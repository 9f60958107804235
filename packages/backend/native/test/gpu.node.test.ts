import { expect, test } from 'vitest'
import { growOnGpu } from '../src/load.ts'

test('GPU memory grows on demand by default', () => {
  const environment: NodeJS.ProcessEnv = {}
  growOnGpu({ variant: 'cpu' }, environment)
  expect(environment).toEqual({})
  growOnGpu({ variant: 'cuda' }, environment)
  expect(environment).toEqual({ TF_FORCE_GPU_ALLOW_GROWTH: 'true' })
  const all = { TF_FORCE_GPU_ALLOW_GROWTH: 'false' }
  growOnGpu({ variant: 'cuda' }, all)
  expect(all).toEqual({ TF_FORCE_GPU_ALLOW_GROWTH: 'false' })
})
