// Cards show the options as they are declared: npm run cards writes them.
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  choice,
  defineOptions,
  defineParameters,
  integer,
  number,
  optional,
} from '@tricks/core/options'
import { expect, test } from 'vitest'
import { cardWith, exportsOf, folders, sourcesOf } from '../cards/options.ts'
import { measured, packages, packagesPageWith, readmeWith } from '../cards/packages.ts'

test.each(folders)("%s's card has the options as they are declared", async (folder) => {
  const card = readFileSync(join(import.meta.dirname, '../..', folder, 'README.md'), 'utf8')
  const written = cardWith(card, await exportsOf(folder), sourcesOf(folder))
  expect(card, 'run npm run cards').toBe(written)
})

test.each([
  ['README.md', (page: string) => readmeWith(page, packages, measured)],
  ['docs/packages.md', (page: string) => packagesPageWith(page, packages)],
])('%s lists the packages as their manifests describe them', (path, write) => {
  const page = readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
  expect(page, 'run npm run cards').toBe(write(page))
})

const listed = (
  name: string,
  version: string,
  tricks?: { stage: string; measured?: string[] },
) => ({
  folder: `packages/${name}`,
  description: `${name.split('/').at(-1)}: does what ${name} does`,
  version,
  ...(tricks && { tricks }),
})
const [glow, dim, unreleased, kit] = [
  listed('augment/glow', '0.1.0', { stage: 'augment', measured: ['cutout'] }),
  listed('augment/dim', '1.0.0', { stage: 'augment' }),
  listed('augment/new', '0.0.0', { stage: 'augment' }),
  listed('tools/kit', '0.0.0'),
]

test('the README lists released tricks with their measured effects', () => {
  const readme = readmeWith(
    '# tricks\n\n<!-- tricks --><!-- /tricks -->\n',
    [
      dim,
      glow,
      unreleased,
      kit,
      listed('mix/both', '1.0.0', { stage: 'mix', measured: ['l1', 'cosine-decay'] }),
    ],
    measured,
  )
  expect(readme).toBe(`# tricks

<!-- tricks -->

| stage  | trick                                   | what it does                | effect, points                                |
| ------ | --------------------------------------- | --------------------------- | --------------------------------------------- |
| images | [dim](packages/augment/dim/README.md)   | Does what augment/dim does  | not measured                                  |
|        | [glow](packages/augment/glow/README.md) | Does what augment/glow does | **+2.58 ± 0.66**                              |
| mix    | [both](packages/mix/both/README.md)     | Does what mix/both does     | l1 +0.26 ± 0.85; cosine-decay +6.17 ± 6.66 \\* |

<!-- /tricks -->
`)
})

test('the page of packages lists released tricks, and all other packages', () => {
  const page = packagesPageWith('<!-- packages --><!-- /packages -->', [unreleased, dim, kit])
  expect(page).toBe(`<!-- packages -->

| stage  | package                                  | what it does                    |
| ------ | ---------------------------------------- | ------------------------------- |
| images | [dim](../packages/augment/dim/README.md) | dim: does what augment/dim does |
| tools  | [kit](../packages/tools/kit/README.md)   | kit: does what tools/kit does   |

<!-- /packages -->`)
  expect(() => packagesPageWith('', [listed('attic/old', '1.0.0')])).toThrow('expected attic to be')
})

/** A package's tricks: those whose options may have a key. */
const tricksOf = async (folder: string): Promise<string[]> =>
  Object.entries(await exportsOf(folder))
    .filter(([name]) => name.endsWith('Options'))
    .map(([, set]) => set as { readonly name: string; readonly keyed: boolean })
    .filter(({ keyed }) => keyed)
    .map(({ name }) => name)

test.each(packages.filter(({ tricks }) => tricks))(
  '$folder declares the options of its tricks, whose names its manifest has',
  async ({ folder, tricks }) => {
    const names = await tricksOf(folder)
    const own = tricks!.names?.toSorted()
    // Layers and optimizers are not tricks; a package of functions declares an empty list of options.
    if (names.length > 0 || own?.length === 0)
      expect(names.toSorted()).toEqual(own ?? [basename(folder)])
    else expect(folders).toContain(folder)
  },
)

test.each(packages.filter(({ tricks }) => tricks))(
  "$folder's card answers on its first screen: what, when, how much, and how to call it",
  ({ folder }) => {
    const card = readFileSync(join(import.meta.dirname, '../..', folder, 'README.md'), 'utf8')
    const screen = card.split('\n').slice(0, 40).join('\n')
    expect(screen).toMatch(/^# .+\n\n[A-Z][^]+?\.\n/)
    expect(screen).toMatch(/\n## When to use it, and when not\n\n\S/)
    expect(screen).toMatch(/\*\*Measured:\*\* (?:not measured yet\.|[^]*?\bn = \d+\b)/)
    expect(screen).toContain(`from '@tricks/${basename(folder)}'`)
  },
)

const sources = `
/** Factor per step, above 0. */
const rate = number({ above: 0, max: 1, default: 0.5 })
export interface DimParams {
  /** Per image. */
  readonly strength: readonly number[]
}
export const dimOptions = defineOptions('dim', {
  /**
   * How much darker images become:
   * \`image · (1 − strength)\`.
   */
  strength: number({ min: 0, max: 1, default: 0.2 }),
  /** Pixels to leave out. @defaultValue the images' own */
  size: optional(integer({ min: 1 })),
  /** What to fill with. */
  fill: choice(['mean', number({ min: 0, max: 1 })]),
  rate,
})
export const glowOptions = defineParameters('glow', {
  /** How much brighter. */
  strength: number({ min: 0, max: 1, default: 0.1 }),
})
`
const rate = number({ above: 0, max: 1, default: 0.5 })
const dimOptions = defineOptions('dim', {
  strength: number({ min: 0, max: 1, default: 0.2 }),
  size: optional(integer({ min: 1 })),
  fill: choice(['mean', number({ min: 0, max: 1 })]),
  rate,
})
const glowOptions = defineParameters('glow', { strength: number({ min: 0, max: 1, default: 0.1 }) })

test('a table has the options in order, and the key of a trick last', () => {
  const card = 'before\n\n<!-- options -->\n\nold\n\n<!-- /options -->\n\nafter\n'
  expect(cardWith(card, { dimOptions }, sources)).toBe(`before

<!-- options -->

| option     | default         | range                        | meaning                                                              |
| ---------- | --------------- | ---------------------------- | -------------------------------------------------------------------- |
| \`strength\` | \`0.2\`           | a number in [0, 1]           | How much darker images become: \`image · (1 − strength)\`.             |
| \`size\`     | the images' own | a positive integer           | Pixels to leave out.                                                 |
| \`fill\`     | required        | 'mean' or a number in [0, 1] | What to fill with.                                                   |
| \`rate\`     | \`0.5\`           | a number in (0, 1]           | Factor per step, above 0.                                            |
| \`key\`      |                 | non-empty text               | Distinguishes tricks of the same name in a list; draws depend on it. |

<!-- /options -->

after
`)
})

test('each of several sets has its own table', () => {
  const card =
    '<!-- options: dimOptions --><!-- /options -->\n<!-- options: glowOptions --><!-- /options -->'
  const written = cardWith(card, { dimOptions, glowOptions }, sources)
  const [one, other] = written.split('<!-- options: glowOptions -->')
  expect(one).toContain('How much darker')
  expect(other).toContain('| `strength` | `0.1`   | a number in [0, 1] | How much brighter. |')
  expect(other).not.toContain('key')
})

test('a table that is missing, and an option without a comment, are errors', () => {
  const marks = '<!-- options --><!-- /options -->'
  expect(() => cardWith('', { dimOptions }, sources)).toThrow('expected a table of dimOptions: add')
  expect(() => cardWith(marks, { dimOptions, glowOptions }, sources)).toThrow(
    'expected <!-- options: NAME --> with one of dimOptions, glowOptions',
  )
  expect(() =>
    cardWith('<!-- options: glowOption --><!-- /options -->', { glowOptions }, sources),
  ).toThrow('got glowOption')
  expect(() => cardWith(marks, {}, sources)).toThrow(
    'expected a package with a table to export its options',
  )
  const bare = "export const bareOptions = defineOptions('bare', { rate: number({}) })\n}"
  const bareOptions = defineOptions('bare', { rate: number({}) })
  expect(() => cardWith(marks, { bareOptions }, bare)).toThrow(
    'expected a comment before rate, with its meaning',
  )
})
