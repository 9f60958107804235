// Checks the rules of DESIGN that no compiler checks: which packages may import which, and the contents of a package.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const packages = globSync(['packages/core/package.json', 'packages/*/*/package.json'], {
  cwd: root,
}).map((file) => {
  const folder = dirname(file)
  const manifest = JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest
  return { folder, stage: basename(dirname(folder)), manifest, name: manifest.name }
})
interface Manifest {
  name: string
  description?: string
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  scripts?: Record<string, string>
  tricks?: { stage: string; names?: string[]; paper?: string }
}

const stages = ['augment', 'mix', 'loss', 'schedule', 'optimize', 'evaluate']
const isTrick = ({ stage, manifest }: { stage: string; manifest: Manifest }): boolean =>
  stages.includes(stage) || manifest.tricks !== undefined

/** The packages that a package's files import, except Node's own. */
function importsOf(folder: string, part: 'src' | 'test'): Set<string> {
  const files = globSync(`${folder}/${part}/**/*.ts`, { cwd: root })
  const found = new Set<string>()
  for (const file of files)
    for (const [, specifier] of readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?'([^'.][^']*)'/gm,
    ))
      if (!specifier!.startsWith('node:'))
        found.add(
          specifier!
            .split('/')
            .slice(0, specifier!.startsWith('@') ? 2 : 1)
            .join('/'),
        )
  return found
}

test('there are packages', () => {
  expect(packages.length).toBeGreaterThan(5)
})

test.each(packages)('$name declares what it imports', ({ folder, manifest }) => {
  const runtime = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
  const undeclared = [...importsOf(folder, 'src')].filter(
    (name) => !runtime.has(name) && name !== manifest.name,
  )
  expect(undeclared, 'in src').toEqual([])
  const all = new Set([
    ...runtime,
    ...Object.keys(manifest.devDependencies ?? {}),
    manifest.name,
    'vitest',
  ])
  expect(
    [...importsOf(folder, 'test')].filter((name) => !all.has(name)),
    'in test',
  ).toEqual([])
})

/** Packages shared by the tricks of a stage, which are not tricks themselves. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  augment: ['@tricks/operations'],
  model: ['@tricks/kernels'],
  optimize: ['@tricks/kernels', '@tricks/optimizer'],
}
/** The packages that a trick may import: core, and the libraries of its stage. */
const sharedBy = ({ stage, name }: { stage: string; name: string }): readonly string[] =>
  (libraries[stage] ?? []).filter((library) => library !== name)

test.each(packages.filter(isTrick))('$name imports core, and no other trick', (trick) => {
  const ours = [...importsOf(trick.folder, 'src')].filter((name) => name.startsWith('@tricks/'))
  const allowed = ['@tricks/core', ...sharedBy(trick)]
  expect(ours.filter((name) => !allowed.includes(name))).toEqual([])
})

test.each(packages.filter(isTrick))('$name has no dependency beyond its peers', (trick) => {
  const dependencies = Object.keys(trick.manifest.dependencies ?? {})
  expect(dependencies.filter((name) => !sharedBy(trick).includes(name))).toEqual([])
})

test("core imports none of our packages, the trainer core, the table of backends' kernels and what optimizers share", () => {
  const ours = (name: string): string[] =>
    [...importsOf(packages.find((each) => each.name === name)!.folder, 'src')].filter((imported) =>
      imported.startsWith('@tricks/'),
    )
  expect(ours('@tricks/core')).toEqual([])
  expect(ours('@tricks/train')).toEqual(['@tricks/core', '@tricks/kernels', '@tricks/optimizer'])
  expect(ours('@tricks/kernels')).toEqual([])
})

test('no package imports itself through others', () => {
  const graph = new Map(packages.map(({ name, folder }) => [name, [...importsOf(folder, 'src')]]))
  const visit = (name: string, path: string[]): void => {
    expect(path, [...path, name].join(' → ')).not.toContain(name)
    for (const next of graph.get(name) ?? []) if (graph.has(next)) visit(next, [...path, name])
  }
  for (const name of graph.keys()) visit(name, [])
})

/** The files of all packages, each with those of its package that it imports: types too, and with `import()`. */
const files = new Map(
  globSync(['packages/core/src/**/*.ts', 'packages/*/*/src/**/*.ts'], { cwd: root }).map((file) => {
    const code = readFileSync(join(root, file), 'utf8').replace(/^\s*(?:\*|\/\/).*$/gm, '')
    const imports = code.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)
    return [file, [...imports].map(([, path]) => join(dirname(file), path!))]
  }),
)

/** The cycles of a graph, each as the names along it; of cycles that share a name, at least one. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) cycles.push([...path.slice(path.indexOf(name)), name].join(' → '))
    if (done.has(name)) return
    done.add(name)
    for (const next of graph.get(name) ?? []) visit(next, [...path, name])
  }
  for (const name of graph.keys()) visit(name, [])
  return cycles
}

test('no file imports itself through others', () => {
  const unknown = [...files.values()].flat().filter((file) => !files.has(file))
  expect(unknown.filter((file) => !file.endsWith('.json'))).toEqual([])
  expect(cyclesOf(files)).toEqual([])
})

test('finds cycles of any length, and nothing else', () => {
  const graph = { a: ['b', 'c'], b: ['d'], c: ['d'], d: ['e'], e: ['d', 'f'], f: ['b'], g: ['g'] }
  expect(cyclesOf(new Map(Object.entries(graph)))).toEqual([
    'd → e → d',
    'b → d → e → f → b',
    'g → g',
  ])
})

test.each(packages)(
  '$name contains the files of a package and nothing else',
  ({ folder, manifest }) => {
    const allowed = [
      'package.json',
      'tsconfig.json',
      'README.md',
      'preview.png',
      'preview.svg',
      'CHANGELOG.md',
      'src',
      'test',
      'dist',
      'node_modules',
      '.turbo',
    ]
    expect(readdirSync(join(root, folder)).filter((name) => !allowed.includes(name))).toEqual([])
    for (const name of ['README.md', 'src', 'test'])
      expect(existsSync(join(root, folder, name)), name).toBe(true)
    expect(
      readFileSync(join(root, folder, 'tsconfig.json'), 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(1)
    expect(manifest.description ?? '').not.toBe('')
    expect(manifest.scripts).toEqual({ build: 'build-package' })
  },
)

test.each(packages)('$name is in the folder of its stage', ({ folder, manifest, stage }) => {
  if (!manifest.tricks) return
  expect(manifest.tricks.stage, folder).toBe(stage)
  expect(['augment', 'mix', 'loss', 'schedule', 'optimize', 'evaluate', 'model']).toContain(stage)
})

test.each(packages)("$name's card is filled in", ({ folder, manifest }) => {
  const template = 'What the trick does to training, in one line'
  expect(manifest.description).not.toBe(template)
  if (folder !== 'packages/tools/create-trick')
    expect(readFileSync(join(root, folder, 'README.md'), 'utf8')).not.toContain(template)
})

const workflows = globSync('.github/workflows/*.yml', { cwd: root })
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

test('the same version of pnpm is called everywhere', () => {
  const { packageManager } = JSON.parse(textOf('package.json')) as { packageManager: string }
  const called = ['package.json', ...workflows].flatMap(
    (path) => textOf(path).match(/pnpm@[\d.]+/g) ?? [],
  )
  expect(new Set(called)).toEqual(new Set([packageManager]))
})

test.each(workflows)('%s pins each external action to a commit', (path) => {
  const uses = [...textOf(path).matchAll(/uses: (.*)/g)].map(([, what]) => what!)
  expect(uses.length).toBeGreaterThan(0)
  for (const each of uses) expect(each).toMatch(/^[\w-]+\/[\w-]+@[\da-f]{40} # v\d+\.\d+\.\d+$/)
})
