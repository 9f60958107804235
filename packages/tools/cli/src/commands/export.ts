import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { useBackend } from '@tricks/backend'
import { loadModel, modelFiles, replaceFile } from '@tricks/run'
import { onnxFiles } from '../export/onnx.ts'
import { dashed, type Flags } from '../flags.ts'
import { UsageError } from '../usage.ts'
import type { Command } from './command.ts'

const names = ['out', 'probabilities', 'onnx', 'layout', 'images', 'backend'] as const
type Given = Flags<(typeof names)[number]>

export const exportRun: Command<(typeof names)[number]> = {
  usage: 'export <run>',
  what: "Export a run's network as a model for plain TensorFlow.js or ONNX Runtime",
  flags: names,
  examples: [
    'export runs/a --out public/model --probabilities',
    'export runs/a --onnx --out public/model',
  ],
  async run([run], flags) {
    checkFlags(flags)
    const { out = 'model', probabilities = false, onnx = false, backend } = flags
    // For TensorFlow.js, any backend works, as only weights are copied.
    await useBackend(onnx ? backend : 'wasm')
    const path = resolve(String(run))
    const { model, classes } = await loadModel(path)
    const folder = resolve(out)
    mkdirSync(folder, { recursive: true })
    const { layout = 'nhwc', images = 1000 } = flags
    const output = probabilities ? 'probabilities' : 'logits'
    const [height, width, channels] = model.inputs[0]!.shape.slice(1) as number[]
    const written = onnx
      ? await onnxFiles({ model, classes, run: path, output, layout, images })
      : { files: await modelFiles(model, output), lines: [] }
    const sizes = layout === 'nchw' ? [channels, height, width] : [height, width, channels]
    const files = {
      ...written.files,
      'classes.json': JSON.stringify(classes),
      'README.txt': readme({ onnx, sizes, classes: classes.length, output }),
    }
    for (const [name, content] of Object.entries(files)) replaceFile(join(folder, name), content)
    console.log(`${folder}: ${Object.keys(files).join(', ')}`)
    for (const line of written.lines) console.log(line)
    console.log(`Input: pixels in [0, 1]. Output: ${output}${softmax(output)}.`)
  },
}

const softmax = (output: string): string =>
  output === 'probabilities' ? ' (softmax of the logits)' : ''

function checkFlags({ onnx, ...given }: Given): void {
  if (onnx) return
  const name = (['layout', 'images', 'backend'] as const).find((each) => given[each] !== undefined)
  if (name) throw new UsageError(`--${dashed(name)} requires --onnx`)
}

function readme({
  onnx,
  sizes,
  classes,
  output,
}: {
  readonly onnx: boolean
  readonly sizes: readonly (number | undefined)[]
  readonly classes: number
  readonly output: string
}): string {
  const what = onnx
    ? `ONNX files for ONNX Runtime: InferenceSession.create('…/model.onnx'). model-int8.onnx has 8-bit weights.\n`
    : `A TensorFlow.js layers model: tf.loadLayersModel('…/model.json').\n`
  const [input, result] = onnx ? ["Input 'images'", `Output '${output}'`] : ['Input', 'Output']
  return (
    what +
    `${input}: float32 [batch, ${sizes.join(', ')}], RGB pixels in [0, 1]; normalisation is part of the model.\n` +
    `${result}: float32 [batch, ${classes}], ${output}${softmax(output)}, in the order of classes.json.\n`
  )
}
