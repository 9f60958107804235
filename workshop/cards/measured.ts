// npm run cards: writes the ablation's results into the tricks' cards, at the top in a line and in full below, and into
// the guide to choosing tricks.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type About, effectText, isClear, points, type Summary } from '@tricks/ablation'
import { replaceFile } from '@tricks/run'
import { type Ablation, ablations, enough } from './ablations.ts'
import { packages } from './packages.ts'
import { between } from './table.ts'

const marks = ['effect', 'measured'] as const

const guide = 'docs/guide/choosing.md'

/**
 * The card of each measured trick and the guide, by path, with the results inserted.
 *
 * @throws Error if a card lacks the marks around them, or the guide names an unknown trick
 */
export function cardsOf(root: string, of: readonly Ablation[]): Map<string, string> {
  const cards = new Map<string, string>()
  for (const { folder, tricks } of packages) {
    if (!tricks) continue
    const path = `${folder}/README.md`
    const text = readFileSync(join(root, path), 'utf8')
    if (!tricks.measured) {
      // A card may report another measurement than the ablation's, such as memory.
      if (text.includes('<!-- effect -->')) cards.set(path, between('effect', text, unmeasured))
      continue
    }
    for (const mark of marks)
      if (!text.includes(`<!-- ${mark} -->`) || !text.includes(`<!-- /${mark} -->`))
        throw new Error(`cards: expected ${path} to have <!-- ${mark} --> and <!-- /${mark} -->`)
    const results = tricks.measured.flatMap((name): Result[] => resultOf(name, of))
    cards.set(path, between('measured', between('effect', text, line(results)), section(results)))
  }
  const summaries = of.flatMap((each) => each.summaries)
  cards.set(guide, guideWith(readFileSync(join(root, guide), 'utf8'), summaries))
  return cards
}

/** The result of the first ablation that has measured a trick. */
function resultOf(name: string, of: readonly Ablation[]): Result[] {
  for (const ablation of of) {
    const find = (kind: Summary['kind']): Summary | undefined =>
      ablation.summaries.find(
        (each) => each.name === name && each.kind === kind && each.n >= enough,
      )
    const added = find('added')
    if (added) return [{ name, ablation, added, leaveOneOut: find('left out') }]
  }
  return []
}

/** The guide with the effects at its marks `<!-- effect: NAME -->`, and a list of what helps and hurts. */
function guideWith(text: string, summaries: readonly Summary[]): string {
  const added = summaries.filter(
    ({ name, kind, n }, i) =>
      kind === 'added' && n >= enough && summaries.findIndex((each) => each.name === name) === i,
  )
  const withEffects = text.replaceAll(
    /<!-- effect: ([^>]+) -->[^]*?<!-- \/effect -->/g,
    (_, name: string) => {
      const found = added.find((each) => each.name === name)
      if (!found) throw new Error(`cards: expected a measured trick in ${guide}, got ${name}`)
      return `<!-- effect: ${name} -->${effectText(found.effect)}<!-- /effect -->`
    },
  )
  const sorted = added.toSorted((a, b) => b.effect.mean - a.effect.mean)
  const list = (which: string): string =>
    sorted
      .filter((each) => verdict(each) === which)
      .map(({ name, effect }) => `${name} ${effectText(effect).replaceAll('*', '')}`)
      .join(', ') || 'none'
  const verdicts = ['helps', 'hurts', 'no clear effect'].map(
    (which) => `- **${which[0]!.toUpperCase()}${which.slice(1)}:** ${list(which)}.`,
  )
  return between('verdicts', withEffects, verdicts.join('\n'))
}

interface Result {
  readonly name: string
  readonly ablation: Ablation
  readonly added: Summary
  /** Its effect in combination with all other tricks. */
  readonly leaveOneOut: Summary | undefined
}

const setting = ({ regime }: About): string =>
  `${regime.trainingImages.toLocaleString('en')} images of CIFAR-10, ${regime.epochs} epochs`

const unmeasured = '**Measured:** not measured yet.'

/** The effects in one line. */
function line(results: readonly Result[]): string {
  const [first] = results
  if (!first) return unmeasured
  const effects = results.map(
    ({ name, added }) =>
      `${results.length > 1 ? `\`${name}\` ` : ''}${effectText(added.effect)} points of accuracy (${verdict(added)}${added.remark ? `; ${added.remark}` : ''})`,
  )
  return `**Measured:** ${effects.join(', ')}; a small network, ${setting(first.ablation.about)}, n = ${first.added.n} ([details](#what-we-measured)).`
}

function section(results: readonly Result[]): string {
  const [first] = results
  if (!first) return 'Not measured yet.'
  const lines = results.map(({ name, added, leaveOneOut }) => {
    const percent = (share: number): string => (share * 100).toFixed(1)
    const rest = leaveOneOut
      ? ` With all of the article's other tricks: ${effectText(leaveOneOut.effect)} (${verdict(leaveOneOut)}).`
      : ''
    return (
      `- \`${name}\`${added.remark ? ` (${added.remark})` : ''}: ${effectText(added.effect)} points of accuracy, ` +
      `${percent(added.without.mean)} → ${percent(added.with.mean)} % (n = ${added.n} pairs; ${verdict(added)}); ` +
      `calibration error ${points(added.calibration.mean, 1)} points; ×${added.cost.toFixed(2)} the time of a step.${rest}`
    )
  })
  const pages = new Set(results.map(({ ablation }) => `../../../${ablation.folder}/README.md`))
  const [page, other] = [...pages]
  const also = other === undefined ? '' : `; [the page of the others](${other})`
  return [
    `A small network with batch norm and cosine decay, ${setting(first.ablation.about)}; paired differences with 95 % confidence ` +
      `intervals ([the method, and all tricks](${page})${also}):`,
    '',
    ...lines,
  ].join('\n')
}

function verdict({ effect }: Summary): string {
  if (!isClear(effect)) return 'no clear effect'
  return effect.mean > 0 ? 'helps' : 'hurts'
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..')
  for (const [card, text] of cardsOf(root, ablations)) replaceFile(join(root, card), text)
}
