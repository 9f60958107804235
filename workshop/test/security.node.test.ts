// What SECURITY.md promises of our own code, as far as a look at the sources can tell.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const sources = globSync(
  [
    'packages/core/src/**/*.{ts,c,cc,h}',
    'packages/*/*/src/**/*.{ts,c,cc,h}',
    'examples/*/src/**/*.ts',
    'workshop/*.{ts,mjs}',
    'bench/**/*.{ts,mjs}',
  ],
  { cwd: root, exclude: (name) => name.includes('node_modules') },
)

/** What runs text as code. */
const runs: readonly [string, RegExp][] = [
  ['eval', /(?<![.\w])eval\s*\(/],
  ['a function made of text', /(?<![.\w])(?:new\s+)?Function\s*\(/],
  ['a timer with text', /set(?:Timeout|Interval)\s*\(\s*['"`]/],
  ['node:vm', /['"](?:node:)?vm['"]/],
  ['a shell', /\bshell:\s*true|\bexecSync\s*\(|(?<![.\w])(?:system|popen)\s*\(/],
  ['an import of a path from outside', /\bimport\s*\(\s*(?:JSON|flags|options|config)/],
]

test('there are sources', () => {
  expect(sources.length).toBeGreaterThan(100)
})

test.each(runs)('none of our files uses %s', (_, pattern) => {
  const found = sources.filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')))
  expect(found).toEqual([])
})

test('no package has a script that installing runs', () => {
  const hooks = ['preinstall', 'install', 'postinstall', 'prepare']
  const manifests = globSync(
    ['package.json', 'packages/core/package.json', 'packages/*/*/package.json'],
    {
      cwd: root,
    },
  )
  for (const file of manifests) {
    const { scripts = {} } = JSON.parse(readFileSync(join(root, file), 'utf8')) as {
      scripts?: Record<string, string>
    }
    expect(
      Object.keys(scripts).filter((name) => hooks.includes(name)),
      file,
    ).toEqual([])
  }
})
