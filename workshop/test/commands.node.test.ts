// Checks that every command in the guides and on the cards exists, with its flags, names and paths, and that a test
// knows the language of every block of code.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { articleTricks } from '../../packages/tools/cli/src/recipes/article.ts'
import { recipes } from '../../packages/tools/cli/src/recipes/index.ts'
import { blocksOf, packages, read, root } from './blocks.ts'

const guides = globSync(
  ['*.md', '*/*.md', 'docs/**/*.md', 'examples/*/README.md', 'packages/*/*/README.md'],
  { cwd: root, exclude: ['**/node_modules/**', '**/.vitepress/**', 'docs/reference/**'] },
).concat('packages/tools/create-trick/src/templates/README.md')

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const cli = 'packages/tools/cli/src/cli.ts'
const recipeNames = [
  ...Object.keys(recipes),
  ...articleTricks.flatMap((name) => [`only:${name}`, `all-but:${name}`]),
]
const createTrick = 'packages/tools/create-trick/src/cli.ts'
const commands: Record<string, string> = { start: cli, 'new-trick': createTrick }

const helps = new Map<string, string>()
/** The help of a program, or of one of its commands. */
function helpOf(program: string, ...command: string[]): string {
  const key = [program, ...command].join(' ')
  const known = helps.get(key)
  if (known !== undefined) return known
  const help = execFileSync(
    process.execPath,
    ['--conditions=@tricks/source', join(root, program), ...command, '--help'],
    { encoding: 'utf8' },
  )
  helps.set(key, help)
  return help
}

/** Whether a program accepts these arguments. */
function takes(program: string, words: readonly string[]): void {
  const [first] = words
  const command =
    first !== undefined && !first.startsWith('-') && helpOf(program).includes(`  ${first}`)
      ? [first]
      : // `npm start` without a command trains.
        program === cli && first !== undefined && first !== '--help'
        ? ['train']
        : []
  for (const [i, word] of words.entries()) {
    if (word.startsWith('--')) expect(helpOf(program, ...command), word).toContain(word)
    const recipe = words[i + 1]
    if (word === '--recipe' && !/^(?:\.|runs)\//.test(recipe!))
      expect(recipeNames).toContain(recipe)
  }
}

/** Our packages, and their dependencies. */
const known = new Set([
  ...packages.flatMap(({ name, peers, dependencies }) => [name, ...peers, ...dependencies]),
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-node-gpu',
  // The version that `native repair` supports.
  '@tensorflow/tfjs-node-gpu@4.22.0',
  'webgpu',
  // Of @tricks/trials, for servers.
  'bullmq',
  'ioredis',
  'pg',
  'vitest',
  // What stands in the template of a card.
  'PACKAGE',
])
const withTfjs = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers']

const installFlags = ['--save-dev', '-D', '--ignore-scripts']

function install(words: readonly string[], card: string): void {
  const names = words.filter((word) => !word.startsWith('-'))
  for (const name of names) expect(known, name).toContain(name)
  for (const word of words) if (word.startsWith('-')) expect(installFlags).toContain(word)
  // npm would install a missing peer by itself; pnpm and yarn may not.
  const own = packages.find(({ folder }) => dirname(card) === folder)
  if (own === undefined || !names.includes(own.name)) return
  const there = [...names, ...(names.includes('@tensorflow/tfjs') ? withTfjs : [])]
  expect(there, 'the peers too').toEqual(expect.arrayContaining([...own.peers]))
}

function npx(words: readonly string[], card: string): void {
  const [name, ...rest] = words[0] === '--yes' ? words.slice(1) : words
  const ours = packages.find((each) => each.name === name || each.bin.includes(name!))
  if (name === 'pnpm') return pnpm(rest)
  if (ours) {
    expect(ours.bin).not.toEqual([])
    return takes(`${ours.folder}/src/cli.ts`, rest)
  }
  expect(existsSync(join(root, 'node_modules/.bin', name!)), name).toBe(true)
  for (const word of rest) if (word.includes('/')) exists(word, card)
}

function pnpm(words: readonly string[]): void {
  const [first, name, script] = words
  if (first === 'install' || first === 'audit') return
  if (first === '--filter') {
    const found = globSync(['packages/*/*/package.json', '{examples/*,docs}/package.json'], {
      cwd: root,
    })
      .map((path) => JSON.parse(read(path)) as { name: string; scripts?: object })
      .find((each) => each.name === name)
    expect(Object.keys(found?.scripts ?? {})).toContain(script)
  } else run(words)
}

function run([script, ...words]: readonly string[]): void {
  expect(Object.keys(scripts)).toContain(script)
  const program = commands[script!]
  if (program !== undefined) takes(program, words[0] === '--' ? words.slice(1) : words)
}

const exists = (path: string, card: string): void =>
  expect(
    existsSync(join(root, path)) ||
      existsSync(join(root, dirname(card), path)) ||
      path === 'packages/augment/my-idea',
    path,
  ).toBe(true)

const kinds: Record<string, (words: readonly string[], card: string) => void> = {
  'npm install': install,
  'npm create trick': (words) => takes(createTrick, words.slice(words[1] === '--' ? 2 : 1)),
  'npm run': (words) => run(words),
  'npm start': (words) => run(['start', ...words]),
  'npm test': () => run(['test']),
  'npm audit signatures': () => undefined,
  'npm ls': () => undefined,
  npx,
  pnpm: (words) => pnpm(words),
  node: (words, card) => {
    const file = words.find((word) => !word.startsWith('-'))!
    exists(file, card)
  },
  cd: ([folder], card) => folder === 'my-idea' || exists(folder!, card),
}

const commandsOf = (markdown: string): string[] => [
  ...blocksOf(markdown)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.trim().split('\n')),
  ...[
    ...markdown
      .replaceAll(/^ *```[^]*?^ *```$/gm, '')
      .matchAll(/`((?:npm|npx|pnpm|node|cd) [^`]+)`/g),
  ].map(([, command]) => command!),
]

for (const card of guides) {
  const markdown = read(card)
  for (const line of new Set(commandsOf(markdown)))
    test(`${card}: ${line}`, () => {
      const command = line.replace(/ +#.*$/, '').trim()
      const start = Object.keys(kinds).find((each) => `${command} `.startsWith(`${each} `))
      expect(start, 'a command that this test knows').toBeDefined()
      const words = command.slice(start!.length).trim().split(/\s+/).filter(Boolean)
      kinds[start!]!(words, card)
    })

  const blocks = blocksOf(markdown)
  if (blocks.length > 0)
    test(`${card}: its blocks are of known languages`, () => {
      for (const { language, code } of blocks) {
        expect(['ts', 'sh', 'json', 'text', 'html']).toContain(language)
        if (language === 'json') expect(() => JSON.parse(code) as unknown).not.toThrow()
      }
    })
}
