// Repairs the published package, installed without its install script, and trains with it in another process.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { cp, link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cacheFolder, folderOf, readInstallation } from '../src/installation.ts'

const run = promisify(execFile)
const cli = join(import.meta.dirname, '../src/cli.ts')
const published = dirname(
  createRequire(import.meta.url).resolve('tfjs-node-to-repair/package.json'),
)
const name = '@tensorflow/tfjs-node-gpu'
const installation = readInstallation(folderOf('cpu'))

let project: string
let folder: string
let environment: NodeJS.ProcessEnv

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'repair-'))
  folder = join(project, 'node_modules', name)
  environment = { ...process.env }
  await cp(published, folder, {
    recursive: true,
    filter: (from) => basename(from) !== 'node_modules',
  })
  // Its dependencies, as pnpm has installed them beside it.
  const beside = dirname(dirname(published))
  for (const entry of readdirSync(beside).filter((each) => each !== '@tensorflow'))
    await symlink(join(beside, entry), join(project, 'node_modules', entry))
  // It also requires the core, which it does not declare: npm installs it at the same level.
  const tfjs = dirname(await realpath(join(beside, '@tensorflow/tfjs')))
  for (const entry of ['tfjs', 'tfjs-core'])
    await symlink(join(tfjs, entry), join(project, 'node_modules/@tensorflow', entry))
})
afterEach(() => rm(project, { recursive: true, force: true }))

async function repair(...flags: string[]): Promise<{ output: string; errors: string }> {
  const args = ['--conditions=@tricks/source', cli, 'repair', ...flags]
  return run(process.execPath, args, { cwd: project, env: environment }).then(
    ({ stdout, stderr }) => ({ output: stdout, errors: stderr }),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({
      output: stdout,
      errors: stderr,
    }),
  )
}

const contents = () => readdirSync(folder).toSorted()
const untouched = readdirSync(published)
  .filter((each) => each !== 'node_modules')
  .toSorted()

/** Learns to tell bright from dark images, through convolution, batch norm and pooling, and prints the losses. */
const program = `
import * as tf from "${name}"
const labels = Array.from({ length: 64 }, (_, i) => i % 2)
const images = tf.tensor(labels.flatMap((label, i) =>
  Array.from({ length: 64 }, (_, pixel) => label / 2 + ((i * 64 + pixel) % 7) / 14)), [64, 8, 8, 1])
const model = tf.sequential({ layers: [
  tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 8, kernelSize: 3, activation: 'relu',
    kernelInitializer: tf.initializers.glorotNormal({ seed: 1 }) }),
  tf.layers.batchNormalization(),
  tf.layers.maxPooling2d({ poolSize: 2 }),
  tf.layers.flatten(),
  tf.layers.dense({ units: 2, activation: 'softmax',
    kernelInitializer: tf.initializers.glorotNormal({ seed: 2 }) }),
] })
model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' })
const { history } = await model.fit(images, tf.oneHot(tf.tensor1d(labels, 'int32'), 2),
  { epochs: 8, batchSize: 16, shuffle: false, verbose: 0 })
console.log(JSON.stringify({ backend: tf.getBackend(), losses: history.loss }))
`

async function train(): Promise<{ backend: string; losses: number[] }> {
  const file = join(project, 'train.mjs')
  await writeFile(file, program)
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: project })
  expect(stderr).toBe('')
  return JSON.parse(stdout) as { backend: string; losses: number[] }
}

describe.skipIf(!installation)('repair', () => {
  test('lets an unmodified program train, and --undo leaves the package as installed', async () => {
    await expect(train()).rejects.toThrow(/native addon module/)
    const { output, errors } = await repair()
    expect({ output, errors }).toEqual({
      output: `${name} is repaired, computes on the CPU: ${folder}\n`,
      errors: '',
    })
    expect(contents()).toEqual([...untouched, 'lib'].toSorted())
    const { backend, losses } = await train()
    expect(backend).toBe('tensorflow')
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 4)
    expect((await repair()).output).toMatch(/is already repaired, computes on the CPU/)
    expect((await repair('--undo')).output).toMatch(/The repair of .* is undone/)
    expect(contents()).toEqual(untouched)
    expect((await repair('--undo')).errors).toMatch(/expected \S+ to be repaired, but it is not/)
  })

  test("keeps the package's own addon for --undo, and deletes what an interrupted repair left", async () => {
    const own = join(folder, 'lib/napi-v8/tfjs_binding.node')
    await mkdir(dirname(own), { recursive: true })
    await writeFile(own, 'an addon for an older Node')
    await mkdir(join(folder, 'x.tricks-native.tmp'))
    await repair('--no-check')
    expect(contents()).toEqual([...untouched, 'lib', 'lib.original'].toSorted())
    await repair('--undo')
    expect(contents()).toEqual([...untouched, 'lib'].toSorted())
    expect(readFileSync(own, 'utf8')).toBe('an addon for an older Node')
  })

  test('is undone if the package does not compute afterwards', async () => {
    await rm(join(folder, 'dist/nodejs_kernel_backend.js'))
    const { errors } = await repair()
    expect(errors).toMatch(/does not work after the repair, which is undone: Error: Cannot find/)
    expect(errors).not.toMatch(/^\s+at /m)
    expect(contents()).toEqual(untouched)
  })

  test('uses the CUDA libraries if there is a GPU, and replaces an earlier repair', async () => {
    environment['TRICKS_NATIVE_CACHE'] = join(project, 'cache')
    for (const variant of ['cpu', 'cuda'] as const) {
      const copy = folderOf(variant).replace(cacheFolder(), environment['TRICKS_NATIVE_CACHE'])
      await mkdir(join(copy, 'nvidia/cudnn/lib'), { recursive: true })
      await writeFile(join(copy, 'nvidia/cudnn/lib/libcudnn.so'), 'cuDNN')
      for (const part of readdirSync(installation!.folder, {
        recursive: true,
        withFileTypes: true,
      }))
        if (part.isFile() && part.name !== 'install.json') {
          const from = join(part.parentPath, part.name)
          const to = from.replace(installation!.folder, copy)
          await mkdir(dirname(to), { recursive: true })
          await link(from, to)
        }
      await writeFile(join(copy, 'install.json'), JSON.stringify({ ...installation, variant }))
      if (variant === 'cpu') await repair('--no-check')
    }
    const cudnn = join(folder, 'lib/napi-v8/tfjs_binding.node/nvidia/cudnn/lib/libcudnn.so')
    expect(existsSync(cudnn)).toBe(false)
    await writeFile(
      join(project, 'nvidia-smi'),
      '#!/bin/sh\necho NVIDIA L4, 550.54, 23034 MiB, 8.9',
      {
        mode: 0o755,
      },
    )
    environment['PATH'] = `${project}${delimiter}${environment['PATH']}`
    expect(await repair('--no-check')).toMatchObject({ errors: '' })
    expect(readFileSync(cudnn, 'utf8')).toBe('cuDNN')
    expect(contents()).toEqual([...untouched, 'lib'].toSorted())
  })

  test('names a folder that is not writable, before anything is changed', async (context) => {
    const { error, status } = spawnSync('mount', ['--bind', folder, folder])
    context.skip(error !== undefined || status !== 0, 'mounting needs root')
    try {
      spawnSync('mount', ['-o', 'remount,ro,bind', folder])
      expect((await repair()).errors).toMatch(
        /^native: \S+: it is on a read-only file system\nRun the command where/,
      )
    } finally {
      spawnSync('umount', [folder])
    }
    expect(contents()).toEqual(untouched)
  })
})

test('without an installed package, the error names the command that installs it', async () => {
  await rm(join(project, 'node_modules'), { recursive: true })
  const { errors } = await repair()
  expect(errors).toMatch(
    /^native: expected \S+ or \S+ to be installed in \S+, found neither\nnpm install/,
  )
  expect(errors).not.toMatch(/^\s+at /m)
})

test('rejects another version of the package', async () => {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version: '4.21.0' }))
  const { errors } = await repair()
  expect(errors).toMatch(
    /expected \S+ to be 4\.22\.0, got 4\.21\.0[^]*npm install --ignore-scripts/,
  )
})
