// The program in a separate process, as a user runs it.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { join } from 'node:path'

export interface Ended {
  /** Null if it was killed. */
  readonly code: number | null
  /** stdout and stderr together. */
  readonly output: string
  readonly stdout: string
}

/** The program's command line: this Node with the sources. */
export const program: readonly string[] = [
  '--conditions=@tricks/source',
  '--no-warnings',
  join(import.meta.dirname, '../src/cli.ts'),
]

/** Starts the program in a folder. */
export function startIn(
  cwd: string,
  args: readonly string[],
  options: SpawnOptions = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  // npm's message about its own command is not the program's.
  const { npm_command: _, ...env } = process.env
  const child = spawn(process.execPath, [...program, ...args], {
    // Ends the program if its test times out.
    timeout: 600_000,
    killSignal: 'SIGKILL',
    cwd,
    env,
    ...options,
  })
  let output = ''
  let stdout = ''
  child.stdout!.on('data', (text) => {
    output += text
    stdout += text
  })
  child.stderr!.on('data', (text) => (output += text))
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code) => resolve({ code, output, stdout })),
  )
  return { child, ended }
}

/** Waits for a condition that a running program will meet. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
