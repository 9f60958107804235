import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { defineOptions, number } from '@tricks/core/options'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refusal, repositoryPackage, type Stage, stages, standalonePackage } from '../src/index.ts'
import { cardWith } from '../../../../workshop/cards/options.ts'
import { existing } from '../src/names.ts'

const repository = join(import.meta.dirname, '../../../..')
const bin = (name: string): string => join(repository, 'node_modules/.bin', name)
const paper = 'https://arxiv.org/abs/1708.04552'

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

describe('names', () => {
  test.each([
    ['cutout', 'new, got "cutout", which is taken'],
    ['@me/cutout', 'new'],
    [
      'My_Idea',
      'words of a-z and 0-9 joined by -, starting with a letter, as in my-idea, got "My_Idea"',
    ],
    ['9lives', 'words of a-z and 0-9 joined by -, starting with a letter'],
    ['my--idea', 'words of a-z'],
    ['../idea', 'words of a-z'],
    ['@/idea', 'words of a-z'],
    ['', 'words of a-z'],
    ['a'.repeat(101), 'at most 100 characters'],
    ['delete', 'available, got "delete", which is reserved'],
    ['http', 'available, got "http"'],
    ['conformance', 'available'],
  ])('rejects %j', (name, why) => {
    expect(refusal(name)).toContain(`create-trick: expected the name to be ${why}`)
  })

  test.each(['posterise', 'my-idea', '@me/my-idea', 'mixup2'])('accepts %j', (name) => {
    expect(refusal(name)).toBeUndefined()
  })

  test('a package of the repository must have a new name, without a scope', () => {
    expect(refusal('posterise', ['posterise'])).toContain('taken')
    const plan = { name: '@me/posterise', stage: 'augment', paper } as const
    expect(() => repositoryPackage(plan, [])).toThrow('without a scope, got "@me/posterise"')
  })

  test("the repository's packages and tricks are taken", () => {
    expect(existing()).toEqual(expect.arrayContaining(['cutout', 'early-stopping', 'batch-norm']))
    for (const name of ['initializers', 'xavier', 'l1', 'constant-warmup'])
      expect(refusal(name)).toContain('taken')
    for (const name of ['models', 'operations', 'train']) expect(refusal(name)).toBeUndefined()
  })

  test('names used by the generated files are reserved', () => {
    for (const name of [
      'number',
      'range',
      'with-draws',
      'from-fixtures',
      'evenly',
      'time',
      'params',
    ])
      expect(refusal(name)).toContain('reserved')
  })
})

test.each([
  [{ stage: 'data' as Stage }, 'the stage to be one of augment, mix'],
  [{ paper: 'the paper' }, 'the paper to be an address, https://…, got "the paper"'],
  [{ paper: "https://a.b/'" }, 'the paper to be an address'],
])('rejects %j', (wrong, why) => {
  expect(() => standalonePackage({ name: 'posterise', stage: 'augment', paper, ...wrong })).toThrow(
    `create-trick: expected ${why}`,
  )
})

test('a package of the repository has the same shape as the others', () => {
  const files = repositoryPackage({ name: 'posterise', stage: 'augment', paper }, [])
  expect(Object.keys(files)).toEqual([
    ...['package.json', 'tsconfig.json', 'README.md', 'src/index.ts', 'test/posterise.test.ts'].map(
      (path) => `packages/augment/posterise/${path}`,
    ),
    'packages/augment/posterise/test/fixtures/posterise.json',
    '.changeset/posterise.md',
  ])
  const card = files['packages/augment/posterise/README.md']!
  const source = files['packages/augment/posterise/src/index.ts']!
  const strength = number({ min: 0, max: 1, default: 0.5 })
  const posteriseOptions = defineOptions('posterise', { strength })
  expect(cardWith(card, { posteriseOptions }, source)).toBe(card)
  const cutout = readFileSync(join(repository, 'packages/augment/cutout/package.json'), 'utf8')
  const { version, description, tricks, ...shape } = JSON.parse(
    cutout.replaceAll('cutout', 'posterise'),
  ) as Record<string, string>
  expect({ version, description, tricks }).not.toContain(undefined)
  expect(JSON.parse(files['packages/augment/posterise/package.json']!)).toMatchObject({
    ...shape,
    tricks: { stage: 'augment', paper },
  })
  expect(files['.changeset/posterise.md']).toContain("'@tricks/posterise': minor")
})

describe('a separate package', () => {
  mkdirSync(join(repository, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(repository, '.cache/create-trick-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  interface Result {
    readonly fullName: string
    readonly status: string
    readonly failureMessages: readonly string[]
  }
  /** Vitest's results for the folder's packages. */
  function run(): Result[] {
    const output = join(folder, 'results.json')
    const flags = ['--root', folder, '--reporter', 'json', '--outputFile', output]
    spawnSync(bin('vitest'), ['run', ...flags], { cwd: folder, encoding: 'utf8' })
    const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as {
      testResults: { message: string; assertionResults: Result[] }[]
    }
    expect(testResults.map(({ message }) => message).join('')).toBe('')
    return testResults.flatMap((each) => each.assertionResults)
  }

  beforeAll(() => {
    // Beside the repository's packages, so that imports resolve to the sources.
    const conditions = `['@tricks/source']`
    write(folder, {
      'vitest.config.ts': `export default { resolve: { conditions: ${conditions} }, ssr: { resolve: { conditions: ${conditions} } }, test: { include: ['*/test/*.test.ts'], testTimeout: 60_000 } }`,
    })
    for (const stage of stages)
      write(join(folder, stage), standalonePackage({ name: `new-${stage}`, stage, paper }))
  })

  test('type-checks in every stage', () => {
    for (const stage of stages) {
      const flags = ['-p', join(folder, stage), '--customConditions', '@tricks/source']
      const { stdout, status } = spawnSync(bin('tsc'), flags, { encoding: 'utf8' })
      expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
    }
  })

  test('has one failing test that lists the next steps; the laws are obeyed', () => {
    const results = run()
    const failed = results.filter(({ status }) => status !== 'passed')
    expect(failed.map(({ fullName }) => fullName)).toEqual(
      stages.map(() => "on cpu there are the reference's numbers"),
    )
    for (const stage of stages) {
      const messages = failed.flatMap((each) => each.failureMessages).join('\n')
      expect(messages).toContain(
        `new-${stage}: three steps to go. 1: write the reference's numbers`,
      )
      expect(messages).toContain(`into test/fixtures/new-${stage}.json`)
    }
    expect(results.length).toBeGreaterThan(7 * 8)
  })

  test('passes once it is filled in: the guide on posterise', () => {
    const guide = readFileSync(join(repository, 'CONTRIBUTING.md'), 'utf8')
    const blocks = (language: string): string[] =>
      [...guide.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(
        ([, code]) => code!,
      )
    const invalid = /`(invalid: \[\(\) => posterise.*\])`/.exec(guide)![1]!
    const distribution = /`(distribution: [^`]*)`/.exec(guide)![1]!
    const files = standalonePackage({ name: '@me/posterise', stage: 'augment', paper })
    const path = 'test/posterise.test.ts'
    // The guide's block imports these itself.
    const imports = files['src/index.ts']!.split('\n\n')[0]!.replaceAll(
      /.*\/(?:augmentation|options)'$/gm,
      '',
    )
    for (const stage of stages) rmSync(join(folder, stage), { recursive: true })
    write(join(folder, 'posterise'), {
      ...files,
      'src/index.ts': [imports, ...blocks('ts')].join('\n\n'),
      [path]: files[path]!.replace(/invalid: \[[^]*?\n  \]/, invalid)
        .replace(/distribution: [^]*?0\.5\)/, () => distribution)
        .replace('expectUniform', 'evenly, expectFrequencies'),
      'test/fixtures/posterise.json': `{ "cases": [${blocks('json')[0]}] }`,
    })
    const flags = ['-p', join(folder, 'posterise'), '--customConditions', '@tricks/source']
    expect(spawnSync(bin('tsc'), flags, { encoding: 'utf8' }).stdout).toBe('')
    const results = run()
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([])
    expect(results.map(({ fullName }) => fullName)).toContainEqual(
      expect.stringContaining(
        "applyPosterise in src/index.ts gives the reference's numbers: case 1",
      ),
    )
  })
})
