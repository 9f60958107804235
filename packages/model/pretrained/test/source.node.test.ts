import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { variablesOf } from '@tricks/core/model'
import { exportModel, plain } from '@tricks/models'
import { encodeTensors } from '@tricks/safetensors'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadPretrained } from '../src/index.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'pretrained-'))))
afterEach(() => rm(folder, { recursive: true }))

const small = (seed: number, classes = 5): LayersModel =>
  plain({ widths: [[4], [6]], classes, seed })
const valuesOf = (model: LayersModel): number[][] =>
  Object.values(variablesOf(model)).map((variable) => [...variable.dataSync()])

test('an exported tfjs model, with a new head', async () => {
  const [from, to] = [small(1), small(2, 3)]
  const files = await exportModel(from, { mean: [0.5, 0.5, 0.5], deviation: [0.2, 0.2, 0.2] })
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const { numTensors } = tf.memory()
  const result = await loadPretrained(to, join(folder, 'model.json'))
  expect(result).toMatchObject({ family: 'tricks', kept: ['logits/kernel', 'logits/bias'] })
  expect(valuesOf(to).slice(0, -2)).toEqual(valuesOf(from).slice(0, -2))
  expect(tf.memory().numTensors).toBe(numTensors)

  const broken = {
    ...(JSON.parse(files['model.json']) as { weightsManifest: { paths: string[] }[] }),
  }
  broken.weightsManifest[0]!.paths = ['../weights.bin']
  await writeFile(join(folder, 'model.json'), JSON.stringify(broken))
  await expect(loadPretrained(to, join(folder, 'model.json'))).rejects.toThrow(
    'lists a file outside its folder: ../weights.bin',
  )
  await writeFile(join(folder, 'model.json'), files['model.json'])
  await writeFile(join(folder, 'weights.bin'), files['weights.bin'].slice(4))
  await expect(loadPretrained(to, join(folder, 'model.json'))).rejects.toThrow(
    'describes weights of',
  )
  await writeFile(join(folder, 'model.json'), '{}')
  await expect(loadPretrained(to, join(folder, 'model.json'))).rejects.toThrow(
    'has no weights manifest',
  )
})

test('a safetensors file, by path, URL and bytes', async () => {
  const from = small(1)
  const tensors = Object.entries(variablesOf(from)).map(([path, variable]) => {
    return [path, { shape: variable.shape, values: variable.dataSync<'float32'>() }] as const
  })
  const bytes = encodeTensors(Object.fromEntries(tensors))
  const file = join(folder, 'weights.safetensors')
  await writeFile(file, bytes)
  for (const source of [file, pathToFileURL(file), bytes]) {
    const to = small(2)
    expect((await loadPretrained(to, source)).kept).toEqual([])
    expect(valuesOf(to)).toEqual(valuesOf(from))
  }
})

test('neither a name nor a file: the error lists the names', async () => {
  await expect(loadPretrained(small(1), 'efficientnet-lite9')).rejects.toThrow(
    'loadPretrained: expected source to be one of efficientnet-lite0, efficientnet-lite1, efficientnet-lite2, or a file, ' +
      'got efficientnet-lite9',
  )
})
