import { parseRun, type RunRecord } from './record.ts'

/**
 * Reads a run's folder in Node, whatever state it is in: `run.json`, `metrics.jsonl`, and where they are there
 * `test.safetensors` and `batch.safetensors`.
 *
 * @param options.alive whether the run has a process, where its run.json says that it is running
 * @throws Error where the folder holds neither run.json nor metrics.jsonl
 * @example
 * const page = reportPage(await readRunFolder('runs/1'))
 */
export async function readRunFolder(
  path: string,
  { alive }: { readonly alive?: boolean } = {},
): Promise<RunRecord> {
  // Asked for here, so that the rest can be used in a page.
  const { existsSync, readFileSync } = await import('node:fs')
  const { basename, join, resolve } = await import('node:path')
  const bytes = (name: string): Uint8Array | undefined => {
    const file = join(path, name)
    return existsSync(file) ? readFileSync(file) : undefined
  }
  const [run, metrics] = ['run.json', 'metrics.jsonl'].map((name) => {
    const content = bytes(name)
    return content && new TextDecoder().decode(content)
  })
  if (run === undefined && metrics === undefined)
    throw new Error(`report: ${path} holds no run: it has neither run.json nor metrics.jsonl`)
  return parseRun({
    name: basename(resolve(path)),
    alive,
    run,
    metrics,
    test: bytes('test.safetensors'),
    batch: bytes('batch.safetensors'),
  })
}
