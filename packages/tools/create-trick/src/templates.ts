import { readFileSync } from 'node:fs'
import { type Stage, stages, tests } from './stages.ts'

const template = (path: string): string =>
  readFileSync(new URL(`../src/templates/${path}`, import.meta.url), 'utf8')

export const sourceOf = (stage: Stage): string => template(`${stage}/index.ts`)

/** The test of a stage's trick, which differs between stages only in the function's inputs and results. */
export function testOf(stage: Stage): string {
  const { types, inputs, params, result, gives, kit = [], distribution } = tests[stage]
  const names = Object.keys(inputs)
  const imports = ['conformance', 'expectClose', 'type Fixtures', 'type FixturesOf', ...kit]
  const parts = {
    IMPORT_TYPES: types,
    IMPORT_KIT: [...imports, 'fromFixtures', 'onEachBackend']
      .toSorted((a, b) => a.replace('type ', '').localeCompare(b.replace('type ', '')))
      .map((name) => `\n  ${name},`)
      .join(''),
    INPUT_TYPES: names.map((name) => `readonly ${name}: ${inputs[name]}`).join('\n  '),
    GIVEN: `{ ${names.join(', ')} }`,
    PARAMS: params,
    RESULT: result,
    GIVES: gives,
    '  DISTRIBUTION\n': distribution
      ? `  // Compares the draws with the paper's distribution.\n  ${distribution}\n`
      : '',
  }
  return Object.entries(parts).reduce(
    (text, [part, written]) => text.replaceAll(part, () => written),
    template('test.txt'),
  )
}

/** The card. A trick that draws is also available as a function of a batch. */
export function cardOf(stage: Stage): string {
  const batch = stage === 'mix' ? '{ images, targets }' : 'images'
  const card = template('README.md').replace(
    '<!-- alone -->\n',
    tests[stage].distribution ? template('alone.md').replace('BATCH', batch) : '',
  )
  // Only the pipeline of a whole run has the hooks of these.
  return stage === 'optimize' || stage === 'evaluate'
    ? card
        .replace("compose } from '@tricks/core'", "composeRun } from '@tricks/core/run'")
        .replace('compose([', 'composeRun([')
    : card
}

/** Words that the files of a new trick use otherwise. */
export const usedWords = (): ReadonlySet<string> =>
  new Set(
    stages.flatMap((stage) =>
      [sourceOf(stage), testOf(stage)]
        .join('\n')
        .replaceAll(/\/\*[^]*?\*\/|\/\/.*|'[^'\n]*'|"[^"\n]*"|`[^`]*`/g, ' ')
        .match(/[A-Za-z]\w*/g)!,
    ),
  )
