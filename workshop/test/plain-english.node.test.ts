// Keeps the project's text idiomatic: `plain-english.json` lists phrases that readers stumbled over, as regular
// expressions, with what to write instead. Add to it when you find another.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import list from './plain-english.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')
const phrases = Object.entries(list).map(
  ([phrase, better]) => [new RegExp(phrase, 'giu'), better] as const,
)

/** Text files; data and generated or foreign files are left out. */
const checked = /\.(?:[cm]?[jt]s|md|json|ya?ml|jsonc|h|cc?|py|html|vue|css|cff)$/
const skipped =
  /(?:^|\/)(?:fixtures|pnpm-lock\.yaml|CHANGELOG\.md|CODE_OF_CONDUCT\.md|binaries\.ts|plain-english\..*)(?:\/|$)/

/** A file as one line per paragraph, without comment markers, and where each of its lines begins in that text. */
function flatten(source: string): { text: string; starts: number[] } {
  let text = ''
  const starts: number[] = []
  for (const line of source.split('\n')) {
    starts.push(text.length)
    text += `${line.replace(/^\s*(?:\*(?!\/)|\/\/|#|>)?\s*/, '')} `
  }
  return { text, starts }
}

function findings(file: string, source: string): string[] {
  const { text, starts } = flatten(source)
  return phrases.flatMap(([phrase, better]) =>
    [...text.matchAll(phrase)].map(
      ({ 0: found, index }) =>
        `${file}:${starts.findLastIndex((start) => start <= index) + 1}: '${found}', better: ${better}`,
    ),
  )
}

test('committed text avoids the listed phrases', () => {
  const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => checked.test(file) && !skipped.test(file))
  expect(files.length).toBeGreaterThan(500)
  expect(files.flatMap((file) => findings(file, readFileSync(join(root, file), 'utf8')))).toEqual(
    [],
  )
})

test.each([
  ['one an image', 'Draws one\n * an image.'],
  ['goes on', 'A run that goes on from its checkpoint'],
  ['is no picture', 'What is no picture is skipped.'],
])('finds %s, across lines and in any case', (_, source) => {
  expect(findings('a.ts', source)).toHaveLength(1)
})

test.each([
  'once a day',
  'There are no pictures in the folder.',
  'Training continues on the next machine; the light goes on the shelf.',
  'a number in [0, 1]',
])('accepts: %s', (source) => {
  expect(findings('a.md', source)).toEqual([])
})
