// tfjs's backend on our own device, with errors that surface and synchronous reads in Node.
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { requestAdapter } from './adapter.ts'

/** Opens the device that `tf.setBackend('webgpu')` uses. */
export async function open(): Promise<Backend> {
  const adapter = await requestAdapter()
  const { limits, features } = adapter
  const wanted = [
    'maxComputeWorkgroupStorageSize',
    'maxComputeWorkgroupsPerDimension',
    'maxStorageBufferBindingSize',
    'maxBufferSize',
    'maxComputeWorkgroupSizeX',
    'maxComputeInvocationsPerWorkgroup',
  ] as const
  const opened = watchingTicks(() =>
    adapter.requestDevice({
      requiredFeatures: features.has('timestamp-query') ? ['timestamp-query'] : [],
      requiredLimits: Object.fromEntries(wanted.map((name) => [name, limits[name]])),
    }),
  )
  return new Backend(await opened, adapter.info)
}

/** The private parts of tfjs's backend that are used here. */
interface Internals {
  readonly commandEncoder: GPUCommandEncoder
  convertAndCacheOnCPU(dataId: object, values: tf.BackendValues): tf.BackendValues
}

export class Backend extends WebGPUBackend {
  /** The device's first uncaptured error. */
  private failure: string | undefined

  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    super(device, info)
    device.addEventListener('uncapturederror', ({ error }) => {
      this.failure ??=
        error instanceof GPUOutOfMemoryError
          ? `the GPU's memory ran out (${error.message}): train with a smaller batch`
          : `the device reports: ${error.message}`
    })
    void device.lost.then(({ message }) => {
      this.failure ??= lost(message)
    })
  }

  /** Without this, a rejected kernel would return zeros. */
  private checkDevice(): void {
    if (this.failure !== undefined) throw new Error(`webgpu: ${this.failure}`)
  }

  /** All tensors are uploaded here, including results. */
  override uploadToGPU(dataId: object): void {
    this.checkDevice()
    const { shape, dtype, resource } = this.tensorMap.get(dataId)
    const bytes = tf.util.sizeFromShape(shape) * (dtype === 'complex64' ? 8 : 4)
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize)
    if (!resource && bytes > most)
      throw new Error(
        `webgpu: a tensor of [${shape.join(', ')}] takes ${gigabytes(bytes)}, and this GPU supports at most ` +
          `${gigabytes(most)} per buffer: train with a smaller batch, or on smaller images`,
      )
    super.uploadToGPU(dataId)
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    try {
      return await super.read(dataId)
    } catch (error) {
      // A lost device may reject a read before it reports the loss.
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 1000))])
      throw error
    } finally {
      this.checkDevice()
    }
  }

  /** tfjs reads synchronously through a canvas, which Node does not have. */
  override readSync(dataId: object): tf.BackendValues {
    const data = this.tensorMap.get(dataId)
    const plain = data.values !== null && data.values !== undefined
    if (plain || data.dtype === 'complex64' || !tick) return super.readSync(dataId)
    const internals = this as unknown as Internals
    const buffer = data.resource as GPUBuffer
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ
    const staging = this.bufferManager.acquireBuffer(buffer.size, usage)
    this.ensureCommandEncoderReady()
    this.endComputePassEncoder()
    internals.commandEncoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size)
    this.submitQueue()
    mapNow(staging)
    if (staging.mapState !== 'mapped') this.failure ??= lost('it returns no data')
    this.checkDevice()
    const bytes = staging.getMappedRange().slice(0)
    staging.unmap()
    this.bufferManager.releaseBuffer(staging)
    const values = tf.util.convertBackendValuesAndArrayBuffer(bytes, data.dtype)
    return internals.convertAndCacheOnCPU(dataId, values)
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`

const lost = (message: string): string =>
  `the GPU is lost (${message}), and all tensors with it. Start again, from a checkpoint if present, and ` +
  'with a smaller batch if memory ran out'

/** Dawn's polling function, which it passes to `setImmediate` while something is awaited. */
let tick: (() => void) | undefined

/** Runs `work` and records Dawn's polling function, in Node. */
function watchingTicks<T>(work: () => T, schedule: (tick: () => void) => void = setNow): T {
  if (typeof setNow === 'undefined') return work()
  globalThis.setImmediate = ((callback: () => void) => {
    tick = callback
    schedule(callback)
  }) as typeof setImmediate
  try {
    return work()
  } finally {
    globalThis.setImmediate = setNow
  }
}
const setNow = globalThis.setImmediate

/** Never written: only waited on. */
let never: Int32Array<SharedArrayBuffer>

/** Maps a buffer without yielding to the event loop, by polling instead. */
function mapNow(buffer: GPUBuffer): void {
  // A page that is not isolated has no shared memory, but does not get here.
  never ??= new Int32Array(new SharedArrayBuffer(4))
  watchingTicks(
    () => {
      void buffer.mapAsync(GPUMapMode.READ).catch(() => undefined)
      while (buffer.mapState === 'pending') {
        tick!()
        // A software device needs the CPU in the meantime.
        Atomics.wait(never, 0, 0, 0.05)
      }
    },
    () => undefined,
  )
  // Other pending operations still need polling.
  setNow(tick!)
}
