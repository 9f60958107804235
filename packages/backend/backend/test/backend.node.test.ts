import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { backendNames, useBackend } from '../src/index.ts'

test('uses the best available backend, with reasons why others were skipped', async () => {
  const { name, why, skipped } = await useBackend()
  expect(backendNames).toContain(name)
  expect(why).not.toBe('')
  expect(skipped.map((each) => each.name)).toEqual(backendNames.slice(0, skipped.length))
  for (const each of skipped) {
    expect(each.reason).not.toBe('')
    expect(each.reason).not.toMatch(`${each.name}: `)
  }
})

test('uses the requested one', async () => {
  expect(await useBackend('wasm')).toMatchObject({ name: 'wasm', skipped: [] })
  expect(tf.getBackend()).toBe('wasm')
  await useBackend('cpu')
  expect(tf.getBackend()).toBe('cpu')
})

test('WebGPU names its GPU, or reports that there is none', async () => {
  const software = process.env['TRICKS_WEBGPU_SOFTWARE'] === '1'
  const found = await useBackend('webgpu').catch((error: Error) => error.message)
  if (typeof found === 'string')
    expect(found).toMatch(/\n {2}webgpu: (?!webgpu).+\nOmit the backend/)
  else expect(found.why).toMatch(/^WebGPU on a GPU of any make: ./)
  // tfjs keeps the flag's first value.
  tf.env().set('WEBGPU_SOFTWARE', false)
  const refused = await useBackend('webgpu').catch((error: Error) => error.message)
  if (software) expect(refused).toMatch(/webgpu: no GPU was found but /)
  tf.env().set('WEBGPU_SOFTWARE', software)
})

test('reports missing backends and how to install them', async () => {
  await expect(useBackend('tfjs-node-gpu')).rejects.toThrow(
    /not available\n {2}tfjs-node-gpu: .*tfjs-node-gpu/,
  )
  await expect(useBackend('gpu' as 'wasm')).rejects.toThrow(
    'backend: expected one of tfjs-node-gpu, native',
  )
})
