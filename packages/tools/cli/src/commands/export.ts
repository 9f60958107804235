import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { useBackend } from '@tricks/backend'
import { loadModel, modelFiles, replaceFile } from '@tricks/run'

import type { Command } from './command.ts'

export const exportRun: Command<'out' | 'probabilities'> = {
  usage: 'export <run>',
  what: 'Write the network of a run as files that plain TensorFlow.js loads, anywhere',
  flags: ['out', 'probabilities'],
  examples: ['export runs/a --out public/model --probabilities'],
  async run([run], { out = 'model', probabilities = false }) {
    // Only weights are copied, so any backend will do.
    await useBackend('wasm')
    const { model, classes } = await loadModel(resolve(String(run)))
    const folder = resolve(out)
    mkdirSync(folder, { recursive: true })
    const [height, width, channels] = model.inputs[0]!.shape.slice(1) as number[]
    const output = probabilities ? 'probabilities (softmax of the logits)' : 'logits'
    const files = {
      ...(await modelFiles(model, probabilities ? 'probabilities' : 'logits')),
      'classes.json': JSON.stringify(classes),
      'README.txt':
        `A TensorFlow.js layers model: tf.loadLayersModel('…/model.json').\n` +
        `Input: float32 [batch, ${height}, ${width}, ${channels}], pixels in [0, 1]; it normalises them itself.\n` +
        `Output: float32 [batch, ${classes.length}], ${output}, in the order of classes.json.\n`,
    }
    for (const [name, content] of Object.entries(files)) replaceFile(join(folder, name), content)
    console.log(`${folder}: model.json, weights.bin, classes.json, README.txt`)
    console.log(`It takes pixels in [0, 1] and returns ${output}.`)
  },
}
