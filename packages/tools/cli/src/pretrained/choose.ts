import { duration, type ProgressView, type Settings } from '@tricks/run'
import { isPictureFolder } from '../data.ts'
import { isFile } from '../recipes/file.ts'
import { networkOf } from '../recipes/pretrained.ts'
import { UsageError } from '../usage.ts'
import { minutesToFineTune, type PlanInputs, planOf } from './plan.ts'

/** What of the flags decides how a run begins. */
export type Beginning = Partial<
  Pick<Settings, 'recipe' | 'model' | 'from' | 'minutes' | 'views' | 'epochs' | 'size' | 'limit'>
>

const usualMinutes = 3

/**
 * Whether a run begins with a pretrained network: with `--from` and its weights, with the recipe of that name, and for a
 * folder of pictures unless another recipe, another network or `--from scratch` is asked for.
 *
 * @throws UsageError for flags that don't go together
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
    throw new UsageError(`--from: goes with the recipe pretrained, got it with ${recipe}`)
  for (const name of ['minutes', 'views'] as const)
    if (!pretrained && given[name] !== undefined)
      throw new UsageError(
        `--${name}: goes with a pretrained network, and this run begins from scratch`,
      )
  if (!pretrained && given.epochs === 0)
    throw new UsageError(
      '--epochs: expected a positive integer without a pretrained network, got 0',
    )
  return pretrained
}

/**
 * Chooses size, views and epochs by how many pictures there are and how fast this machine is, and says what it chose and why.
 *
 * @returns what is recorded, so that a resumed run does the same whatever the machine does then
 * @throws UsageError for a network that there are no weights for
 */
export async function choosePretrained(
  source: string,
  given: Beginning,
  view: ProgressView,
): Promise<Beginning> {
  const from = given.from ?? networkOf(given)
  const name = networkOf({ ...given, from })
  // Loaded here: decoders are native code, and neither is needed from scratch.
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
  const inputs: PlanInputs = {
    pictures: train + counts.validation,
    tested: counts.test,
    imagesPerSecond: await measureSpeed(name, size),
    size: pretrainedInputs[name].size,
    minutes,
    given: {
      ...(size !== undefined && { size }),
      ...(views !== undefined && { views }),
      ...(epochs !== undefined && { epochs }),
    },
  }
  const plan = planOf(inputs)
  view.say(
    `Recipe     pretrained: ${name} has learned from ImageNet, so your ${inputs.pictures.toLocaleString('en')} pictures ` +
      'need to teach it little. Pass --from scratch to train a new network.',
  )
  view.say(`Plan       ${inWords(plan, inputs)}`)
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
    `This machine computes features of ${imagesPerSecond.toFixed(0)} images/s.`,
    ...(smaller
      ? [`Pictures are smaller than the network's ${inputs.size}, as there are many.`]
      : []),
    ...(seconds > minutes * 60 && given.views === undefined
      ? [`That is longer than --minutes ${minutes}, as each picture has to be seen once.`]
      : []),
    ...(epochs === 0 && given.epochs === undefined
      ? [`Pass --minutes ${minutesToFineTune(inputs)} to fine-tune the whole network too.`]
      : []),
  ]
  return `${parts.join(', ')}\n           ${why.join('\n           ')}`
}

/** The weights as they are recorded: a file by its full path. */
export const recordedSource = (from: string, resolve: (path: string) => string): string =>
  isFile(from) ? resolve(from) : from
