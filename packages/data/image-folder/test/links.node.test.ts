import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type ImageFolder, readImageFolder } from '../src/index.ts'
import { pictures, type Tree, write } from './tree.ts'

const root = mkdtempSync(join(tmpdir(), 'links-'))
afterAll(() => rmSync(root, { recursive: true }))
let made = 0

/** Creates a folder with files and links: paths in the folder, and each link's target. */
function linked(tree: Tree, links: Readonly<Record<string, string>>): string {
  const folder = write(join(root, `${made++}`, 'pictures'), tree)
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(folder, path))
  return folder
}

const leftOut = ({ broken }: ImageFolder, folder: string): Record<string, string> =>
  Object.fromEntries(
    broken.map(({ file, reason }) => [
      file.slice(folder.length + 1),
      reason.replaceAll(folder, '').replace(/ \/$/, ' '),
    ]),
  )
const two = { ...pictures('cat', 2), ...pictures('dog', 3) }

test.each([
  ['its own class', { 'cat/loop': '.' }],
  ['its own class, by its name', { 'cat/loop': '../cat' }],
  ['the folder of classes', { 'cat/loop': '..' }],
  ['a folder above', { 'cat/loop': '../..' }],
  ['the root', { 'cat/loop': '/' }],
  ['another class', { 'cat/loop': '../dog' }],
  ['the folder of classes, as a class', { loop: '.' }],
  ['a folder above, as a class', { loop: '..' }],
])('a link to %s adds nothing', async (_, links) => {
  const folder = linked(two, links)
  const read = await readImageFolder(folder, { size: 4 })
  expect(read.train.classes).toEqual(['cat', 'dog'])
  expect(read.train.labels).toEqual([0, 0, 1, 1, 1])
  expect(Object.keys(leftOut(read, folder))).toEqual(Object.keys(links))
  expect(read.broken[0]!.reason).toMatch(/^a link (?:back )?to .*$/)
})

test('links between subfolders and to their parents terminate', async () => {
  const folder = linked(
    { ...two, 'cat/a/1.png': true, 'cat/a/b/2.png': true },
    { 'cat/a/b/up': '..', 'cat/a/b/top': '../../..', 'cat/z': 'a', 'dog/b': '../cat/a/b' },
  )
  const read = await readImageFolder(folder, { size: 4 })
  expect(read.train.labels).toEqual([0, 0, 0, 0, 1, 1, 1])
  expect(leftOut(read, folder)).toMatchObject({ 'dog/b/2.png': 'the same file as /cat/a/b/2.png' })
})

test('a link from outside back does not reach other folders', async () => {
  const store = write(join(root, `${made++}`), {
    'cats/1.png': true,
    'dogs/2.png': true,
    'dogs/3.png': true,
  })
  symlinkSync('..', join(store, 'cats', 'up'))
  symlinkSync('../dogs', join(store, 'cats', 'other'))
  const folder = linked(two, { 'cat/more': join(store, 'cats'), wolf: join(store, 'dogs') })
  const { train } = await readImageFolder(folder, { size: 4 })
  expect(train.classes).toEqual(['cat', 'dog', 'wolf'])
  expect(train.labels).toEqual([0, 0, 0, 1, 1, 1, 2, 2])
})

test('a file is read once, at its real path', async () => {
  const folder = linked(two, {
    'cat/copy.png': '0.png',
    'cat/again.png': 'copy.png',
    'cat/other.png': '../dog/0.png',
  })
  const read = await readImageFolder(folder, { size: 4 })
  expect(read.train.labels).toEqual([0, 0, 1, 1, 1])
  expect(leftOut(read, folder)).toEqual({
    'cat/again.png': 'the same file as /cat/0.png',
    'cat/copy.png': 'the same file as /cat/0.png',
    'cat/other.png': 'the same file as /dog/0.png',
  })
})

test('a test picture is never also a training picture', async () => {
  const sets = {
    ...pictures('train/cat', 2),
    ...pictures('train/dog', 2),
    ...pictures('test/cat', 1),
    ...pictures('test/dog', 1),
  }
  const folder = linked(sets, { 'test/cat/seen.png': '../../train/cat/0.png' })
  const read = await readImageFolder(folder, { size: 4 })
  expect(read.test!.labels).toEqual([0, 1])
  expect(leftOut(read, folder)).toEqual({
    'test/cat/seen.png': 'the same file as /train/cat/0.png',
  })

  const same = linked(
    { ...pictures('train/cat', 2), ...pictures('train/dog', 2) },
    { test: 'train' },
  )
  await expect(readImageFolder(same, { size: 4 })).rejects.toThrow(
    /the class 'cat' in .*test has no pictures \(2 skipped, such as .*the same file as .*\): add pictures/,
  )
})

test('rejects two classes that are the same folder', async () => {
  await expect(readImageFolder(linked(two, { cats: 'cat' }), { size: 4 })).rejects.toThrow(
    /the class 'cats' in .* has no pictures \(2 skipped/,
  )
})

test('a dangling link is a broken file, whatever its name', async () => {
  const folder = linked(two, {
    'cat/gone.png': 'nowhere.png',
    bird: '/nowhere/bird',
    'dog/self.png': 'self.png',
  })
  await expect(readImageFolder(folder, { size: 4 })).rejects.toThrow(
    "3 of 8 pictures can't be read",
  )
  const read = await readImageFolder(folder, { size: 4, broken: 'skip' })
  expect(leftOut(read, folder)).toEqual({
    bird: 'a dangling link (no such file or directory)',
    'cat/gone.png': 'a dangling link (no such file or directory)',
    'dog/self.png': 'a dangling link (too many symbolic links encountered)',
  })
})

test('the folder itself may be a link', async () => {
  const folder = linked(two, {})
  symlinkSync(folder, join(folder, '..', 'link'))
  const { train } = await readImageFolder(join(folder, '..', 'link'), { size: 4 })
  expect(train.labels).toEqual([0, 0, 1, 1, 1])
})
