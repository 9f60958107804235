import { variablesOf } from '@tricks/core/model'
import { efficientNetLite, mobileNetV2, resnet } from '@tricks/models'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { describe, expect, test } from 'vitest'
import { loadBytes, type Tensors } from '../src/bytes.ts'
import { expectedOf } from '../src/expected.ts'
import { namesOf } from '../src/names.ts'

type Entries = Record<string, Tensors[string]>

/** Tensors of ones in all shapes that a model expects, named by a naming scheme. */
function onesFor(model: LayersModel, family = 0): Entries {
  const expected = expectedOf(variablesOf(model), namesOf(model.name)[family])
  return Object.fromEntries(expected.map(({ name, shape }) => [name, ones(shape)]))
}

function ones(shape: readonly number[]): Tensors[string] {
  const size = shape.reduce((product, side) => product * side, 1)
  return { dtype: 'float32', shape, values: new Float32Array(size).fill(1) }
}

const inputShape = [32, 32, 3] as const
const lite = (classes = 7): LayersModel =>
  efficientNetLite({ inputShape, classes, weights: 'zeros' })
const sums = (model: LayersModel): number[] =>
  Object.values(variablesOf(model)).map((variable) =>
    variable.dataSync<'float32'>().reduce((a, b) => a + b, 0),
  )

describe('names', () => {
  const mobile = (): LayersModel => mobileNetV2({ inputShape, weights: 'zeros' })
  const lite4 = (): LayersModel => efficientNetLite({ variant: 4, inputShape, weights: 'zeros' })
  test.each<[string, () => LayersModel, number, string[]]>([
    [
      'efficientnet_pytorch',
      () => lite(1000),
      0,
      [
        '_conv_stem.weight',
        '_bn0.running_var',
        '_blocks.0._depthwise_conv.weight',
        '_blocks.0._bn1.weight',
        '_blocks.0._project_conv.weight',
        '_blocks.0._bn2.bias',
        '_blocks.15._expand_conv.weight',
        '_blocks.15._bn0.running_mean',
        '_conv_head.weight',
        '_bn1.weight',
        '_fc.weight',
      ],
    ],
    [
      'timm',
      lite4,
      1,
      [
        'conv_stem.weight',
        'bn1.weight',
        'blocks.0.0.conv_dw.weight',
        'blocks.0.0.bn1.weight',
        'blocks.0.0.conv_pw.weight',
        'blocks.0.0.bn2.bias',
        // Lite4 has 1, 4, 4, 6, 6, 8 and 1 blocks.
        'blocks.1.3.conv_pw.weight',
        'blocks.1.3.bn1.weight',
        'blocks.2.3.conv_dw.weight',
        'blocks.4.5.bn2.weight',
        'blocks.5.7.conv_pwl.weight',
        'blocks.6.0.bn3.running_var',
        'conv_head.weight',
        'bn2.weight',
        'classifier.bias',
      ],
    ],
    [
      'torchvision',
      mobile,
      0,
      [
        'features.0.0.weight',
        'features.0.1.running_mean',
        'features.1.conv.0.0.weight',
        'features.1.conv.0.1.weight',
        'features.1.conv.1.weight',
        'features.1.conv.2.bias',
        'features.2.conv.0.0.weight',
        'features.2.conv.1.0.weight',
        'features.2.conv.1.1.weight',
        'features.17.conv.2.weight',
        'features.17.conv.3.running_var',
        'features.18.0.weight',
        'features.18.1.weight',
        'classifier.1.weight',
      ],
    ],
    ['timm', mobile, 1, ['blocks.5.2.conv_pwl.weight', 'blocks.6.0.conv_pw.weight', 'bn2.bias']],
  ])('of %s', (family, build, index, some) => {
    const model = build()
    const tensors = onesFor(model, index)
    const names = Object.keys(tensors)
    expect(names).toHaveLength(Object.keys(variablesOf(model)).length)
    expect(names).toEqual(expect.arrayContaining(some))
    const { loaded, kept, family: found } = loadBytes(model, tensors)
    expect([found, loaded.length, kept]).toEqual([family, names.length, []])
    expect(sums(model).every((sum) => sum > 0)).toBe(true)
    model.dispose()
  })

  test('of the model itself, with its axes', () => {
    const model = lite()
    const tensors = Object.fromEntries(
      Object.entries(variablesOf(model)).map(([path, { shape }]) => [path, ones(shape)]),
    )
    expect(loadBytes(model, tensors)).toMatchObject({ family: 'tricks', kept: [] })
    model.dispose()
  })
})

test.each(['module.', 'model.', 'module.model.'])(
  'skips the prefix %s and batch counts',
  (prefix) => {
    const model = lite()
    const tensors = Object.entries(onesFor(model)).map(
      ([name, tensor]) => [prefix + name, tensor] as const,
    )
    const count = { dtype: 'int32', shape: [], values: Int32Array.of(3) } as const
    const file = { ...Object.fromEntries(tensors), [`${prefix}_bn0.num_batches_tracked`]: count }
    expect(loadBytes(model, file).kept).toEqual([])
    expect(() => loadBytes(model, { ...file, '_fc.bias': ones([7]) })).toThrow(
      'expected one tensor _fc.bias, got one with a prefix as well',
    )
    model.dispose()
  },
)

test("keeps the model's classifier if the file's has another size or is missing", () => {
  const model = lite()
  const [kernel, bias] = ['logits/kernel', 'logits/bias']
  const tensors: Entries = {
    ...onesFor(model),
    '_fc.weight': ones([1000, 1280]),
    '_fc.bias': ones([1000]),
  }
  const { loaded, kept } = loadBytes(model, tensors)
  expect(kept).toEqual([kernel, bias])
  expect(loaded).not.toContain(kernel)
  expect(sums(model).slice(-2)).toEqual([0, 0])
  const { '_fc.weight': _, '_fc.bias': __, ...headless } = tensors
  expect(loadBytes(model, headless).kept).toEqual([kernel, bias])
  // A partial classifier, or one for other features, is a mistake.
  expect(() => loadBytes(model, { ...headless, '_fc.bias': ones([7]) })).toThrow(
    'missing: _fc.weight',
  )
  expect(() =>
    loadBytes(model, { ...tensors, '_fc.weight': ones([7, 64]), '_fc.bias': ones([7]) }),
  ).toThrow('of another shape: _fc.weight is [7, 64], expected [7, 1280]')
  model.dispose()
})

test('lists all mismatches at once, and changes nothing', () => {
  const model = lite()
  const before = sums(model)
  const tensors = onesFor(model)
  delete tensors['_blocks.3._bn1.running_mean']
  delete tensors['_conv_head.weight']
  tensors['_blocks.16._bn0.weight'] = ones([4])
  tensors['_conv_stem.weight'] = ones([32, 3, 5, 5])
  tensors['_bn1.bias'] = { dtype: 'int32', shape: [1280], values: new Int32Array(1280) }
  expect(() => loadBytes(model, tensors)).toThrow(
    [
      "pretrained: expected weights of efficientnet-lite0, got weights that don't match; nothing was loaded:",
      '  missing: _blocks.3._bn1.running_mean, for blocks3/depthwise/norm/moving_mean',
      '  missing: _conv_head.weight, for head/conv/kernel',
      '  unexpected: _blocks.16._bn0.weight',
      '  of another shape: _conv_stem.weight is [32, 3, 5, 5], expected [32, 3, 3, 3]',
      '  of another type: _bn1.bias is int32, expected float32',
      'Pass a model of the same architecture, depth and variant as the weights.',
    ].join('\n'),
  )
  expect(sums(model)).toEqual(before)
  model.dispose()
})

test('weights of another architecture: the error names what is expected', () => {
  const model = resnet({ stem: 'imagenet', inputShape, weights: 'zeros' })
  expect(() => loadBytes(model, { 'encoder.weight': ones([1]) })).toThrow(
    'pretrained: expected weights of resnet-18, with names such as conv1.weight or stem/conv/kernel, got encoder.weight',
  )
  model.dispose()
})
