import { expectClose } from '@tricks/conformance'
import { loadCifar10 } from '@tricks/cifar10'
import { expect, test } from 'vitest'
import { cifar10Components, fitComponents } from '../src/index.ts'

test("CIFAR-10's components are those of its training images", async () => {
  const { train } = await loadCifar10()
  expect(train.images).toHaveLength(50_000 * 32 * 32 * 3)
  const { eigenvalues, eigenvectors } = fitComponents(train.images)
  // Given with six digits.
  expectClose(cifar10Components.eigenvalues, eigenvalues, { absolute: 1e-6, relative: 0 })
  expectClose(cifar10Components.eigenvectors.flat(), eigenvectors.flat(), {
    absolute: 1e-6,
    relative: 0,
  })
})
