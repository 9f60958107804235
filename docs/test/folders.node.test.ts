import { expect, test } from 'vitest'
import { collect, withPictures } from '../training/folders.ts'

const files = (...paths: string[]) =>
  paths.map((path) => ({ path, file: new File(['x'], path.split('/').at(-1)!) }))
const twoEach = (...folders: string[]) =>
  files(...folders.flatMap((folder) => [`${folder}/1.jpg`, `${folder}/2.JPEG`]))

test('labels pictures by the folder that contains them, in order of the names', () => {
  const { classes, train, test: held } = collect(twoEach('pets/dogs', 'pets/cats'))
  expect(classes).toEqual(['cats', 'dogs'])
  expect(train.labels).toEqual([1, 1, 0, 0])
  expect(held).toBeUndefined()
})

test.each([
  ['train', 'test'],
  ['Training', 'Testing'],
  ['TRAIN', 'TEST'],
])('%s and %s are sets, not classes', (first, second) => {
  const {
    classes,
    train,
    test: held,
  } = collect(twoEach(`p/${first}/a`, `p/${first}/b`, `p/${second}/a`, `p/${second}/b`))
  expect(classes).toEqual(['a', 'b'])
  expect(train.files).toHaveLength(4)
  expect(held!.labels).toEqual([0, 0, 1, 1])
})

test('a validation folder is trained on, as the page holds out its own', () => {
  const found = twoEach('p/train/a', 'p/train/b', 'p/Validation/a', 'p/val/b')
  expect(collect(found).train.files).toHaveLength(8)
})

test('files that are not pictures of a class are ignored', () => {
  const others = files(
    'p/notes.txt',
    'p/a/Thumbs.db',
    'p/a/.DS_Store',
    '__MACOSX/p/a/._1.jpg',
    'loose.jpg',
  )
  expect(collect([...twoEach('p/a', 'p/b'), ...others]).train.files).toHaveLength(4)
})

test('names are the same class in any Unicode form', () => {
  expect(collect(twoEach('p/caf\u00e9', 'p/cafe\u0301', 'p/bar')).classes).toEqual([
    'bar',
    'caf\u00e9',
  ])
})

test.each([
  ['nothing', [], /at least two folders.*no JPEG/s],
  ['one class', twoEach('p/cats'), /Found only the folder “cats”/],
  ['only sets', twoEach('p/train', 'p/test'), /“test”, “train”/],
  ['a class with one picture', [...twoEach('p/a', 'p/b'), ...files('p/c/1.png')], /Too few: c/],
  ['a class that is only tested', twoEach('p/train/a', 'p/train/b', 'p/test/c'), /Too few: c/],
])('rejects %s, with a remedy', (_, found, message) => {
  expect(() => collect(found)).toThrow(message)
})

test('pictures are added to a class, new or not', () => {
  const picture = new File(['x'], 'camera.jpg')
  const found = withPictures(twoEach('a', 'b'), 'c', [picture, picture])
  expect(collect(found).classes).toEqual(['a', 'b', 'c'])
  expect(collect(withPictures(found, 'a', [picture])).train.files).toHaveLength(7)
})
