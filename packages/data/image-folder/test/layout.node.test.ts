import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BrokenPictures, readImageFolder } from '../src/index.ts'
import { pictures, type Tree, write } from './tree.ts'

const root = mkdtempSync(join(tmpdir(), 'layout-'))
afterAll(() => rmSync(root, { recursive: true }))
let made = 0
const folderOf = (tree: Tree): string => write(join(root, `${made++}`), tree)

/** The sets, by name, with the number of pictures per class. */
async function setsOf(folder: string): Promise<Record<string, Record<string, number>>> {
  const { broken: _, ...sets } = await readImageFolder(folder, { size: 4, broken: 'skip' })
  return Object.fromEntries(
    Object.entries(sets).map(([name, { classes, labels }]) => [
      name,
      Object.fromEntries(
        classes.map((each, label) => [
          each,
          Array.from(labels).filter((of) => of === label).length,
        ]),
      ),
    ]),
  )
}
const rejects = async (tree: Tree, message: string | RegExp): Promise<void> =>
  expect(readImageFolder(folderOf(tree), { size: 4 })).rejects.toThrow(message)

const classes = (set: string, counts: Record<string, number>): Tree =>
  Object.assign(
    {},
    ...Object.entries(counts).map(([name, n]) => pictures(`${set}/${name}`, n)),
  ) as Tree

describe('sets', () => {
  test.each([
    ['train', 'val', 'test'],
    ['Training', 'Validation', 'Testing'],
    ['TRAIN', 'VALID', 'TEST'],
    ['training', 'valid', 'testing'],
  ])('%s, %s and %s', async (train, validation, tested) => {
    const tree = {
      ...classes(train, { cat: 3, dog: 2 }),
      ...classes(validation, { cat: 1, dog: 2 }),
      ...classes(tested, { cat: 2, dog: 1 }),
    }
    expect(await setsOf(folderOf(tree))).toEqual({
      train: { cat: 3, dog: 2 },
      validation: { cat: 1, dog: 2 },
      test: { cat: 2, dog: 1 },
    })
  })

  test('training only, or with one of the others', async () => {
    const train = classes('Train', { cat: 1, dog: 1 })
    expect(Object.keys(await setsOf(folderOf(train)))).toEqual(['train'])
    const val = { ...train, ...classes('Val', { cat: 1, dog: 1 }) }
    expect(Object.keys(await setsOf(folderOf(val)))).toEqual(['train', 'validation'])
    const tested = { ...train, ...classes('testing', { cat: 1, dog: 1 }) }
    expect(Object.keys(await setsOf(folderOf(tested)))).toEqual(['train', 'test'])
  })

  test('with wrong folders are rejected', async () => {
    const train = classes('train', { cat: 1, dog: 1 })
    const tested = classes('test', { cat: 1, dog: 1 })
    await rejects(tested, 'expected a folder train beside test')
    await rejects({ ...tested, ...pictures('cat', 1) }, 'expected a folder train beside test')
    await rejects(
      { ...train, ...tested, ...pictures('cat', 1) },
      "expected only validation and test beside train, each with a folder per class, got 'cat': rename it, or move it elsewhere",
    )
    await rejects({ ...train, ...pictures('test', 3) }, "got 'test' without folders")
    await rejects(
      { ...train, ...classes('Training', { cat: 1, dog: 1 }) },
      'expected one folder for the train set, got Training, train: merge them, or move one elsewhere',
    )
    await rejects(
      { ...pictures('train', 3), ...pictures('test', 3) },
      'test, train are named like sets, but contain no class folders: sort their pictures into one folder per class',
    )
  })

  test('with different classes are rejected, with both lists and the difference', async () => {
    const train = classes('train', { cat: 1, dog: 1, 'bird, wolf': 1 })
    await rejects(
      { ...train, ...classes('val', { cat: 1, dog: 1 }) },
      'expected validation to have the classes of train: "bird, wolf", cat, dog, got cat, dog (missing in validation: "bird, wolf")',
    )
    await rejects(
      { ...train, ...classes('test', { cat: 1, dog: 1, 'bird, wolf': 1, fox: 1 }) },
      'expected test to have the classes of train: "bird, wolf", cat, dog, got "bird, wolf", cat, dog, fox (unknown in train: fox)',
    )
    // Joined into text, the two lists would be equal.
    await rejects(
      { ...classes('train', { 'a,b': 1, c: 1 }), ...classes('test', { a: 1, 'b,c': 1 }) },
      'classes of train: "a,b", c, got a, "b,c" (missing in test: "a,b", c; unknown in train: a, "b,c")',
    )
    await rejects({ ...train, ...classes('test', { Cat: 1 }) }, "got only 'Cat' (missing")
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${1000 + i}`, 0]))
    const folders = (set: string, from: number): Tree =>
      Object.fromEntries(
        Object.keys(many)
          .slice(from)
          .map((name) => [`${set}/${name}/a.png`, true]),
      )
    await rejects(
      { ...folders('train', 0), ...folders('test', 1) },
      /… 980 more, got .{0,200} … 979 more \(missing in test: 1000\)$/,
    )
  })

  test('class names are compared and merged after Unicode normalisation', async () => {
    const [composed, split] = ['caf\u00e9', 'cafe\u0301']
    const tree = {
      ...classes('train', { [composed]: 2, b: 1 }),
      ...classes('test', { [split]: 1, b: 1 }),
    }
    expect(await setsOf(folderOf(tree))).toEqual({
      train: { [composed]: 2, b: 1 },
      test: { [composed]: 1, b: 1 },
    })
    const twice = { ...pictures(composed, 2), ...pictures(split, 3), ...pictures('b', 1) }
    expect(await setsOf(folderOf(twice))).toEqual({ train: { [composed]: 5, b: 1 } })
  })
})

describe('a layout that is off by one level', () => {
  const both = { cat: 1, dog: 1 }
  test('is rejected if the classes contain no pictures but the same folders', async () => {
    await rejects(
      { ...classes('fold1', both), ...classes('fold2', both) },
      'expected classes, got folders without pictures that all contain the same folders (fold1, fold2 contain cat, dog): name them train, validation and test if they are sets, or move their pictures up into them if they are classes',
    )
    await rejects(
      {
        ...classes('fold1', { Cat: 1, DOG: 1 }),
        ...classes('fold2', { ...both, bird: 1 }),
        'notes.txt': '',
      },
      'all contain the same folders',
    )
    await rejects(
      { ...classes('train/a', both), ...classes('train/b', both) },
      'all contain the same folders',
    )
    // As in an archive on Kaggle.
    await rejects(
      { ...classes('training_set/training_set', both), ...classes('test_set/test_set', both) },
      '(test_set, training_set contain cat, dog)',
    )
    await rejects(
      { ...classes('cat', { train: 1, test: 1 }), ...classes('dog', { train: 1, test: 1 }) },
      `(cat, dog contain test, train): put the sets above the classes, as in ${join('test', 'cat')}`,
    )
  })

  test('is rejected if a class contains sets', async () => {
    await rejects(
      {
        ...classes('flowers/train', both),
        ...classes('flowers/test', both),
        ...classes('pets', both),
      },
      /expected classes, got 'flowers', which contains the sets test, train: pass .*flowers, or put the sets above the classes/,
    )
    await rejects(
      { ...classes('cat', { Training: 1, Validation: 1 }), ...pictures('dog', 1) },
      "got 'cat', which contains the sets Training, Validation",
    )
  })

  test('is rejected if the intended folder is inside the given one', async () => {
    await rejects(
      classes('data', both),
      /got only 'data', which contains cat, dog: pass .*data, or move them up/,
    )
    await rejects(
      { ...classes('data/train', both), ...classes('data/test', both), '__MACOSX/data/a': 'x' },
      /got only 'data', which contains test, train: pass .*data, or move them up/,
    )
    await rejects(
      pictures('cat', 1),
      "expected at least two folders, one per class, got only 'cat'",
    )
    await rejects({ 'a.png': true }, 'expected at least two folders, one per class, got none')
  })

  test('is not reported if classes have different subfolders', async () => {
    const images = { ...pictures('cat/images', 2), ...pictures('dog/images', 1) }
    expect(await setsOf(folderOf(images))).toEqual({ train: { cat: 2, dog: 1 } })
    const nested = {
      ...classes('cat', { a: 1, b: 1 }),
      ...classes('dog', { a: 1, b: 1 }),
      'dog/0.png': true,
    } as const
    expect(await setsOf(folderOf(nested))).toEqual({ train: { cat: 2, dog: 3 } })
    const kinds = {
      ...classes('cat', { tabby: 1, persian: 1 }),
      ...classes('dog', { pug: 1, boxer: 1 }),
    }
    expect(await setsOf(folderOf(kinds))).toEqual({ train: { cat: 2, dog: 2 } })
  })
})

describe('files that are not pictures', () => {
  const two = { ...pictures('cat', 2), ...pictures('dog', 1) }
  const litter = [
    'Thumbs.db',
    'THUMBS.DB',
    'desktop.ini',
    '.DS_Store',
    '._0.png',
    '.hidden.jpg',
    'Icon\r',
    '__MACOSX/cat/._0.png',
    '@eaDir/0.png/thumb.jpg',
    '$RECYCLE.BIN/0.png',
    '.git/0.png',
  ]

  test('system files are ignored silently', async () => {
    const tree: Tree = Object.fromEntries(
      litter.flatMap((name) => [
        [name, true],
        [`cat/${name}`, true],
      ]),
    )
    const { train, broken } = await readImageFolder(folderOf({ ...two, ...tree }), { size: 4 })
    expect(train.classes).toEqual(['cat', 'dog'])
    expect(train.labels).toEqual([0, 0, 1])
    expect(broken).toEqual([])
  })

  test('other files are listed without an error', async () => {
    const others: Tree = {
      'notes.txt': 'BM',
      'labels.csv': 'a,b',
      'stray.png': true,
      'cat/notes.txt': 'cats',
      'cat/labels.csv': 'a,b',
      'cat/0.png.json': '{}',
      'cat/film.mp4': '\0\0\0\x18ftypmp42\0\0\0\0isom',
      'cat/deep/README': '',
    }
    const folder = folderOf({ ...two, ...others })
    const { train, broken } = await readImageFolder(folder, { size: 4 })
    expect(train.labels).toEqual([0, 0, 1])
    expect(broken.map(({ file }) => file).toSorted()).toEqual(
      Object.keys(others)
        .map((each) => join(folder, each))
        .toSorted(),
    )
    for (const { file, reason } of broken)
      expect(reason).toBe(basename(file) === 'stray.png' ? "in no class's folder" : 'not a picture')
  })

  test('a folder with only other files is not a class', async () => {
    await rejects(
      { ...two, 'bird/': '' },
      /the class 'bird' in .* is empty: add pictures or remove it/,
    )
    await rejects(
      { ...two, 'bird/notes.txt': '', 'bird/deep/a.csv': '' },
      /the class 'bird' in .* has no pictures \(2 skipped, such as .*notes\.txt: not a picture\): add pictures or remove it/,
    )
  })
})

describe('ten thousand pictures, some of them broken', () => {
  const broken = (count: number, extension: string): Tree =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`cat/b${i}${extension}`, 'no picture']),
    )
  const tree = {
    ...pictures('cat', 3),
    ...pictures('dog', 2),
    ...broken(7, '.jpg'),
    ...broken(2, '.heic'),
  }

  test('are listed together: the first ones, and counts by reason', async () => {
    const folder = folderOf(tree)
    const error = await readImageFolder(folder, { size: 4 }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BrokenPictures)
    const { message, broken: all, total } = error as BrokenPictures
    expect(all).toHaveLength(9)
    expect(total).toBe(14)
    const lines = message.split('\n')
    expect(lines[0]).toBe(
      "image-folder: 9 of 14 pictures can't be read: convert or remove them, or pass broken: 'skip'",
    )
    expect(lines).toHaveLength(7)
    expect(lines[1]).toBe(
      `  ${join(folder, 'cat/b0.heic')}: HEIC is not supported: convert it to JPEG or PNG`,
    )
    expect(lines[6]).toBe(
      'and 4 more; in all 7 × not a picture: unknown file format, 2 × HEIC is not supported: convert it to JPEG or PNG',
    )
  })

  test("with 'skip' are skipped, each with its reason", async () => {
    const { train, broken: left } = await readImageFolder(folderOf(tree), {
      size: 4,
      broken: 'skip',
    })
    expect(train.labels).toEqual([0, 0, 0, 1, 1])
    expect(left).toHaveLength(9)
    await expect(
      readImageFolder(folderOf({ ...pictures('cat', 1), 'dog/0.heic': 'x', 'dog/1.jpg': 'x' }), {
        size: 4,
        broken: 'skip',
      }),
    ).rejects.toThrow(
      /none of the 2 files of the class 'dog' in .* can be read \(HEIC is not supported.*\): replace them, or remove the class/,
    )
  })

  test('names with line breaks stay on one line', async () => {
    const folder = folderOf({ ...pictures('cat', 1), ...pictures('dog', 1), 'dog/a\nb.jpg': 'x' })
    await expect(readImageFolder(folder, { size: 4 })).rejects.toThrow(
      String.raw`a\nb.jpg" can't be read (not a picture`,
    )
  })

  test.runIf(process.platform === 'linux')('names that are not UTF-8, and sockets', async () => {
    const folder = folderOf({ ...pictures('cat', 1), ...pictures('dog', 1) })
    const latin = Buffer.concat([
      Buffer.from(`${folder}/cat/caf`),
      Buffer.from([0xe9]),
      Buffer.from('.png'),
    ])
    writeFileSync(latin, 'x')
    const socket = createServer().listen(join(folder, 'cat', 'socket.png'))
    await once(socket, 'listening')
    const { train, broken: left } = await readImageFolder(folder, { size: 4, broken: 'skip' })
    socket.close()
    expect(train.labels).toEqual([0, 1])
    expect(left.map(({ reason }) => reason)).toEqual(['its name is not valid UTF-8: rename it'])
  })

  // Root can read everything.
  test.skipIf(process.getuid?.() === 0)('missing permission is reported', async () => {
    const folder = folderOf({
      ...pictures('cat', 2),
      ...pictures('dog', 1),
      'cat/deep/1.png': true,
      'cat/secret': 'x',
    })
    for (const path of ['cat/0.png', 'cat/deep', 'cat/secret']) chmodSync(join(folder, path), 0)
    const { train, broken: left } = await readImageFolder(folder, { size: 4, broken: 'skip' })
    chmodSync(join(folder, 'cat/deep'), 0o700)
    expect(train.labels).toEqual([0, 1])
    expect(
      Object.fromEntries(left.map(({ file, reason }) => [file.slice(folder.length + 1), reason])),
    ).toEqual({
      'cat/0.png': 'permission denied',
      'cat/deep': "the folder can't be opened: permission denied",
      'cat/secret': 'permission denied',
    })
  })
})
