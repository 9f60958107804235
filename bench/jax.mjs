// Images/s on wasm, ours and jax-js (compiled by its `jit`), in alternating processes; medians. `step` is a training step
// of the net of wasm-step.mjs, `gradients` are both gradients of a 3 × 3 convolution, 64 to 64 channels at 16 × 16.
// `node bench/jax.mjs [repeats]` under Node 24; jax-js takes minutes.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(import.meta.url)
const wasmStep = fileURLToPath(new URL('wasm-step.mjs', import.meta.url))
const [mode = '3'] = process.argv.slice(2)
const modes = { 'jax step': jaxStep, 'jax gradients': jaxGradients, 'our gradients': ourGradients }

if (mode in modes) {
  console.log(await modes[mode]())
  // jax-js's threads keep running.
  process.exit()
}

const rows = {
  step: { ours: [wasmStep, 'ours', '6', String(cpus().length)], jax: [file, 'jax step'] },
  gradients: { ours: [file, 'our gradients'], jax: [file, 'jax gradients'] },
}
const execute = (words) => execFileSync(process.execPath, ['--conditions=@tricks/source', ...words])
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}, n = ${mode}`)
for (const [what, { ours, jax }] of Object.entries(rows)) {
  const speeds = { ours: [], jax: [] }
  for (let i = 0; i < Number(mode); i++) {
    speeds.ours.push(Number(execute(ours)))
    speeds.jax.push(Number(execute(jax)))
  }
  const [our, their] = [median(speeds.ours), median(speeds.jax)]
  console.log(
    `${what.padEnd(12)}ours ${our.toFixed(0)}   jax-js ${their.toPrecision(3)}   ours / jax-js ${(our / their).toFixed(0)}`,
  )
}

/** Images/s of a function that works on `batch` images; the first call warms up or compiles. */
async function speedOf(batch, calls, run) {
  await run()
  const start = performance.now()
  for (let i = 0; i < calls; i++) await run()
  return (batch * calls * 1000) / (performance.now() - start)
}

async function jaxOnWasm() {
  const jax = await import('@jax-js/jax')
  await jax.init('wasm')
  jax.defaultDevice('wasm')
  return jax
}

/** jax-js has neither batch norm nor a maximum pooling with a fast gradient, so both are composed. */
async function jaxStep() {
  const { jit, lax, nn, numpy: np, random, tree, valueAndGrad } = await jaxOnWasm()
  const batch = 8
  const keys = random.split(random.key(0), 8)
  const normal = (i, shape, deviation) => random.normal(keys.ref.slice(i), shape).mul(deviation)
  const widths = [32, 32, 64, 64, 128, 128]
  let parameters = {
    blocks: widths.map((width, i) => ({
      kernel: normal(i, [width, i === 0 ? 3 : widths[i - 1], 3, 3], 0.1),
      gamma: np.ones([width]),
      beta: np.zeros([width]),
    })),
    kernel: normal(6, [128, 10], 0.1),
    bias: np.zeros([10]),
  }
  let velocity = tree.map((value) => np.zerosLike(value), tree.ref(parameters))
  const images = normal(7, [batch, 3, 32, 32], 1)
  const classes = Int32Array.from({ length: batch }, (_, i) => i % 10)
  const targets = nn.oneHot(np.array(classes, { dtype: np.int32 }), 10)

  const perChannel = (x) => x.reshape([1, -1, 1, 1])
  const norm = (x, gamma, beta) => {
    const centered = x.ref.sub(perChannel(x.mean([0, 2, 3])))
    const variance = np.square(centered.ref).mean([0, 2, 3])
    const scaled = centered.div(perChannel(np.sqrt(variance.add(1e-3))))
    return scaled.mul(perChannel(gamma)).add(perChannel(beta))
  }
  const lossOf = ({ blocks, kernel, bias }, x, y) => {
    for (const [i, block] of blocks.entries()) {
      x = nn.relu(norm(lax.conv(x, block.kernel, [1, 1], 'SAME'), block.gamma, block.beta))
      const [size, channels, height, width] = x.shape
      if (i === 1 || i === 3)
        x = x.reshape([size, channels, height / 2, 2, width / 2, 2]).max([3, 5])
    }
    const logits = np.dot(x.mean([2, 3]), kernel).add(bias)
    return nn
      .logSoftmax(logits, -1)
      .mul(y)
      .sum()
      .mul(-1 / batch)
  }
  const step = jit((values, velocities, x, y) => {
    const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(values), x, y)
    const next = tree.map((v, gradient) => v.mul(0.9).add(gradient), velocities, gradients)
    return [loss, tree.map((value, v) => value.sub(v.mul(0.05)), values, tree.ref(next)), next]
  })
  return speedOf(batch, 1, async () => {
    const [loss, ...next] = step(parameters, velocity, images.ref, targets.ref)
    ;[parameters, velocity] = next
    const [value] = await loss.data()
    if (!Number.isFinite(value)) throw new Error(`expected a finite loss, got ${value}`)
  })
}

async function jaxGradients() {
  const { grad, jit, lax, random } = await jaxOnWasm()
  const batch = 8
  const images = random.normal(random.key(0), [batch, 64, 16, 16])
  const kernel = random.normal(random.key(1), [64, 64, 3, 3])
  const gradients = jit(
    grad((x, w) => lax.conv(x, w, [1, 1], 'SAME').mul(0.5).sum(), { argnums: [0, 1] }),
  )
  return speedOf(batch, 2, async () => {
    for (const each of gradients(images.ref, kernel.ref)) await each.data()
  })
}

async function ourGradients() {
  const require = createRequire(
    new URL('../packages/model/batch-norm/package.json', import.meta.url),
  )
  const tf = require('@tensorflow/tfjs-core')
  require('@tensorflow/tfjs-layers')
  await import('../packages/backend/wasm-training/src/index.ts')
  await tf.setBackend('wasm')
  const batch = 128
  const images = tf.randomNormal([batch, 16, 16, 64])
  const kernel = tf.randomNormal([3, 3, 64, 64])
  const gradients = tf.grads((x, w) => tf.sum(tf.mul(tf.conv2d(x, w, 1, 'same'), 0.5)))
  return speedOf(batch, 5, async () => {
    const each = gradients([images, kernel])
    for (const gradient of each) await gradient.data()
    tf.dispose(each)
  })
}
