// Reads the catalogue from the packages; runs in Node, when the site is built.
import type { Kind } from '@tricks/core/options'
import type { Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { commentOf, declarationOf, sourcesOf } from '../../workshop/cards/options.ts'
import { factories, type Factory } from '../../workshop/factories.ts'
import {
  type Declared,
  type DeclaredOption,
  type Entry,
  isReference,
  type Stage,
} from './catalogue.ts'

/** The tricks whose effect can be shown on a batch or as a learning rate. */
export function catalogueOf(): Entry[] {
  return factories.flatMap((factory) => {
    const stage = factory.folder.split('/')[1]!
    if (!['augment', 'mix', 'loss', 'schedule'].includes(stage)) return []
    const start = startOf(factory)
    const { images, mix, targets, learningRate, setsRate } = factory.make(
      factory.sample({ classes: 10 }),
    ) as Partial<Trick>
    if (!images && !mix && !targets && !learningRate) return []
    const declaration = declarationOf(`${factory.name}Options`, sourcesOf(factory.folder))
    const options = Object.entries(factory.options.kinds).map(([name, kind]): DeclaredOption => ({
      name,
      meaning: commentOf(name, declaration).meaning,
      ...declared(kind),
    }))
    const entry: Entry = {
      factory: factory.name,
      package: factory.trick,
      stage: stage as Stage,
      description: factory.description,
      options,
      start,
      setsRate: setsRate === true,
    }
    return entry
  })
}

/**
 * The options to start with: the required ones, with tricks by reference, and those of the card's picture. If the trick
 * requires one of several optional ones, all options of its samples.
 */
function startOf({ options, sample, preview, make }: Factory): Record<string, unknown> {
  const samples = sample({ classes: 10 })
  const shown = (preview['options'] ?? {}) as Readonly<Record<string, unknown>>
  const start = (wanted: (kind: Kind) => boolean): Record<string, unknown> => {
    const entries = Object.entries(options.kinds).flatMap(([name, kind]) => {
      if (acceptsTrick(kind)) return [[name, { trick: 'cosineDecay' }]]
      if (kind.default !== undefined || !wanted(kind)) return []
      // Samples are for runs of a few steps.
      return [[name, kind.type === 'duration' ? { epochs: 3 } : samples[name]]]
    })
    return { ...Object.fromEntries(entries), ...shown }
  }
  const required = start((kind) => !kind.optional)
  try {
    make(madeOf(required))
    return required
  } catch {
    return start((kind) => !kind.optional || kind.type === 'duration')
  }
}

/** Replaces references by tricks. */
const madeOf = (given: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      isReference(value) ? cosineDecay() : value,
    ]),
  )

const acceptsTrick = (kind: Kind): boolean => kind.type === 'other' && kind.accepts(cosineDecay())

function declared(kind: Kind): Declared {
  const { type, range, optional, min, max, above, below, scale, choices } = kind
  return {
    type: acceptsTrick(kind) ? 'trick' : type,
    range,
    ...(kind.default !== undefined && { default: kind.default }),
    ...(optional && { optional }),
    ...Object.fromEntries(
      Object.entries({ min, max, above, below, scale }).filter(([, value]) => value !== undefined),
    ),
    ...(choices && {
      choices: choices.map((each) => (typeof each === 'string' ? each : declared(each as Kind))),
    }),
  }
}
