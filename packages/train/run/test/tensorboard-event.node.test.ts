import { encode } from 'fast-png'
import { PbfReader } from 'pbf'
import { expect, test } from 'vitest'
import { encodeEvent, histogramOf, stepOf } from '../src/tensorboard/event.ts'
import { crc32c, frame, recordsOf } from '../src/tensorboard/record.ts'

const bytesOf = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))

test.each([
  ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['nothing', new Uint8Array(), 0],
])('CRC-32C of %s, as in RFC 3720', (_, bytes, crc) => expect(crc32c(bytes)).toBe(crc))

// Written by EventFileWriter of tensorboard 2.21: its version, then 0.5 for training/loss at step 300.
const written = bytesOf(
  'SAAAAAAAAAD+kkidCff+P5thwdpBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2ZpbGVf' +
    'd3JpdGVyXIpZeCQAAAAAAAAAQiuATQkAABDAC1rWQRCsAioWChQKDXRyYWluaW5nL2xvc3MVAAAAP0WWdgM=',
)

test("a scalar is byte-identical to TensorBoard's own writer's", () => {
  const content = { kind: 'scalar', tag: 'training/loss', value: 0.5 } as const
  const record = frame(encodeEvent({ wallTime: 1_500_000_000.25, step: 300, content }))
  expect([...record]).toEqual([...written.subarray(88)])
})

test("a histogram is byte-identical to tensorboard's Python serialisation", () => {
  const histogram = {
    min: -1,
    max: 1,
    count: 3,
    sum: 0.5,
    sumOfSquares: 2.25,
    limits: [0, 1],
    counts: [1, 2],
  }
  const content = { kind: 'histogram', tag: 'h', histogram } as const
  expect([...encodeEvent({ wallTime: 1.5, step: 7, content })]).toEqual([
    ...bytesOf(
      'CQAAAAAAAPg/EAcqWApWCgFoKlEJAAAAAAAA8L8RAAAAAAAA8D8ZAAAAAAAACEAhAAAAAAAA4D8pAAAAAAAAAkAyEAAAAAAAAAAA' +
        'AAAAAAAA8D86EAAAAAAAAPA/AAAAAAAAAEA=',
    ),
  ])
})

test('records are read back, up to where the file was truncated', () => {
  const records = [...recordsOf(written)]
  expect(records.map(({ from, to }) => [from, to])).toEqual([
    [0, 88],
    [88, 140],
  ])
  expect(records.map(({ data }) => stepOf(data))).toEqual([0, 300])
  for (const length of [0, 5, 11, 12, 87])
    expect([...recordsOf(written.subarray(0, length))]).toEqual([])
  for (const length of [88, 99, 139])
    expect([...recordsOf(written.subarray(0, length))]).toHaveLength(1)
})

test.each([0, 8, 20, 84, 100, 139])('detects a wrong byte at %d', (offset) => {
  const damaged = written.slice()
  damaged[offset]! ^= 1
  expect(() => [...recordsOf(damaged)]).toThrow(
    `tensorboard: the record at byte ${offset < 88 ? 0 : 88} is damaged: its checksum is wrong`,
  )
})

test('encodes large steps', () => {
  const content = { kind: 'version' } as const
  for (const step of [0, 1, 2 ** 31, 2 ** 40])
    expect(stepOf(encodeEvent({ wallTime: 1, step, content }))).toBe(step)
})

test('an image contains its size and colour type', () => {
  const picture = (channels: 1 | 3 | 4): number[] => {
    const png = encode({ width: 5, height: 3, channels, data: new Uint8Array(15 * channels) })
    const event = encodeEvent({ wallTime: 1, step: 1, content: { kind: 'image', tag: 't', png } })
    const message = (bytes: Uint8Array, field: number): Uint8Array =>
      new PbfReader(bytes).readFields<{ bytes: Uint8Array }>(
        (tag, found, reader) => {
          if (tag === field) found.bytes = reader.readBytes()
        },
        { bytes: new Uint8Array() },
      ).bytes
    const image = message(message(message(event, 5), 1), 4)
    expect([...message(image, 4)]).toEqual([...png])
    return new PbfReader(image).readFields<number[]>((tag, found, reader) => {
      if (tag < 4) found[tag - 1] = reader.readVarint()
    }, [])
  }
  expect(picture(1)).toEqual([3, 5, 1])
  expect(picture(3)).toEqual([3, 5, 3])
  expect(picture(4)).toEqual([3, 5, 4])
})

test.each([
  [[0, 1, 2, 3, 4], 4, [1, 2, 3, 4], [1, 1, 1, 2]],
  [[-1, 1], 2, [0, 1], [1, 1]],
  [[2, 2, 2], 30, [2], [3]],
  [[Number.NaN, 1, Infinity, 3], 2, [2, 3], [1, 1]],
  [[], 30, [0], [0]],
])('%o in %d buckets', (values, buckets, limits, counts) => {
  const own = histogramOf(values, buckets)
  const finite = values.filter(Number.isFinite)
  expect(own).toMatchObject({ limits, counts, count: finite.length })
  expect(own.sum).toBe(finite.reduce((sum, value) => sum + value, 0))
  expect(own.sumOfSquares).toBe(finite.reduce((sum, value) => sum + value * value, 0))
})
