import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { present } from './compare.ts'

const run = promisify(execFile)
const program = `
  import { findAdapter } from '@tricks/webgpu'
  import * as tf from '@tensorflow/tfjs-core'
  const { name, software } = await findAdapter()
  await tf.setBackend('webgpu')
  const x = tf.square(tf.tensor1d([1, 2, 3]))
  console.log(JSON.stringify({ name, software, sum: tf.sum(x).dataSync()[0], later: (await x.array())[2] }))
`

/** Runs a program in a separate process, in the package's folder. */
const inProcess = (environment: Record<string, string>, code = program) =>
  run(process.execPath, ['--conditions=@tricks/source', '--input-type=module', '--eval', code], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, ...environment },
  })

test.skipIf(!present)(
  'names the device, computes, reads synchronously and asynchronously, and exits',
  async () => {
    const { name, software, sum, later } = JSON.parse(
      (await inProcess({})).stdout.trim().split('\n').at(-1)!,
    )
    expect(name).not.toBe('')
    expect(software).toBe(process.env['TRICKS_WEBGPU_SOFTWARE'] === '1')
    expect([sum, later]).toEqual([14, 9])
  },
)

test.skipIf(!present || process.env['TRICKS_WEBGPU_SOFTWARE'] !== '1')(
  'rejects a software device unless it is requested',
  async () => {
    await expect(inProcess({ TRICKS_WEBGPU_SOFTWARE: '' })).rejects.toThrow(
      /webgpu: no GPU was found but .*, which computes on the processor.*TRICKS_WEBGPU_SOFTWARE=1/,
    )
  },
)

// On other systems, no variable hides a GPU.
test.skipIf(process.platform !== 'linux')('reports what is missing without a GPU', async () => {
  const none = { VK_ICD_FILENAMES: '/none', VK_DRIVER_FILES: '/none', TRICKS_WEBGPU_SOFTWARE: '' }
  await expect(inProcess(none)).rejects.toThrow(/webgpu: no GPU was found\. .*/)
})

test.skipIf(process.platform !== 'linux')(
  'without a GPU, the warnings of Dawn and the loader are suppressed, and the error contains the cause',
  async () => {
    const caught = `
      import { findAdapter } from '@tricks/webgpu'
      await findAdapter().catch(({ message }) => console.log(message))
    `
    const folder = await mkdtemp(join(tmpdir(), 'webgpu-'))
    const driver = join(folder, 'driver.json')
    const library = '/none/libGLX_none.so.0'
    const ICD = { library_path: library, api_version: '1.3.0' }
    await writeFile(driver, JSON.stringify({ file_format_version: '1.0.0', ICD }))
    for (const found of ['/none', driver]) {
      const environment = { VK_ICD_FILENAMES: found, VK_DRIVER_FILES: found }
      const { stdout, stderr } = await inProcess({ ...environment, NODE_OPTIONS: '' }, caught)
      expect(stderr).toBe('')
      expect(stdout).toMatch(/^webgpu: no GPU was found\. .* The search reported: ./)
      expect(stdout).not.toMatch(/Warning|\.cpp/)
    }
    await rm(folder, { recursive: true })
  },
)
