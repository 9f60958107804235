// Where tests on WebGPU find a device: the machine's GPU, or the software one that Debian's Chromium brings.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = '/usr/lib/chromium'
const software = {
  VK_ICD_FILENAMES: `${folder}/vk_swiftshader_icd.json`,
  LD_LIBRARY_PATH: folder,
  TRICKS_WEBGPU_SOFTWARE: '1',
}

/** The first environment in which Node finds a device, or why it finds none. */
export function findWebgpu():
  | { readonly environment: Record<string, string> }
  | { reason: string } {
  const candidates = [{}, ...(existsSync(software.VK_ICD_FILENAMES) ? [software] : [])]
  let reason = ''
  for (const environment of candidates)
    try {
      execFileSync(
        process.execPath,
        ['--conditions=@tricks/source', fileURLToPath(import.meta.url)],
        {
          env: { ...process.env, ...environment },
          stdio: 'pipe',
        },
      )
      return { environment }
    } catch (error) {
      reason =
        /Error: webgpu: (.*)/.exec(String((error as { stderr?: Buffer }).stderr))?.[1] ??
        String(error)
    }
  return { reason }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Out of a bundler's sight, which reads the tests' configuration and knows no conditions.
  const source = new URL('../packages/backend/webgpu/src/index.ts', import.meta.url).href
  const { findAdapter } = (await import(source)) as typeof import('@tricks/webgpu')
  console.log((await findAdapter()).name)
}
