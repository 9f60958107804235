import * as tf from '@tensorflow/tfjs-core'

/** What `--backend` takes: from the fastest to the one that is always there. */
export const backendNames = ['tfjs-node-gpu', 'native', 'webgpu', 'wasm', 'cpu'] as const
export type BackendName = (typeof backendNames)[number]

interface Candidate {
  readonly package: string
  /** The name that TensorFlow.js knows the backend by. */
  readonly registered: string
  readonly why: string
}

const candidates: Readonly<Record<BackendName, Candidate>> = {
  'tfjs-node-gpu': {
    package: '@tensorflow/tfjs-node-gpu',
    registered: 'tensorflow',
    why: 'TensorFlow on an NVIDIA GPU',
  },
  native: { package: '@tricks/native', registered: 'tensorflow', why: 'TensorFlow as native code' },
  webgpu: { package: '@tricks/webgpu', registered: 'webgpu', why: 'WebGPU on a GPU of any make' },
  wasm: {
    package: '@tricks/wasm-training',
    registered: 'wasm',
    why: 'WebAssembly with SIMD, the fastest that needs nothing but npm',
  },
  cpu: {
    package: '@tensorflow/tfjs-backend-cpu',
    registered: 'cpu',
    why: 'plain JavaScript: for tests, too slow to train with',
  },
}

export interface Backend {
  readonly name: BackendName
  /** What it is, in a few words. */
  readonly why: string
  /** Faster ones that are not used, and why not. */
  readonly skipped: readonly { readonly name: BackendName; readonly reason: string }[]
}

/**
 * Makes the best backend that is present the current one, or the one asked for.
 *
 * The order is tfjs-node-gpu, native, webgpu where there is a GPU, wasm. The plain cpu backend is taken only when asked for.
 *
 * @param name one of `backendNames`; by default the best present
 * @throws Error where the one asked for, or every one, is absent or does not start: with each one's reason
 * @example
 * const { name, why } = await useBackend()
 * console.log(`on ${name}: ${why}`)
 */
export async function useBackend(name?: BackendName): Promise<Backend> {
  if (name !== undefined && !(name in candidates))
    throw new Error(`backend: expected one of ${backendNames.join(', ')}, got ${name}`)
  const skipped: { name: BackendName; reason: string }[] = []
  for (const candidate of name ? [name] : backendNames.filter((other) => other !== 'cpu')) {
    const { reason, device } = await start(candidates[candidate])
    const { why } = candidates[candidate]
    if (reason === undefined)
      return { name: candidate, why: device ? `${why}: ${device}` : why, skipped }
    // A package's message begins with its name, which stands before the reason already.
    skipped.push({ name: candidate, reason: reason.replace(`${candidate}: `, '') })
  }
  const reasons = skipped.map((each) => `  ${each.name}: ${each.reason}`).join('\n')
  throw new Error(
    name
      ? `backend: the requested backend is not available\n${reasons}\nWithout a request, the fastest that is available is used`
      : `backend: none to train on\n${reasons}\nThe one that always works: npm install @tricks/wasm-training`,
  )
}

/** Makes the candidate the current backend: on what, where its package tells, or why it can't be used. */
async function start({
  package: source,
  registered,
}: Candidate): Promise<{ readonly reason?: string; readonly device?: string }> {
  let module: { findAdapter?(): Promise<{ readonly name: string }> }
  try {
    module = (await import(/* @vite-ignore */ source)) as typeof module
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const absent = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${source}'`)
    return { reason: absent ? `not installed (npm install ${source})` : firstLine(message) }
  }
  try {
    // tfjs swallows what a backend says when it doesn't start.
    const adapter = await module.findAdapter?.()
    if (await tf.setBackend(registered)) return adapter ? { device: adapter.name } : {}
    return { reason: `${source} is installed, but its backend did not start` }
  } catch (error) {
    return { reason: firstLine((error as Error).message) }
  }
}

const firstLine = (message: string): string => message.split('\n')[0]!
