import { density } from './density.ts'
import { grid } from './grid.ts'
import type { Method } from './method.ts'
import { population } from './population.ts'
import { reinforcement } from './reinforcement.ts'

/** The methods, by the values of `--method`. */
export const methods = {
  pba: population,
  'fast-autoaugment': density,
  autoaugment: reinforcement,
  'rand-augment': grid,
} as const satisfies Readonly<Record<string, Method>>
export type MethodName = keyof typeof methods
