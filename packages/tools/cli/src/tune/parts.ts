import { type Configuration, configure } from '@tricks/tune'
import { type Searched, startOf } from './space.ts'

/** A configuration without one of its parts. */
export interface Without {
  readonly name: string
  readonly configuration: Configuration
}

/** The value of a switch that turns its trick off. */
const off = (value: unknown): boolean | 'none' => (typeof value === 'boolean' ? false : 'none')

/**
 * A configuration without each of its parts in turn: each trick is removed, each trick of the recipe that it dropped is
 * restored, and so are the recipe's optimizer and batch size.
 */
export function partsOf(searched: Searched, winner: Configuration): Without[] {
  const { space, start } = searched
  const base = startOf(searched)
  const change = (changes: Configuration): Configuration =>
    configure(space, (name) => changes[name] ?? winner[name] ?? start[name]!)
  const own = ['batchSize', 'optimizer']
  const parts: Without[] = []
  for (const name of Object.keys(space).filter(
    (each) => !each.includes('.') && !own.includes(each),
  )) {
    const [now, before] = [winner[name], base[name]]
    if (now === undefined) continue
    const nothing = off(now)
    const label = typeof now === 'string' && now !== 'none' ? now : name
    // The rest is tuned for the schedule, so it is replaced by the recipe's instead of removed.
    const instead = name === 'schedule' && before !== now ? before! : nothing
    if (now !== nothing) parts.push({ name: label, configuration: change({ [name]: instead }) })
    else if (before !== undefined && before !== nothing)
      parts.push({
        name: `no ${typeof before === 'string' ? before : name}`,
        configuration: change({ [name]: before }),
      })
  }
  if (winner['batchSize'] !== base['batchSize'])
    parts.push({
      name: `batches of ${winner['batchSize']}`,
      configuration: change({ batchSize: base['batchSize']! }),
    })
  const options = Object.entries(base).filter(([name]) => name.startsWith(`${base['optimizer']}.`))
  const isSame =
    winner['optimizer'] === base['optimizer'] &&
    options.every(([name, value]) => winner[name] === value)
  if (base['optimizer'] !== undefined && !isSame)
    parts.push({
      name: `${winner['optimizer']}'s options`,
      configuration: change({ optimizer: base['optimizer'], ...Object.fromEntries(options) }),
    })
  return parts
}
