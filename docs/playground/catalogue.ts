// The tricks of the playground, as docs/prepare.ts reads them from the packages.
import type { Kind } from '@tricks/core/options'

/** What an option accepts, from its declaration. */
export interface Declared extends Omit<Kind, 'type' | 'choices' | 'accepts' | 'is'> {
  /** 'trick' for an option that takes another trick, such as the schedule after a warm-up. */
  readonly type:
    | 'number'
    | 'integer'
    | 'boolean'
    | 'choice'
    | 'interval'
    | 'duration'
    | 'trick'
    | 'other'
  readonly choices?: readonly (string | Declared)[]
}

export interface DeclaredOption extends Declared {
  readonly name: string
  readonly meaning: string
}

/** A trick that the playground can show. */
export interface Entry {
  /** The exported function, such as `cutout`. */
  readonly factory: string
  /** The package's name without its scope. */
  readonly package: string
  readonly stage: Stage
  readonly description: string
  readonly options: readonly DeclaredOption[]
  /** Options to start with: those that are required, and those whose effect is easy to see. */
  readonly start: Readonly<Record<string, unknown>>
  /** Whether it sets the rate outright, and so can follow a warm-up. */
  readonly setsRate: boolean
}

export type Stage = 'augment' | 'mix' | 'loss' | 'schedule'

/** The catalogue as prepare.ts wrote it, whose types as JSON are wider. */
export const entriesIn = (catalogue: unknown): readonly Entry[] => catalogue as readonly Entry[]

/** The stages in the order of a step, with their titles. */
export const stages = [
  { stage: 'augment', title: 'Images' },
  { stage: 'mix', title: 'Mixing' },
  { stage: 'loss', title: 'Targets' },
  { stage: 'schedule', title: 'Learning rate' },
] as const satisfies readonly { stage: Stage; title: string }[]

/** Whether a value is a reference to a trick: `{ trick: 'cosineDecay' }`. */
export const isReference = (value: unknown): value is { readonly trick: string } =>
  typeof (value as { readonly trick?: unknown } | null)?.trick === 'string'

/** Whether a list can have only one of the two: both mix, or both set the learning rate. */
export const excludes = (a: Entry, b: Entry): boolean =>
  (a.stage === 'mix' && b.stage === 'mix') || (a.setsRate && b.setsRate)
