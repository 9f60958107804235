export { airbench } from './airbench.ts'
export { countMultiplyAdds, countParameters } from './count.ts'
export { createModel, type ModelName, modelNames, type Models } from './create.ts'
export { efficientNetLite } from './efficient-net-lite.ts'
export { exportModel, type ExportOptions, withNormalization } from './export.ts'
export { foldBatchNorm } from './fold.ts'
export { mobileNetV2 } from './mobile-net.ts'
export type {
  AirbenchOptions,
  CifarResnetOptions,
  EfficientNetLiteOptions,
  LiteVariant,
  MobileNetV2Options,
  ModelOptions,
  PlainOptions,
  PreactResnetOptions,
  ResidualOptions,
  ResnetOptions,
  WideResnetOptions,
} from './options.ts'
export { plain } from './plain.ts'
export { preactResnet, wideResnet } from './preact.ts'
export { type PretrainedInput, pretrainedInputs } from './pretrained.ts'
export { cifarResnet, resnet } from './resnet.ts'
export { resnet9 } from './resnet9.ts'
export { whiten } from './whiten.ts'
