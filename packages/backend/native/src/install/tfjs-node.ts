// tfjs-node's published files, without its install script and dependencies.
import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parts, versions } from '../installation.ts'

const run = promisify(execFile)

/** Keyed by a part of the archive's name. */
const packages: Readonly<Record<string, { readonly spec: string; readonly path: string }>> = {
  'tfjs-node': { spec: `@tensorflow/tfjs-node@${versions.tfjsNode}`, path: parts.tfjsNode },
  protobuf: { spec: `google-protobuf@${versions.protobuf}`, path: parts.protobuf },
}

/** The module that satisfies tfjs-node's require of `@tensorflow/tfjs`, of which it only uses the core here. */
const core = "module.exports = globalThis[Symbol.for('@tricks/native tfjs-core')]\n"

/**
 * Fetches tfjs-node with npm, which uses its configured registry and verifies the package.
 *
 * @throws Error if npm is missing or can't reach its registry
 */
export async function fetchTfjsNode(folder: string): Promise<void> {
  const archives = join(folder, 'archives')
  await mkdir(archives)
  await pack(archives)
  for (const name of await readdir(archives)) {
    const [, { path }] = Object.entries(packages).find(([part]) => name.includes(part))!
    const target = join(folder, path)
    await mkdir(target, { recursive: true })
    await run('tar', ['-xzf', join(archives, name), '-C', target, '--strip-components=1'])
  }
  await rm(archives, { recursive: true })
  for (const path of [parts.tfjs, parts.tfjsCore]) {
    await mkdir(join(folder, path), { recursive: true })
    await writeFile(join(folder, path, 'index.js'), core)
  }
}

async function pack(destination: string): Promise<void> {
  const specs = Object.values(packages).map(({ spec }) => spec)
  try {
    const flags = ['--ignore-scripts', '--loglevel=error', '--pack-destination', destination]
    await run('npm', ['pack', ...specs, ...flags])
  } catch (error) {
    const { code, stderr } = error as { code?: string | number; stderr?: string }
    const output =
      code === 'ENOENT' ? 'npm is not on the PATH' : (stderr || (error as Error).message).trim()
    const first = output.split('\n').slice(0, 5).join('\n')
    throw new Error(`native: npm could not fetch ${specs.join(' and ')}\n${first}`, {
      cause: error,
    })
  }
}
