import { signed } from '@tricks/core/augmentation'
import type { Operation, Step } from './operation.ts'

const named = ({ op }: Step): string => op
const turned = ({ op, magnitude }: Step): string => `${op} ${signed(magnitude)}°`
const moved = ({ op, magnitude }: Step): string => `${op} ${signed(magnitude)}`
const signedPart = ({ op, magnitude }: Step): string => `${op} ${signed(magnitude, 2)}`
const counted = ({ op, magnitude }: Step): string => `${op} ${Math.round(magnitude)}`
const words: Readonly<Record<Operation, (step: Step) => string>> = {
  ShearX: signedPart,
  ShearY: signedPart,
  TranslateX: moved,
  TranslateY: moved,
  Rotate: turned,
  AutoContrast: named,
  Invert: named,
  Equalize: named,
  Solarize: counted,
  Posterize: counted,
  Contrast: signedPart,
  Color: signedPart,
  Brightness: signedPart,
  Sharpness: signedPart,
  Cutout: counted,
  SamplePairing: ({ op, magnitude }) => `${op} ${Number(magnitude.toFixed(2))}`,
}

/**
 * Describes steps in a few words, for an augmentation's `describe`.
 *
 * @example
 * describeSteps([{ op: 'Rotate', magnitude: 12.4 }, null, { op: 'Invert', magnitude: 0 }]) // 'Rotate +12°, Invert'
 */
export const describeSteps = (steps: readonly (Step | null)[]): string =>
  steps.flatMap((step) => (step ? [words[step.op](step)] : [])).join(', ')
