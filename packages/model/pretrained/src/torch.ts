import { type FileTensor, type NumberType, numberTypes, valuesOf } from '@tricks/safetensors'
import { Cursor } from './cursor.ts'
import { damaged, type Tensors } from './file.ts'
import { type Dictionary, Global, unpickle, type Vocabulary } from './pickle.ts'
import { tensorsIn } from './state-dict.ts'
import { gather, Storage, Stored } from './strided.ts'
import { storedFiles } from './zip.ts'

/**
 * Reads the tensors of a file written by `torch.save`, in its zip format (since 1.6) or the older one: float32,
 * float16, bfloat16 and float64 as float32, integers as int32 or uint8, bool. In a checkpoint, it reads those under
 * `state_dict`, `model_state_dict` or `model`. Nothing in the file is executed: anything besides tensors, ordered
 * dictionaries, numbers and text is an error that names it. Memory is limited to a few times the file's size, and
 * checked before allocation.
 *
 * @param bytes of the whole file
 * @returns by name; shapes are torch's, `[out, in, height, width]` of a convolution's weight
 * @throws Error for a file of another kind, a damaged one, and for anything else in it
 * @example
 * const tensors = readTorchFile(readFileSync('weights.pt'))
 * for (const [name, { dtype, shape, values }] of Object.entries(tensors)) console.log(name, dtype, shape, values.length)
 */
export function readTorchFile(bytes: Uint8Array): Tensors {
  return damaged('a PyTorch file', () => {
    const isZip = bytes.length > 4 && new Cursor(bytes).uint32() === 0x04034b50
    const { root, storages } = isZip ? readZip(bytes) : readLegacy(bytes)
    return materialized(tensorsIn(root), storages, bytes.length)
  })
}

interface Contents {
  readonly root: unknown
  /** The bytes of each storage. */
  readonly storages: ReadonlyMap<string, Uint8Array>
}

const storageTypes: Readonly<Record<string, NumberType>> = {
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.DoubleStorage': 'F64',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
}

const globals: Vocabulary['globals'] = new Map<
  string,
  ((args: readonly unknown[]) => unknown) | undefined
>([
  ...Object.keys(storageTypes).map((name) => [name, undefined] as const),
  ['collections.OrderedDict', orderedDictionary],
  ['torch._utils._rebuild_tensor_v2', (args) => new Stored(args)],
  ['torch._utils._rebuild_parameter', ([data]) => data],
])

/** Without arguments, or with pairs, as in Python 2. */
function orderedDictionary([pairs = []]: readonly unknown[]): Dictionary {
  const isPair = (pair: unknown): pair is [string, unknown] =>
    Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string'
  if (!Array.isArray(pairs) || !pairs.every(isPair))
    throw new Error('a dictionary is not made of pairs')
  return new Map(pairs)
}

/** Records the storages that the pickle refers to. */
function vocabulary(seen: Map<string, Storage>): Vocabulary {
  const persistent = (id: unknown): Storage => {
    const [kind, type, key, , count, view = null] = Array.isArray(id) ? (id as unknown[]) : []
    const isStorage = kind === 'storage' && type instanceof Global && view === null
    const number = isStorage ? storageTypes[type.name] : undefined
    if (!number || typeof key !== 'string' || !isCount(count))
      throw new Error('it refers to something that is not a storage of numbers')
    const storage = new Storage(number, key, count)
    const known = seen.get(key)
    if (known && (known.type !== number || known.count !== count))
      throw new Error(`storage ${key} has two types or sizes`)
    seen.set(key, known ?? storage)
    return known ?? storage
  }
  return { globals, persistent }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** `NAME/data.pkl`, and each storage as `NAME/data/KEY`. */
function readZip(bytes: Uint8Array): Contents {
  const files = storedFiles(bytes)
  const pickle = [...files.keys()].find((name) => /^[^/]*\/data\.pkl$/.test(name))
  if (pickle === undefined) throw new Error('it has no data.pkl, so torch.save did not write it')
  const folder = pickle.slice(0, -'data.pkl'.length)
  const order = files.get(`${folder}byteorder`)
  if (order && new TextDecoder().decode(order) !== 'little') throw new Error(bigEndian)
  const seen = new Map<string, Storage>()
  const root = unpickle(new Cursor(files.get(pickle)!), vocabulary(seen))
  const storages = [...seen.values()].map(({ key, type, count }) => {
    const content = files.get(`${folder}data/${key}`)
    const size = count * numberTypes[type].size
    if (!content || content.length < size)
      throw new Error(`storage ${key} has ${content?.length ?? 'no'} bytes, expected ${size}`)
    return [key, content.subarray(0, size)] as const
  })
  return { root, storages: new Map(storages) }
}

const bigEndian = 'it was written on a big-endian machine'
const magic = 0x1950a86a20f9469cfc6cn

/** Five pickles: magic number, protocol, system, the object, the storages' keys; then the storages in that order. */
function readLegacy(bytes: Uint8Array): Contents {
  const cursor = new Cursor(bytes)
  const seen = new Map<string, Storage>()
  const next = (): unknown => unpickle(cursor, vocabulary(seen))
  if (next() !== magic) throw new Error('it does not start as torch.save files do')
  if (next() !== 1001) throw new Error('its protocol is not 1001')
  const system = next()
  if (system instanceof Map && system.get('little_endian') === false) throw new Error(bigEndian)
  const root = next()
  const keys = next()
  const storages = new Map<string, Uint8Array>()
  for (const key of Array.isArray(keys) ? (keys as unknown[]) : []) {
    const storage = seen.get(String(key))
    const count = cursor.count64()
    if (!storage || storages.has(storage.key) || count !== storage.count)
      throw new Error(`no tensor refers to its storage ${String(key)}`)
    storages.set(storage.key, cursor.take(count * numberTypes[storage.type].size))
  }
  if (!cursor.ended) throw new Error('it has extra bytes after the last storage')
  return { root, storages }
}

/** Tensors may share storages, but a small file must not fill the memory. */
const mostTimes = 4

function materialized(
  stored: ReadonlyMap<string, Stored>,
  storages: ReadonlyMap<string, Uint8Array>,
  fileSize: number,
): Tensors {
  const total = [...stored.values()].reduce((sum, { size }) => sum + 4 * size, 0)
  if (total > mostTimes * fileSize + 2 ** 20)
    throw new Error(`its tensors would take ${total} bytes, but the file has only ${fileSize}`)
  const read = new Map<string, FileTensor['values']>()
  const tensors = [...stored].map(([name, tensor]) => {
    const { type, key } = tensor.storage
    const bytes = storages.get(key)
    if (!bytes) throw new Error(`${name} is in storage ${key}, which is missing`)
    const values = read.get(key) ?? valuesOf(type, bytes)
    read.set(key, values)
    const { dtype } = numberTypes[type]
    return [name, { dtype, shape: tensor.shape, values: gather(values, tensor) }] as const
  })
  return Object.fromEntries(tensors)
}
