import { expect, test } from 'vitest'
import { loadCifar10 } from '../src/index.ts'

const sha256 = async (bytes: Uint8Array): Promise<string> => {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

test('the same pixels in Node and in a browser', async () => {
  const { train, test: held } = await loadCifar10()
  // Of `[count, 32, 32, 3]`, from the same JPEG files by Pillow.
  expect([await sha256(train.images), await sha256(held.images)]).toEqual([
    'c599428f0f6117b47a5d1446ec1ee06d283409d00c90b115dcc8d04b957fa17c',
    '293041b61e3c5a8874312a1f902aa83a16c2a682f22faf4a58490448f9f98c95',
  ])
})
