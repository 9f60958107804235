// What the ablation measured, on the tricks' cards between two marks. Written by npm run cards.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type About,
  effectText,
  isClear,
  points,
  readSummary,
  type Summary,
} from '@tricks/ablation'
import { replaceFile } from '@tricks/run'
import { type ArticleTrick, articleTricks } from '../../packages/tools/cli/src/recipes/article.ts'

/** The folder of each trick's package. */
const packages: Record<ArticleTrick, string> = {
  'warm-up': 'schedule/warmup',
  'constant-warm-up': 'schedule/warmup',
  'linear-scaling': 'schedule/linear-scaling',
  'label-smoothing': 'loss/label-smoothing',
  ricap: 'mix/ricap',
  distillation: 'loss/distillation',
  cutout: 'augment/cutout',
  'random-erasing': 'augment/random-erasing',
  'cosine-decay': 'schedule/cosine-decay',
  'step-decay': 'schedule/step-decay',
  mixup: 'mix/mixup',
  adabound: 'optimize/adabound',
  autoaugment: 'augment/autoaugment',
  dropout: 'model/dropout',
  l1: 'loss/weight-penalty',
  l2: 'loss/weight-penalty',
  'batch-norm': 'model/batch-norm',
  'early-stopping': 'evaluate/early-stopping',
  'random-crop': 'augment/random-crop',
  mirroring: 'augment/random-flip',
  rotation: 'augment/random-rotation',
  'colour-shifting': 'augment/color-jitter',
  'pca-lighting': 'augment/pca-lighting',
  xavier: 'model/initializers',
}

const marks = ['<!-- measured -->', '<!-- /measured -->'] as const

/** Each card, by its path in the repository, with what was measured in its place. */
export function cardsOf(
  root: string,
  about: About,
  summaries: readonly Summary[],
): Map<string, string> {
  const cards = new Map<string, string>()
  for (const path of new Set(Object.values(packages))) {
    const card = `packages/${path}/README.md`
    const text = readFileSync(join(root, card), 'utf8')
    const [from, to] = marks.map((mark) => text.indexOf(mark)) as [number, number]
    if (from < 0 || to < from)
      throw new Error(
        `cards: expected ${card} to have ${marks.join(' and ')}, for what was measured`,
      )
    const tricks = articleTricks.filter((trick) => packages[trick] === path)
    const said = sentences(tricks, about, summaries)
    const measured = `${text.slice(0, from)}${marks[0]}\n\n${said}\n\n${text.slice(to)}`
    cards.set(card, measured)
  }
  return cards
}

function sentences(
  tricks: readonly ArticleTrick[],
  { regime }: About,
  summaries: readonly Summary[],
): string {
  const lines = tricks.flatMap((trick) => {
    const of = (kind: Summary['kind']): Summary | undefined =>
      summaries.find((summary) => summary.name === trick && summary.kind === kind && summary.n > 1)
    const [added, among] = [of('added'), of('left out')]
    if (!added) return []
    const percent = (share: number): string => (share * 100).toFixed(1)
    const rest = among
      ? ` Among all the article's others: ${effectText(among.effect)} (${verdict(among)}).`
      : ''
    return [
      `- \`${trick}\`${added.remark ? ` (${added.remark})` : ''}: ${effectText(added.effect)} points of accuracy, ` +
        `${percent(added.without.mean)} → ${percent(added.with.mean)} % (n = ${added.n} pairs; ${verdict(added)}); ` +
        `calibration error ${points(added.calibration.mean, 1)} points; ×${added.cost.toFixed(2)} the time of a step.${rest}`,
    ]
  })
  if (lines.length === 0) return 'Not measured yet in this repository.'
  return [
    `Added to a small net with batch norm and cosine decay, on ${regime.trainingImages.toLocaleString('en')} images of CIFAR-10 ` +
      `for ${regime.epochs} epochs; paired differences with their 95 % intervals ` +
      '([all tricks, and how](../../../bench/ablation/README.md)):',
    '',
    ...lines,
  ].join('\n')
}

function verdict({ effect }: Summary): string {
  if (!isClear(effect)) return 'no clear effect'
  return effect.mean > 0 ? 'it helps' : 'it harms'
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..')
  const { comparisons, ...about } = readSummary(join(root, 'bench/ablation'))
  for (const [card, text] of cardsOf(root, about, comparisons)) replaceFile(join(root, card), text)
}
