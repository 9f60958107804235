// Finds WebGPU and its GPU.
import * as tf from '@tensorflow/tfjs-core'
import { type Found, load, search } from './dawn.ts'

/** A GPU, or a software substitute. */
export interface Adapter {
  /** The driver's description; browsers provide only vendor and architecture, which are used then. */
  readonly name: string
  readonly vendor: string
  readonly architecture: string
  /** Whether the adapter is software on the CPU. */
  readonly software: boolean
}

const variable = 'TRICKS_WEBGPU_SOFTWARE'

tf.env().registerFlag(
  'WEBGPU_SOFTWARE',
  () => typeof process !== 'undefined' && process.env[variable] === '1',
)

/** Software adapters, by their descriptions. */
const software = /swiftshader|llvmpipe|lavapipe|basic render|warp|software/i

/**
 * Describes the GPU that `tf.setBackend('webgpu')` would use.
 *
 * A software adapter is rejected, as wasm is faster, unless the flag `WEBGPU_SOFTWARE` is true: set it by
 * `tf.env().set('WEBGPU_SOFTWARE', true)`, by the environment variable TRICKS_WEBGPU_SOFTWARE=1, or in a page's URL by
 * `?tfjsflags=WEBGPU_SOFTWARE:true`. The flag WEBGPU_USE_LOW_POWER_GPU selects the weaker of two GPUs.
 *
 * @throws Error without WebGPU or a GPU, with advice
 * @example
 * const { name } = await findAdapter()
 */
export async function findAdapter(): Promise<Adapter> {
  return describe((await requestAdapter()).info)
}

export async function requestAdapter(): Promise<GPUAdapter> {
  const lowPower = tf.env().getBool('WEBGPU_USE_LOW_POWER_GPU')
  const options = { powerPreference: lowPower ? 'low-power' : 'high-performance' } as const
  const gpu = await findGpu(options)
  const adapter = await gpu.requestAdapter(options)
  check({ info: adapter?.info })
  return adapter!
}

/** @throws Error if no adapter was found, or only a software adapter that was not requested */
function check({ info, warning }: Found): void {
  if (!info) {
    const cause = warning === undefined ? '' : ` The search reported: ${warning}`
    throw new Error(`webgpu: no GPU was found. ${adviceOnDrivers()}.${cause}`)
  }
  const { name, software: isSoftware } = describe(info)
  if (isSoftware && !tf.env().getBool('WEBGPU_SOFTWARE'))
    throw new Error(
      `webgpu: no GPU was found but ${name}, which computes on the processor, slower than wasm ` +
        `(${inNode() ? `${variable}=1` : '?tfjsflags=WEBGPU_SOFTWARE:true'} takes it). ${adviceOnDrivers()}`,
    )
}

function describe(info: GPUAdapterInfo): Adapter {
  const { vendor, architecture, device, description } = info
  const descriptions = [description, [vendor, architecture].filter(Boolean).join(' '), device]
  return {
    name: descriptions.find(Boolean) ?? 'an unnamed GPU',
    vendor,
    architecture,
    software: info.isFallbackAdapter || descriptions.some((each) => software.test(each ?? '')),
  }
}

const inNode = (): boolean => typeof process !== 'undefined' && Boolean(process.versions?.node)

function adviceOnDrivers(): string {
  if (!inNode())
    return 'See chrome://gpu, or whether hardware acceleration is on in the settings of the browser'
  if (process.platform !== 'linux') return "Is the GPU's driver installed?"
  return (
    "WebGPU needs Vulkan: libvulkan1 and the GPU's driver (mesa-vulkan-drivers for AMD and Intel, NVIDIA's own), " +
    'and permission to use /dev/dri. To list devices, run vulkaninfo --summary'
  )
}

/** The browser's WebGPU, or Dawn in Node, which is loaded only if there is an adapter. */
async function findGpu(options: GPURequestAdapterOptions): Promise<GPU> {
  const { gpu } = (globalThis.navigator ?? {}) as { readonly gpu?: GPU }
  if (gpu) return gpu
  if (!inNode())
    throw new Error(
      'webgpu: this browser has no WebGPU, or the page is not from a secure address (https or localhost)',
    )
  const found = await search(options)
  if (found) check(found)
  return (loaded ??= load())
}

let loaded: Promise<GPU> | undefined
