/** A file or folder that isn't used, and why. */
export interface Skipped {
  readonly file: string
  readonly reason: string
}

/** Pictures that can't be read: all of them, as the error's message lists the first ones alone. */
export class BrokenPictures extends Error {
  override readonly name = 'BrokenPictures'
  readonly broken: readonly Skipped[]
  /** How many pictures there are, these included. */
  readonly total: number

  /** @param skip what one passes to leave them out, by the interface that one uses */
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
 * What was left out, in lines: the first ones by name, then how many there are for each reason.
 *
 * @param before stands before each name
 * @param first how many are named, default 5
 * @example
 * const { broken } = await readImageFolder('pictures', { size: 64, broken: 'skip' })
 * for (const line of linesOf(broken, 'left out ')) console.log(line)
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

/** A name as it can stand in a line and in a list. */
export const nameOf = (name: string): string =>
  /[\p{C}"]|^\s|\s$/u.test(name) ? JSON.stringify(name) : name

/** Names in a list that stays readable: the first ones, and how many there are more. */
export function listOf(names: readonly string[], most = 20): string {
  const list = names
    .slice(0, most)
    .map((name) => (name.includes(',') ? JSON.stringify(name) : nameOf(name)))
  if (names.length > most) list.push(`… ${names.length - most} more`)
  return list.join(', ')
}

/** An error in a line, without paths, the names of functions, and what a decoder repeats. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  // As in 'EACCES: permission denied, open …'.
  if (code !== undefined) return /^[A-Z]+: ([^,]+)/.exec(message)?.[1] ?? message
  const line = message.split('\n').find((each) => each.trim() && !each.includes('bad seek'))
  if (line === undefined) return 'it ends early'
  if (line.includes('exceeds pixel limit'))
    return 'it has more than 268 million pixels: scale it down'
  if (line.includes('unsupported image format')) return 'it is damaged'
  const where =
    /^(?:input buffer has corrupt header: )?(?:\w*(?:vips|png|jpeg|_buffer|webp|heif|glib): )?/i
  return line.replace(where, '').trim()
}
