import { existsSync, readFileSync } from 'node:fs'

/** The processor's flags as reported by Linux; empty elsewhere. */
export function processorFlags(): string[] {
  const file = '/proc/cpuinfo'
  if (!existsSync(file)) return []
  return /^flags\s*:(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.trim().split(' ') ?? []
}
