export { airbench } from './airbench.ts'
export { countMultiplyAdds, countParameters } from './count.ts'
export { createModel, type ModelName, modelNames, type Models } from './create.ts'
export { exportModel, type ExportOptions, withNormalization } from './export.ts'
export type {
  AirbenchOptions,
  CifarResnetOptions,
  ModelOptions,
  PlainOptions,
  PreactResnetOptions,
  ResidualOptions,
  ResnetOptions,
  WideResnetOptions,
} from './options.ts'
export { plain } from './plain.ts'
export { preactResnet, wideResnet } from './preact.ts'
export { cifarResnet, resnet } from './resnet.ts'
export { resnet9 } from './resnet9.ts'
export { whiten } from './whiten.ts'
