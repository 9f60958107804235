// The part of Python's pickle format that files of tensors use. Nothing is executed: a pickle names functions, and the
// reader accepts a few of these names. See https://github.com/python/cpython/blob/main/Lib/pickletools.py
import type { Cursor } from './cursor.ts'

/** The names and references that a pickle may use. */
export interface Vocabulary {
  /** By `module.name`: a function that computes the result of calling it, or undefined if it may only be mentioned. */
  readonly globals: ReadonlyMap<string, ((args: readonly unknown[]) => unknown) | undefined>
  /** Resolves a reference to something stored outside the pickle. */
  persistent(id: unknown): unknown
}

/** Something that a pickle names, `module.name`. */
export class Global {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export type Dictionary = Map<string | number, unknown>

/** Each operation allocates little, so this limits memory. A ResNet-152 takes 50,000. */
const mostOperations = 2_000_000

/**
 * Reads one pickle of protocol 2 to 5 to its end. Dictionaries become maps; tuples and lists become arrays.
 *
 * @throws Error for a damaged pickle, and for any name outside the vocabulary
 */
export function unpickle(cursor: Cursor, { globals, persistent }: Vocabulary): unknown {
  const stack: unknown[] = []
  const marks: number[] = []
  const memo = new Map<number, unknown>()

  const pop = (): unknown => {
    if (stack.length <= (marks.at(-1) ?? 0)) throw new Error('its stack is empty')
    return stack.pop()
  }
  const top = (): unknown => {
    const value = pop()
    stack.push(value)
    return value
  }
  const popMark = (): unknown[] => {
    const mark = marks.pop()
    if (mark === undefined) throw new Error('a mark is missing')
    return stack.splice(mark)
  }
  const several = (count: number): unknown[] => Array.from({ length: count }, pop).toReversed()
  const recall = (index: number): void => {
    if (!memo.has(index)) throw new Error(`it reads memo ${index}, which it never wrote`)
    stack.push(memo.get(index))
  }
  const named = (name: string): Global => {
    if (!globals.has(name)) throw new Error(refusal(name))
    return new Global(name)
  }
  const call = (): unknown => {
    const [callee, args] = several(2)
    if (!(callee instanceof Global) || !Array.isArray(args))
      throw new Error('it calls something that is not a function')
    const make = globals.get(callee.name)
    if (!make) throw new Error(refusal(callee.name))
    return make(args)
  }
  const setItems = (items: readonly unknown[]): void => {
    const target = top()
    if (!(target instanceof Map))
      throw new Error('it sets an item of something that is not a dictionary')
    for (let i = 0; i < items.length; i += 2)
      (target as Dictionary).set(keyOf(items[i]), items[i + 1])
  }
  const append = (items: readonly unknown[]): void => {
    const target = top()
    if (!Array.isArray(target)) throw new Error('it appends to something that is not a list')
    for (const item of items) target.push(item)
  }

  for (let operations = 0; operations < mostOperations; operations++) {
    const code = cursor.uint8()
    switch (code) {
      case 0x80: // PROTO
        if (cursor.uint8() > 5) throw new Error('its pickle protocol is newer than 5')
        break
      case 0x95: // FRAME: a length, for reading ahead
        cursor.take(8)
        break
      case 0x2e: // STOP
        return pop()
      case 0x28: // MARK
        marks.push(stack.length)
        break
      case 0x4e: // NONE
        stack.push(null)
        break
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        stack.push(code === 0x88)
        break
      case 0x4b: // BININT1
        stack.push(cursor.uint8())
        break
      case 0x4d: // BININT2
        stack.push(cursor.uint16())
        break
      case 0x4a: // BININT
        stack.push(cursor.int32())
        break
      case 0x8a: // LONG1
        stack.push(integerOf(cursor.take(cursor.uint8())))
        break
      case 0x47: // BINFLOAT
        stack.push(cursor.float64())
        break
      case 0x58: // BINUNICODE
        stack.push(cursor.text(cursor.uint32()))
        break
      case 0x8c: // SHORT_BINUNICODE
        stack.push(cursor.text(cursor.uint8()))
        break
      case 0x55: // SHORT_BINSTRING, Python 2's
        stack.push(cursor.text(cursor.uint8(), 'latin1'))
        break
      case 0x7d: // EMPTY_DICT
        stack.push(new Map())
        break
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([])
        break
      case 0x6c: // LIST
      case 0x74: // TUPLE
        stack.push(popMark())
        break
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(several(code - 0x84))
        break
      case 0x61: // APPEND
        append([pop()])
        break
      case 0x65: // APPENDS
        append(popMark())
        break
      case 0x73: // SETITEM
        setItems(several(2))
        break
      case 0x75: // SETITEMS
        setItems(popMark())
        break
      case 0x71: // BINPUT
        memo.set(cursor.uint8(), top())
        break
      case 0x72: // LONG_BINPUT
        memo.set(cursor.uint32(), top())
        break
      case 0x94: // MEMOIZE
        memo.set(memo.size, top())
        break
      case 0x68: // BINGET
        recall(cursor.uint8())
        break
      case 0x6a: // LONG_BINGET
        recall(cursor.uint32())
        break
      case 0x63: // GLOBAL
        stack.push(named(`${cursor.line()}.${cursor.line()}`))
        break
      case 0x69: // INST: a name and a call in one
        throw new Error(refusal(`${cursor.line()}.${cursor.line()}`))
      case 0x93: // STACK_GLOBAL
        stack.push(named(several(2).map(String).join('.')))
        break
      case 0x51: // BINPERSID
        stack.push(persistent(pop()))
        break
      case 0x52: // REDUCE
        stack.push(call())
        break
      case 0x62: // BUILD: attributes, of which a dictionary's are not needed
        pop()
        if (!(top() instanceof Map))
          throw new Error('it sets attributes of something that is not a dictionary')
        break
      default:
        throw new Error(`operation 0x${code.toString(16)} is not used for storing tensors`)
    }
  }
  throw new Error(`its pickle has more than ${mostOperations} operations`)
}

const refusal = (name: string): string =>
  `it names ${JSON.stringify(name).slice(1, -1).slice(0, 100)}, which is neither a tensor nor a collection, and is not ` +
  'run. Save the weights alone: torch.save(model.state_dict(), file)'

function keyOf(key: unknown): string | number {
  if (typeof key === 'string' || typeof key === 'number') return key
  throw new Error('a key of a dictionary is neither text nor a number')
}

/** Two's complement, the lowest byte first. */
function integerOf(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0
  const digits = [...bytes].toReversed().map((byte) => byte.toString(16).padStart(2, '0'))
  const value = BigInt.asIntN(8 * bytes.length, BigInt(`0x${digits.join('')}`))
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
