// tfjs-node's published files, without its install script and without what it depends on.
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parts, versions } from '../installation.ts'

const run = promisify(execFile)

const packages: readonly { readonly spec: string; readonly path: string }[] = [
  { spec: `@tensorflow/tfjs-node@${versions.tfjsNode}`, path: parts.tfjsNode },
  { spec: `google-protobuf@${versions.protobuf}`, path: parts.protobuf },
]

/** What answers tfjs-node's require of `@tensorflow/tfjs`, whose core is all that it uses here. */
const core = "module.exports = globalThis[Symbol.for('@tricks/native tfjs-core')]\n"

/**
 * Fetches tfjs-node by npm, so from the registry that npm is set up for, and checked by npm.
 *
 * @throws where npm is absent or reaches no registry
 */
export async function fetchTfjsNode(folder: string): Promise<void> {
  for (const { spec, path } of packages) {
    const target = join(folder, path)
    await mkdir(target, { recursive: true })
    const archive = join(folder, await pack(spec, folder))
    await run('tar', ['-xzf', archive, '-C', target, '--strip-components=1'])
    await rm(archive)
  }
  for (const path of [parts.tfjs, parts.tfjsCore]) {
    await mkdir(join(folder, path), { recursive: true })
    await writeFile(join(folder, path, 'index.js'), core)
  }
}

/** Gives the archive's name. */
async function pack(spec: string, folder: string): Promise<string> {
  const npm = ['pack', spec, '--ignore-scripts', '--json', '--pack-destination', folder]
  try {
    // npm's own errors are on stderr; a project's settings in the current folder count.
    const { stdout } = await run('npm', npm)
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    return filename.replace(/^@/, '').replaceAll('/', '-')
  } catch (error) {
    const { code, stderr } = error as { code?: string | number; stderr?: string }
    const reason =
      code === 'ENOENT' ? 'npm is not on the PATH' : (stderr || (error as Error).message).trim()
    throw new Error(
      `native: npm could not fetch ${spec}\n${reason.split('\n').slice(0, 5).join('\n')}`,
      {
        cause: error,
      },
    )
  }
}
