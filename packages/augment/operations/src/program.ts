// Operations as instructions of one pass over an image.
import { fillBox, type ImageProgram, instructions } from '@tricks/core/augmentation'
import type { OperationContext, Step } from './operation.ts'
import { startOf, widthOf } from './tone.ts'
import { affineOf, blended, holeOf } from './warp.ts'

/** The images that `lead` blends from. */
const bases = { Brightness: 0, Contrast: 1, Color: 2, Sharpness: 3 } as const

/** Writes the program of an image: to levels, its steps, and back. */
export function writeSteps(
  program: ImageProgram,
  image: number,
  steps: readonly (Step | null)[],
  context: OperationContext,
): void {
  program.push(instructions.toLevels, image)
  for (const step of steps) if (step) writeStep(program, step, context)
  program.push(instructions.fromLevels)
}

function writeStep(program: ImageProgram, step: Step, context: OperationContext): void {
  const { op, magnitude, partner } = step
  const { shape } = context.originals
  switch (op) {
    case 'Invert':
    case 'Solarize':
    case 'Posterize':
      program.push(instructions.tone, widthOf(step), startOf(step))
      break
    case 'AutoContrast':
      program.push(instructions.autoContrast)
      break
    case 'Equalize':
      program.push(instructions.equalize)
      break
    case 'Brightness':
    case 'Contrast':
    case 'Color':
    case 'Sharpness':
      program.push(instructions.lead, bases[op], 1 + magnitude)
      break
    case 'SamplePairing':
      program.push(instructions.pair, partner!, magnitude)
      break
    case 'Cutout':
      fillBox(program, holeOf(step, shape), context.fill)
      break
    default: {
      const smooth = context.interpolation === 'bilinear' && blended.includes(op)
      const { row, column, middle = [0, 0] } = affineOf(step, shape)
      program.push(instructions.warp, -1, smooth ? 2 : 0, smooth ? -0.5 : 0)
      program.push(...row, 0.5 - middle[0], ...column, 0.5 - middle[1], ...context.fill)
    }
  }
}
