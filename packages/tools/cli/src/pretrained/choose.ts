import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pretrainedNames } from '@tricks/pretrained'
import { duration, type ProgressView, type Settings } from '@tricks/run'
import { isPictureFolder } from '../data.ts'
import { isFile } from '../recipes/file.ts'
import { networkOf } from '../recipes/pretrained.ts'
import { meant, UsageError } from '../usage.ts'
import { minutesToFineTune, networkFor, type PlanInputs, planOf } from './plan.ts'

/** The flags that decide how a run starts. */
export type Beginning = Partial<
  Pick<Settings, 'recipe' | 'model' | 'from' | 'minutes' | 'views' | 'epochs' | 'size' | 'limit'>
>

const usualMinutes = 3

/** Networks with downloadable weights, with their multiply-adds (407, 631 and 899 million) relative to the first. */
const networks = [
  { name: 'efficientnet-lite0', cost: 1 },
  { name: 'efficientnet-lite1', cost: 1.55 },
  { name: 'efficientnet-lite2', cost: 2.21 },
] as const

/**
 * Whether a run starts with a pretrained network: with `--from` and weights, with the recipe of that name, and for a
 * folder of pictures unless another recipe, another network or `--from scratch` is requested.
 *
 * @throws UsageError for conflicting flags
 */
export function beginsPretrained(source: string, given: Beginning): boolean {
  const { recipe, model, from } = given
  const another = recipe !== undefined && recipe !== 'pretrained'
  const pretrained =
    from !== 'scratch' &&
    (from !== undefined ||
      recipe === 'pretrained' ||
      (!another && model === undefined && isPictureFolder(source)))
  if (pretrained && another)
    throw new UsageError(`--from applies only to the recipe pretrained, got --recipe ${recipe}`)
  if (pretrained && from !== undefined) checkSource(from)
  for (const name of ['minutes', 'views'] as const)
    if (!pretrained && given[name] !== undefined)
      throw new UsageError(
        `--${name} applies only to a pretrained network, but this run starts from scratch`,
      )
  if (!pretrained && given.epochs === 0)
    throw new UsageError(
      '--epochs: expected a positive integer without a pretrained network, got 0',
    )
  return pretrained
}

/** Before any picture is read. */
function checkSource(from: string): void {
  if (isFile(from)) {
    if (!existsSync(resolve(from))) throw new UsageError(`--from: there is no file ${from}`)
    return
  }
  const names = [...pretrainedNames, 'scratch']
  if (names.includes(from)) return
  throw new UsageError(
    `--from: expected one of ${names.join(', ')}, or a file of weights, got ${from}${meant(from, names)}`,
  )
}

/**
 * Chooses size, views and epochs by the number of pictures and the speed of this machine, and prints its choice with
 * reasons.
 *
 * @returns the choice to record, so that a resumed run uses the same on any machine
 * @throws UsageError for a network without pretrained weights
 */
export async function choosePretrained(
  source: string,
  given: Beginning,
  view: ProgressView,
): Promise<Beginning> {
  const first = networkOf(given)
  // Loaded on demand: decoders are native code, and training from scratch needs neither.
  const [{ countPictures }, { measureSpeed }, { pretrainedInputs }] = await Promise.all([
    import('@tricks/image-folder'),
    import('./speed.ts'),
    import('@tricks/models'),
  ])
  const counts = isPictureFolder(source)
    ? await countPictures(source)
    : { train: 50_000, validation: 0, test: 10_000 }
  const train = Math.min(counts.train, given.limit ?? Infinity)
  const { size, views, epochs, minutes = usualMinutes } = given
  const asked = given.from !== undefined || given.model !== undefined
  const candidates = asked ? [{ name: first, cost: 1 }] : networks
  const { name, inputs } = networkFor(
    {
      pictures: train + counts.validation,
      tested: counts.test,
      imagesPerSecond: await measureSpeed(first, size),
      minutes,
      given: {
        ...(size !== undefined && { size }),
        ...(views !== undefined && { views }),
        ...(epochs !== undefined && { epochs }),
      },
    },
    candidates.map((each) => ({ ...each, size: pretrainedInputs[each.name].size })),
  )
  const plan = planOf(inputs)
  view.say(
    `Recipe     pretrained: ${name}, already trained on ImageNet, is adapted to your ${inputs.pictures.toLocaleString('en')} pictures. ` +
      'Pass --from scratch to train a new network.',
  )
  view.say(`Plan       ${inWords(plan, inputs)}`)
  const from = given.from ?? name
  return { ...given, recipe: 'pretrained', from, minutes, ...chosenOf(plan) }
}

const chosenOf = ({ size, views, epochs }: ReturnType<typeof planOf>): Beginning => ({
  size,
  views,
  epochs,
})

function inWords(plan: ReturnType<typeof planOf>, inputs: PlanInputs): string {
  const { size, views, epochs, seconds } = plan
  const { minutes, imagesPerSecond, given } = inputs
  const smaller = given.size === undefined && size < inputs.size
  const parts = [
    `the last layer on ${views === 1 ? 'one view' : `${views} views`} of each picture at ${size} × ${size}`,
    ...(epochs > 0 ? [`then ${epochs} epochs of fine-tuning`] : []),
    `about ${duration(seconds)}`,
  ]
  const why = [
    `This machine computes the features of ${imagesPerSecond.toFixed(0)} images/s.`,
    ...(smaller
      ? [
          `Pictures are scaled below the network's ${inputs.size} pixels, as there are too many for the time.`,
        ]
      : []),
    ...(seconds > minutes * 60 && given.views === undefined
      ? [`This takes longer than --minutes ${minutes}, as each picture must be used once.`]
      : []),
    ...(epochs === 0 && given.epochs === undefined
      ? [`Pass --minutes ${minutesToFineTune(inputs)} to fine-tune the whole network too.`]
      : []),
  ]
  return `${parts.join(', ')}\n           ${why.join('\n           ')}`
}

/** The weights as recorded in run.json: a file by its full path. */
export const recordedSource = (from: string): string => (isFile(from) ? resolve(from) : from)
