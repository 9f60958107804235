import type { Trick } from './trick.ts'

/**
 * The stages of a run by their hooks, in the order in which data flows through them, and what a combinator's random
 * choice is made for in each: an image, a step, or not at all (the whole run).
 */
export const stages = {
  start: 'run',
  images: 'image',
  mix: 'step',
  targets: 'step',
  prepare: 'step',
  loss: 'step',
  penalty: 'step',
  gradients: 'step',
  learningRate: 'run',
  multipliers: 'run',
  afterStep: 'step',
  observe: 'run',
  afterEpoch: 'run',
  finish: 'run',
  evaluation: 'run',
} as const satisfies Partial<Record<keyof Trick, 'run' | 'step' | 'image'>>

export type Stage = keyof typeof stages

export const stageNames = Object.keys(stages) as Stage[]
