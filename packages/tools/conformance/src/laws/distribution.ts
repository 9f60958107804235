import * as tf from '@tensorflow/tfjs-core'
import { createRandom, type Step, type Tensors, type Trick } from '@tricks/core'
import { keyOf } from '@tricks/core/run'
import {
  type ConformanceOptions,
  type Law,
  law,
  messageOf,
  reworded,
  same,
  type Subject,
} from '../law.ts'
import { listening } from '../listening.ts'
import { callsOf, shapeOf, sizeOf, steps as stepsOfRun, tensorsIn } from '../scene.ts'

const steps = 4000
const stepsPerEpoch = steps / 10
const shape = shapeOf(sizeOf(8, 32, 24))
const imagesAt = (step: number): number[] =>
  Array.from({ length: shape.batch }, (_, i) => (step % stepsPerEpoch) * shape.batch + i)
/** Number of calls for hooks that compute tensors from draws. */
const calls = 400
const size = sizeOf(2)

/** Over thousands of steps, draws have the reference's distribution. */
export const distribution: Law = law(
  9,
  "draws have the reference's distribution",
  async (subject) => {
    const { distribution: check, shifted = {} } = subject.options
    const drawn = { ...drawsOf(subject), ...(await resultsOf(subject)) }
    const hooks = Object.keys(drawn)
    if (hooks.length === 0) {
      if (!check) return
      throw new Error(
        'there is a `distribution`, but no hook draws random numbers. Use the `random` passed to hooks, or ' +
          'omit the `distribution`',
      )
    }
    if (!check)
      throw new Error(
        `${hooks.join(' and ')} draws random numbers that are not compared with the reference. Pass ` +
          'their `distribution` to the kit, as in { distribution: (draws) => expectUniform({ angles: draws.flat() }, -15, 15) }',
      )
    const all = hooks.length === 1 ? drawn[hooks[0]!]! : sideBySide(drawn)
    try {
      check(all as never[], shape)
    } catch (error) {
      throw reworded(
        error,
        `over ${all.length} steps of 8 images of 32×24×3: ${messageOf(error)}. Check the ` +
          `distribution in the paper, and which ends it includes`,
      )
    }
    notices(check, all, shifted)
  },
  ({ make }) => drawing.some((hook) => make()[hook]),
)

/** Hooks that receive a random stream. */
const drawing = [
  'start',
  'images',
  'mix',
  'targets',
  'prepare',
  'loss',
  'penalty',
  'gradients',
  'afterStep',
] as const satisfies readonly (keyof Trick)[]

/** Verifies that the check rejects modified draws. */
function notices(
  check: NonNullable<ConformanceOptions['distribution']>,
  draws: readonly unknown[],
  shifted: NonNullable<ConformanceOptions['shifted']>,
): void {
  const accepts = (changed: readonly unknown[]): boolean => {
    try {
      check(changed as never[], shape)
      return true
    } catch {
      return false
    }
  }
  const mend = 'Check every drawn number with expectUniform, expectFrequencies or expectCdf'
  const some = draws.filter((params) => params !== undefined).slice(0, 5)
  // Constant draws, such as those with a probability of 1, must be accepted.
  const certain = draws.every((params) => same(params, draws[0]))
  if (!certain && some.every((params) => accepts(draws.map(() => params))))
    throw new Error(`\`distribution\` accepts the same draws in every step. ${mend}`)
  for (const [name, shift] of Object.entries(shifted)) {
    const change = (params: unknown, step: number): unknown =>
      params === undefined ? params : shift(params as never, step)
    if (accepts(draws.map(change)))
      throw new Error(`\`distribution\` accepts shifted draws: '${name}'. ${mend}`)
  }
}

/** The trick's draws for images and mixing, if it makes any. */
function drawsOf({ make }: Subject): Record<string, unknown[]> {
  const drawn: Record<string, unknown[]> = {}
  for (const hook of ['images', 'mix'] as const) {
    const trick = make()
    let hasDrawn = false
    const random = listening(createRandom(1), () => void (hasDrawn = true))
    const all = Array.from({ length: trick[hook] ? steps : 0 }, (_, step) =>
      trick[hook]!.draw(
        random.at(step).fork(keyOf(trick)),
        { ...shape, indices: imagesAt(step) },
        { step, stepsPerEpoch, steps },
      ),
    )
    if (hasDrawn) drawn[`${hook}.draw`] = all
  }
  return drawn
}

/** The results of other hooks that draw: the values of their tensors, or of the weights that they set. */
async function resultsOf({ make }: Subject): Promise<Record<string, unknown[]>> {
  const made: Record<string, unknown[]> = {}
  for (let i = 0; i < calls; i++) {
    if (i === stepsOfRun && Object.keys(made).length === 0) break
    let hasDrawn = false
    const trick = withListener(make(), () => void (hasDrawn = true))
    const { calls: all, dispose } = callsOf(trick, size, i % stepsOfRun, 1 + i)
    for (const { hook, run } of all.filter((call) => !/^(images|mix)\./.test(call.hook))) {
      hasDrawn = false
      const tensors = tf.tidy(() =>
        Object.fromEntries(
          Object.entries(tensorsIn(run())).map(([name, tensor]) => [name, tf.clone(tensor)]),
        ),
      )
      if (hasDrawn || made[hook]) (made[hook] ??= []).push(await valuesOf(tensors))
      tf.dispose(tensors)
    }
    dispose()
  }
  return made
}

/** A copy of the trick whose hooks report draws; each hook receives its stream in its last argument. */
function withListener(trick: Trick, onDraw: () => void): Trick {
  const hooks = drawing.filter((hook) => typeof trick[hook] === 'function')
  const hasDrawn = hooks.map((hook) => {
    const call = (...given: unknown[]): unknown => {
      const last = given.at(-1) as Pick<Step, 'random'>
      const own = { ...last, random: listening(last.random, onDraw) }
      return (trick[hook] as typeof call)(...given.slice(0, -1), own)
    }
    return [hook, call]
  })
  return { ...trick, ...(Object.fromEntries(hasDrawn) as Partial<Trick>) }
}

async function valuesOf(tensors: Tensors): Promise<unknown> {
  const values: Record<string, number[]> = {}
  for (const [name, tensor] of Object.entries(tensors))
    values[name] = Array.from(await tensor.data<'float32'>())
  return values['result'] ?? values
}

/** Combines the draws of several hooks in one list, by hook. */
function sideBySide(drawn: Readonly<Record<string, readonly unknown[]>>): unknown[] {
  const hooks = Object.entries(drawn)
  return Array.from({ length: Math.min(...hooks.map(([, all]) => all.length)) }, (_, i) =>
    Object.fromEntries(hooks.map(([hook, all]) => [hook, all[i]])),
  )
}
