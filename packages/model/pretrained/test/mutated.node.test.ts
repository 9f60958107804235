// Randomly changed files are either rejected or read, without other effects.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '@tricks/core'
import { encodeTensors } from '@tricks/safetensors'
import { expect, test } from 'vitest'
import { readSafetensors, readTorchFile, type Tensors } from '../src/bytes.ts'

const read = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, 'fixtures', name))
const safetensors = encodeTensors({
  weight: { shape: [4, 8], values: new Float32Array(32).fill(1) },
  bias: { shape: [4], values: new Float32Array(4) },
  labels: { shape: [3], values: Int32Array.of(1, 2, 3) },
})

/** A few bytes replaced, removed, repeated or cut off, mostly near the beginning, where the structure is. */
function mutated(file: Uint8Array, seed: number): Uint8Array {
  const random = createRandom(seed).at(0)
  let bytes = [...file]
  const place = (): number => {
    const end = random.integer(0, 2) === 0 ? bytes.length : Math.min(bytes.length, 400)
    return random.integer(0, Math.max(1, end))
  }
  for (let i = random.integer(1, 5); i > 0; i--) {
    const at = place()
    const kind = random.integer(0, 5)
    if (kind === 0) bytes.splice(at, random.integer(1, 20))
    else if (kind === 1) bytes.splice(at, 0, ...bytes.slice(at, at + random.integer(1, 60)))
    else if (kind === 2) bytes = bytes.slice(0, at)
    else bytes[at] = [0, 0xff, 0x7f, random.integer(0, 256)][random.integer(0, 4)]!
  }
  return Uint8Array.from(bytes)
}

test.each<[string, Uint8Array, (bytes: Uint8Array) => Tensors]>([
  ['zip archives', read('zip.pt'), readTorchFile],
  ['legacy files', read('legacy.pt'), readTorchFile],
  ['checkpoints', read('checkpoint.pt'), readTorchFile],
  ['files of protocol 4 that call os.system', read('system-legacy-4.pt'), readTorchFile],
  ['safetensors files', safetensors, readSafetensors],
])('500 mutated %s', (_, file, reader) => {
  let rejected = 0
  for (let seed = 0; seed < 500; seed++) {
    const bytes = mutated(file, seed)
    let tensors: Tensors = {}
    try {
      tensors = reader(bytes)
    } catch (error) {
      rejected++
      expect((error as Error).message, `seed ${seed}`).toMatch(
        /^pretrained: expected a \w+ file, but /,
      )
    }
    for (const { shape, values } of Object.values(tensors)) {
      expect(values.length).toBe(shape.reduce((product, side) => product * side, 1))
      expect(values.length).toBeLessThanOrEqual(bytes.length)
    }
  }
  expect(rejected).toBeGreaterThan(200)
})
