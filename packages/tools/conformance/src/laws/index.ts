import type { Law } from '../law.ts'
import { distribution } from './distribution.ts'
import { draws } from './draws.ts'
import { inputs } from './inputs.ts'
import { options } from './options.ts'
import { readBack } from './read-back.ts'
import { resume } from './resume.ts'
import { runs } from './runs.ts'
import { shapes } from './shapes.ts'
import { anySize } from './sizes.ts'
import { windows } from './windows.ts'

/** The laws that every trick must satisfy, on every backend. */
export const laws: readonly Law[] = [
  draws,
  inputs,
  readBack,
  shapes,
  anySize,
  resume,
  windows,
  options,
  distribution,
  runs,
]
