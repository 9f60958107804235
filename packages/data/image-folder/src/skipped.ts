/** A skipped file or folder, with the reason. */
export interface Skipped {
  readonly file: string
  readonly reason: string
}

/** Pictures that can't be read. `broken` has all of them, the message only the first ones. */
export class BrokenPictures extends Error {
  override readonly name = 'BrokenPictures'
  readonly broken: readonly Skipped[]
  /** The total number of pictures, including these. */
  readonly total: number

  /** @param skip how to skip them, in the interface that the user sees */
  constructor(broken: readonly Skipped[], total: number, skip = "broken: 'skip'") {
    const [{ file, reason }] = broken as [Skipped]
    super(
      broken.length === 1
        ? `image-folder: ${nameOf(file)} can't be read (${reason}): remove it, or pass ${skip}`
        : `image-folder: ${broken.length} of ${total} pictures can't be read: convert or remove them, or pass ${skip}\n` +
            linesOf(broken, '  ').join('\n'),
    )
    this.broken = broken
    this.total = total
  }
}

/**
 * Describes skipped files in lines: the first ones by name, then counts by reason.
 *
 * @param before text before each name
 * @param first number of names, default 5
 * @example
 * const { broken } = await readImageFolder('pictures', { size: 64, broken: 'skip' })
 * for (const line of linesOf(broken, 'skipped ')) console.log(line)
 */
export function linesOf(leftOut: readonly Skipped[], before = '', first = 5): string[] {
  const lines = leftOut
    .slice(0, first)
    .map(({ file, reason }) => `${before}${nameOf(file)}: ${reason}`)
  if (leftOut.length <= first) return lines
  const counts = new Map<string, number>()
  for (const { reason } of leftOut) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const most = [...counts].toSorted(([, a], [, b]) => b - a)
  const reasons = most.slice(0, first).map(([reason, count]) => `${count} × ${reason}`)
  if (most.length > first) reasons.push(`${most.length - first} other reasons`)
  return [...lines, `and ${leftOut.length - first} more; in all ${reasons.join(', ')}`]
}

/** A file name that is safe in a line and in a list. */
export const nameOf = (name: string): string =>
  /[\p{C}"]|^\s|\s$/u.test(name) ? JSON.stringify(name) : name

/** A readable list of names: the first ones, and the number of others. */
export function listOf(names: readonly string[], most = 20): string {
  const list = names
    .slice(0, most)
    .map((name) => (name.includes(',') ? JSON.stringify(name) : nameOf(name)))
  if (names.length > most) list.push(`… ${names.length - most} more`)
  return list.join(', ')
}

/** An error as one line, without paths, function names, and repetitions by the decoder. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  // For example 'EACCES: permission denied, open …'.
  if (code !== undefined) return /^[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? message
  const line = message.split('\n').find((each) => each.trim() && !each.includes('bad seek'))
  if (line === undefined) return 'it is truncated'
  if (line.includes('exceeds pixel limit'))
    return 'it has more than 268 million pixels: scale it down'
  if (line.includes('unsupported image format')) return 'it is damaged'
  const where =
    /^(?:input buffer has corrupt header: )?(?:\w*(?:vips|png|jpeg|_buffer|webp|heif|glib): )?/i
  return line.replace(where, '').trim()
}
