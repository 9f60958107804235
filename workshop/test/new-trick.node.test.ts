// A new trick changes only its own folder: the test creates and finishes one in a copy of the repository, regenerates
// everything that is generated, and checks that the tests of all tricks find it.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from '../factories.ts'

const copy = mkdtempSync(join(tmpdir(), 'new-trick-'))
afterAll(() => rmSync(copy, { recursive: true }))

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: copy, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const node = (...args: string[]): string =>
  run(process.execPath, '--conditions=@tricks/source', ...args)
const git = (...args: string[]): string => run('git', ...args)
const vitest = (...args: string[]): string =>
  run(process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'node', ...args)

const folder = 'packages/augment/darker-images'

beforeAll(() => {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: repository,
    encoding: 'utf8',
  })
  const files = listed.split('\0').filter((file) => file && existsSync(join(repository, file)))
  for (const file of files) cpSync(join(repository, file), join(copy, file))
  // What is installed is shared. The new package has the dependencies of its neighbours, so that nothing is installed.
  const link = (from: string, to: string): void => {
    if (existsSync(join(repository, from))) symlinkSync(join(repository, from), join(copy, to))
  }
  for (const file of files.filter((each) => /(^|\/)package\.json$/.test(each)))
    link(join(dirname(file), 'node_modules'), join(dirname(file), 'node_modules'))
  git('init', '--quiet')
  git('add', '--all')
  git('-c', 'user.name=x', '-c', 'user.email=x@localhost', 'commit', '--quiet', '--message=x')

  const paper = 'https://arxiv.org/abs/1708.04552'
  const flags = ['--repository', '.', '--stage', 'augment', '--paper', paper]
  node('packages/tools/create-trick/src/cli.ts', 'darker-images', ...flags)
  link('packages/augment/cutout/node_modules', join(folder, 'node_modules'))
  const table = join(copy, folder, 'test/fixtures/darker-images.json')
  const image = { shape: [1, 1, 1, 1], dtype: 'float32' }
  const numbers = {
    inputs: { images: { ...image, data: [0.5] } },
    params: { strengths: [0.5] },
    expected: { images: { ...image, data: [0.25] } },
  }
  const fixture = JSON.parse(readFileSync(table, 'utf8')) as object
  writeFileSync(table, JSON.stringify({ ...fixture, cases: [numbers] }))
  const fill = (file: string, text: (template: string) => string): void => {
    const path = join(copy, folder, file)
    writeFileSync(path, text(readFileSync(path, 'utf8')))
  }
  const description = (text: string): string =>
    text.replaceAll(
      'What the trick does to training, in one line',
      'Darkens each image by a random share',
    )
  fill('package.json', description)
  fill('README.md', (text) => `${description(text)}\n![What it draws](preview.png)\n`)
  // `npm run cards` and `npm run pictures`.
  node('workshop/cards/write.ts')
  node('workshop/cards/measured.ts')
  node('workshop/cards/pictures.ts')
})

test('outside its folder, only the changeset differs', () => {
  const changed = git('status', '--porcelain', '--untracked-files=all')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.slice(3))
  const outside = changed.filter((file) => !file.startsWith(`${folder}/`))
  expect(outside).toHaveLength(1)
  expect(outside[0]).toMatch(/^\.changeset\/[\w-]+\.md$/)
  expect(changed).toContain(`${folder}/preview.png`)
})

test('its own test passes, and the tests of structure and pictures include it and pass', () => {
  vitest(folder)
  vitest('workshop/test/structure.node.test.ts', '-t', 'darker-images')
  vitest('workshop/test/pictures.node.test.ts', '-t', 'has one, and its card shows it')
})
