import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { laws } from '../src/index.ts'
import { broken } from './broken.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

test('the README lists each law, and the message for each way to break it', () => {
  const section = laws
    .map(({ number, title }) => {
      const ways = broken.filter(({ law }) => law === number)
      const lines = ways.map(({ mistake, message }) => `- One that ${mistake}:\n\n  > ${message}\n`)
      return `### ${number}. ${title}\n\n${lines.join('\n')}`
    })
    .join('\n')
  expect(readme).toContain(section)
})
