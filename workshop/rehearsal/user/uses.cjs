// One use of each package, as it was published. `load` is import() or require: both have to give the same.
const assert = require('node:assert/strict')

const images = (tf) => tf.randomUniform([2, 32, 32, 3], 0, 1, 'float32', 1)
const set = (count) => ({
  images: Uint8Array.from({ length: count * 3072 }, (_, i) => (i * i) % 251),
  labels: Array.from({ length: count }, (_, i) => i % 10),
  height: 32,
  width: 32,
  channels: 3,
  classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
})
const near = (got, expected) => assert.ok(Math.abs(got - expected) < 1e-6, `${got} ≈ ${expected}`)
const shape = (tensor, expected) => assert.deepEqual(tensor.shape, expected)
/** Trains for two epochs, with these tricks in the list. */
const trains =
  (...names) =>
  async (module, { load, tf }) => {
    const { train } = await load('@tricks/train')
    const { createModel } = await load('@tricks/models')
    const tricks = names.map((name) => module[name]())
    const model = createModel('plain', { widths: [[4], [8]], seed: 1 })
    const optimizer = tf.train.momentum(0.01, 0.9)
    const options = { model, data: { train: set(40), test: set(10) }, optimizer, epochs: 2 }
    const { test } = await train({ ...options, tricks, batchSize: 16 })
    assert.ok(test.loss > 0)
  }
const both =
  (...uses) =>
  async (module, at) => {
    for (const use of uses) await use(module, at)
  }

exports.uses = {
  '@tricks/core': ({ compose, createRandom }) => {
    assert.deepEqual(compose([]).plan(), [])
    assert.equal(createRandom(1).integer(0, 100), createRandom(1).integer(0, 100))
  },
  '@tricks/kernels': ({ hasKernel }) => assert.equal(hasKernel('BatchNormTraining'), true),
  '@tricks/random-crop': trains('randomCrop'),
  '@tricks/random-resized-crop': trains('randomResizedCrop'),
  '@tricks/random-flip': both(trains('randomFlip'), ({ applyRandomFlip }, { tf }) =>
    shape(applyRandomFlip(images(tf), { flips: [true, false] }), [2, 32, 32, 3]),
  ),
  '@tricks/random-rotation': trains('randomRotation'),
  '@tricks/color-jitter': trains('colorJitter'),
  '@tricks/pca-lighting': trains('pcaLighting'),
  '@tricks/operations': ({ applyOperation }, { tf }) =>
    shape(applyOperation(images(tf), { op: 'Rotate', magnitudes: [30, -30] }), [2, 32, 32, 3]),
  '@tricks/autoaugment': trains('autoAugment'),
  '@tricks/cutout': trains('cutout'),
  '@tricks/random-erasing': trains('randomErasing'),
  '@tricks/mixup': trains('mixup'),
  '@tricks/ricap': trains('ricap'),
  '@tricks/label-smoothing': trains('labelSmoothing'),
  '@tricks/distillation': ({ distillationLoss }, { tf }) => {
    const logits = tf.zeros([2, 10])
    const targets = tf.oneHot([1, 2], 10)
    shape(distillationLoss({ student: logits, teacher: logits, targets, temperature: 4 }), [])
  },
  '@tricks/weight-penalty': trains('l1', 'l2'),
  '@tricks/warmup': ({ warmup }, at) =>
    trains('warmup')({ warmup: () => warmup({ multiplier: 8, over: { epochs: 1 } }) }, at),
  '@tricks/linear-scaling': ({ scaleRate }) => near(scaleRate(0.1, 1024), 0.4),
  '@tricks/cosine-decay': trains('cosineDecay'),
  '@tricks/step-decay': ({ stepSchedule }) =>
    near(stepSchedule({ rate: 0.1, size: 30, gamma: 0.1 })(30), 0.01),
  '@tricks/reduce-on-plateau': trains('reduceOnPlateau'),
  '@tricks/adabound': ({ adabound }, { tf }) => {
    const x = tf.variable(tf.scalar(1))
    adabound({ learningRate: 0.1 }).minimize(() => x.square())
    assert.ok(x.dataSync()[0] < 1)
  },
  '@tricks/gradient-accumulation': (module, at) =>
    trains('gradientAccumulation')(
      { gradientAccumulation: () => module.gradientAccumulation({ microBatch: 8 }) },
      at,
    ),
  '@tricks/initializers': trains('xavier'),
  '@tricks/dropout': ({ dropout }, { tf }) =>
    shape(dropout({ rate: 0.5 }).apply(tf.ones([2, 3])), [2, 3]),
  '@tricks/batch-norm': ({ batchNorm }, { tf }) =>
    shape(batchNorm().apply(tf.ones([2, 3])), [2, 3]),
  '@tricks/models': ({ createModel, countParameters }) =>
    assert.equal(countParameters(createModel('resnet-20')), 269_722),
  '@tricks/train': trains(),
  '@tricks/early-stopping': trains('earlyStopping'),
  '@tricks/fit': async ({ forFit }, { load, tf }) => {
    const { createModel } = await load('@tricks/models')
    const { randomFlip } = await load('@tricks/random-flip')
    const model = createModel('plain', { widths: [[4]], seed: 1 })
    const options = { model, data: { train: set(20) }, tricks: [randomFlip()], epochs: 1 }
    const fit = forFit({ ...options, optimizer: tf.train.sgd(0.1), batchSize: 8 })
    model.compile(fit.compile)
    await model.fitDataset(fit.dataset, { ...fit.args, verbose: 0 })
  },
  '@tricks/run': ({ checkpointFolder }) =>
    assert.equal(checkpointFolder('checkpoints').latest(), undefined),
  '@tricks/run/record': ({ confusionMatrix }) =>
    assert.deepEqual(confusionMatrix({ logits: Float32Array.of(2, 1, 0, 3), labels: [0, 0] }), [
      [1, 1],
      [0, 0],
    ]),
  '@tricks/ablation': ({ effectText, estimate }) =>
    assert.equal(effectText(estimate([0.01, 0.03, 0.02])), '+2.00 ± 2.48'),
  '@tricks/cli': async ({ recipeNamed }) => assert.equal((await recipeNamed('quick')).epochs, 4),
  '@tricks/cifar10': async ({ loadCifar10 }) =>
    assert.equal((await loadCifar10()).test.labels.length, 10_000),
  '@tricks/image-folder': async ({ readImageFolder }) => {
    await assert.rejects(readImageFolder('nowhere', { size: 8 }), /nowhere/)
  },
  '@tricks/backend': async ({ useBackend }) =>
    assert.match((await useBackend('wasm')).why, /WebAssembly/),
  '@tricks/wasm-training': (_, { tf }) => {
    assert.equal(tf.getBackend(), 'wasm')
    const gradient = tf.grad((x) => tf.conv2d(images(tf), x, 1, 'same'))(tf.ones([3, 3, 3, 4]))
    shape(gradient, [3, 3, 3, 4])
  },
  '@tricks/native': (_, { tf }) => assert.ok(tf.findBackendFactory('tensorflow')),
  '@tricks/webgpu': () => undefined,
  '@tricks/conformance/check': ({ checkTrick }) => assert.equal(typeof checkTrick, 'function'),
  '@tricks/report': async ({ reportPage }, { load }) => {
    const { parseRun } = await load('@tricks/run/record')
    assert.match(reportPage(parseRun({ name: 'mine' })), /There is no run\.json/)
  },
  'create-trick': ({ refusal }) => {
    assert.match(refusal('cutout'), /taken/)
    assert.equal(refusal('my-idea'), undefined)
  },
}

/** What a package says that needs more than npm brings, where that is not there. */
const needs = {
  '@tricks/native': /tricks\/native install/,
  '@tricks/webgpu': /WebGPU|webgpu/,
}

/**
 * Uses packages.
 *
 * @returns the packages that were used, and those that said what they need
 */
exports.useAll = async (load, names) => {
  const tf = await load('@tensorflow/tfjs')
  await load('@tricks/wasm-training')
  await tf.setBackend('wasm')
  const done = { used: [], asking: [] }
  for (const name of names) {
    const place = name === '@tricks/conformance' ? `${name}/check` : name
    const use = exports.uses[place]
    assert.ok(use, `expected a use of ${name} among those of workshop/rehearsal/user/uses.cjs`)
    let module
    try {
      module = await load(place)
    } catch (error) {
      if (!needs[name]?.test(error.message)) throw error
      done.asking.push(name)
      continue
    }
    await tf.setBackend('wasm')
    try {
      await use(module, { load, tf })
    } catch (error) {
      throw new Error(`${name}: ${error.message}`, { cause: error })
    }
    done.used.push(name)
  }
  return done
}
