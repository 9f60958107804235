#!/usr/bin/env node
// Writes the reference, one page per package, from the TSDoc of its exports.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Application } from 'typedoc'

const root = join(import.meta.dirname, '..')
const out = join(import.meta.dirname, 'reference')
const packages = globSync(['packages/core/package.json', 'packages/*/*/package.json'], {
  cwd: root,
})
  .map((path) => ({ folder: dirname(path), ...JSON.parse(readFileSync(join(root, path), 'utf8')) }))
  .toSorted((a, b) => a.name.localeCompare(b.name))

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const { $schema: _, ...options } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'typedoc.json'), 'utf8'),
)
const app = await Application.bootstrapWithPlugins({
  ...options,
  tsconfig: join(import.meta.dirname, 'tsconfig.reference.json'),
  entryPoints: packages.map(({ folder }) => join(root, folder, 'src/index.ts')),
  basePath: root,
})
const project = await app.convert()
if (!project) throw new Error('typedoc found errors')
for (const child of project.children ?? []) {
  // TypeDoc names a module by its path from the common folder of all modules.
  const own = packages.find(({ folder }) =>
    `${folder}/src`.endsWith(child.name.replace(/\/index$/, '')),
  )
  if (!own) throw new Error(`no package is ${child.name}`)
  child.name = own.name.replace('@tricks/', '')
}
await app.generateOutputs(project)

const names = packages.map(({ name }) => name.replace('@tricks/', ''))
const rows = packages.map(
  ({ name, description }) =>
    `- [${name}](/reference/${name.replace('@tricks/', '')}): ${description}`,
)
writeFileSync(
  join(out, 'index.md'),
  `# Reference\n\nThe exports of each package, from its sources.\n\n${rows.join('\n')}\n`,
)
writeFileSync(
  join(out, 'sidebar.json'),
  JSON.stringify(names.map((name) => ({ text: name, link: `/reference/${name}` }))),
)
