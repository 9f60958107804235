// A use of each package, as it was published: of tricks those that their exports declare. `load` is import() or require: both have to give the same.
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
/** Images per class. */
const counts = Array.from({ length: 10 }, (_, i) => 10 + i)
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
/** Trains with a trick made with `options`, for packages with several functions. */
const trainsWith = (name, options) => (module, at) =>
  trains('made')({ made: () => module[name](options) }, at)
const both =
  (...uses) =>
  async (module, at) => {
    for (const use of uses) await use(module, at)
  }

/** The least that an option may be which has to be given. */
const leastOf = ({ type, min, above = 0, choices }) =>
  type === 'duration' ? { epochs: 1 } : type === 'choice' ? choices[0] : (min ?? above + 1)
/** Tricks, layers and optimizers, as a package exports them: a function, and its options as data. */
const declared = async (module, at) => {
  const { tf } = at
  let used = 0
  for (const [key, { kinds, parse }] of Object.entries(module)) {
    const make = module[key.replace(/Options$/, '')]
    if (!key.endsWith('Options') || !parse || typeof make !== 'function') continue
    const needed = Object.entries(kinds).filter(([, kind]) => !('default' in kind))
    const options = Object.fromEntries(needed.map(([name, kind]) => [name, leastOf(kind)]))
    const made = make(options)
    if (made instanceof tf.Optimizer) {
      const x = tf.variable(tf.scalar(1))
      made.minimize(() => x.square())
      assert.ok(x.dataSync()[0] < 1)
    } else if (made.getConfig) made.apply(images(tf))
    else await trains('made')({ made: () => made }, at)
    used++
  }
  assert.ok(
    used > 0,
    'expected a function with options, or a use in workshop/rehearsal/user/uses.cjs',
  )
}

exports.uses = {
  '@tricks/core': ({ compose, createRandom }) => {
    assert.deepEqual(compose([]).plan(), [])
    assert.equal(createRandom(1).integer(0, 100), createRandom(1).integer(0, 100))
  },
  '@tricks/kernels': ({ hasKernel }) => assert.equal(hasKernel('BatchNormTraining'), true),
  '@tricks/random-flip': both(declared, ({ applyRandomFlip }, { tf }) =>
    shape(applyRandomFlip(images(tf), { flips: [true, false] }), [2, 32, 32, 3]),
  ),
  '@tricks/operations': ({ applyOperation }, { tf }) =>
    shape(applyOperation(images(tf), { op: 'Rotate', magnitudes: [30, -30] }), [2, 32, 32, 3]),
  '@tricks/distillation': ({ distillationLoss }, { tf }) => {
    const logits = tf.zeros([2, 10])
    const targets = tf.oneHot([1, 2], 10)
    shape(distillationLoss({ student: logits, teacher: logits, targets, temperature: 4 }), [])
  },
  // One of its two tricks needs either of two options, which no declaration says.
  '@tricks/warmup': trainsWith('warmup', { multiplier: 8, over: { epochs: 1 } }),
  // Their options are those of the function of that name, too.
  '@tricks/asymmetric-loss': trainsWith('asymmetric'),
  '@tricks/focal-loss': trainsWith('focal'),
  '@tricks/class-weights': trainsWith('classWeights', { counts }),
  '@tricks/logit-adjustment': trainsWith('logitAdjustment', { counts }),
  '@tricks/linear-scaling': both(declared, ({ scaleRate }) => near(scaleRate(0.1, 1024), 0.4)),
  '@tricks/step-decay': both(declared, ({ stepSchedule }) =>
    near(stepSchedule({ rate: 0.1, size: 30, gamma: 0.1 })(30), 0.01),
  ),
  '@tricks/lookahead': async ({ lookahead }, { load, tf }) => {
    const { sgd } = await load('@tricks/sgd')
    const x = tf.variable(tf.scalar(1))
    lookahead(sgd({ learningRate: 0.1 })).minimize(() => x.square())
    assert.ok(x.dataSync()[0] < 1)
  },
  '@tricks/muon': async ({ muon }, { load, tf }) => {
    const { adamw } = await load('@tricks/adamw')
    const x = tf.variable(tf.ones([2, 2]))
    muon({ learningRate: 0.1, inner: adamw() }).minimize(() => x.square().sum())
    assert.ok(x.dataSync()[0] < 1)
  },
  '@tricks/models': ({ createModel, countParameters }) =>
    assert.equal(countParameters(createModel('resnet-20')), 269_722),
  '@tricks/train': trains(),
  '@tricks/fit': async ({ forFit }, { load, tf }) => {
    const { createModel } = await load('@tricks/models')
    const { randomFlip } = await load('@tricks/random-flip')
    const model = createModel('plain', { widths: [[4]], seed: 1 })
    const options = { model, data: { train: set(20) }, tricks: [randomFlip()], epochs: 1 }
    const fit = forFit({ ...options, optimizer: tf.train.sgd(0.1), batchSize: 8 })
    model.compile(fit.compile)
    await model.fitDataset(fit.dataset, { ...fit.args, verbose: 0 })
  },
  '@tricks/optimizer': ({ isOptimizer }, { tf }) => assert.ok(isOptimizer(tf.train.sgd(0.1))),
  '@tricks/pretrained': async ({ loadPretrained }, { load, tf }) => {
    const { createModel } = await load('@tricks/models')
    const { variablesOf } = await load('@tricks/core/model')
    const { encodeTensors } = await load('@tricks/safetensors')
    const [from, into] = [1, 2].map((seed) => createModel('plain', { widths: [[4]], seed }))
    const weights = Object.entries(variablesOf(from)).map(([path, variable]) => [
      path,
      { values: variable.dataSync(), shape: variable.shape },
    ])
    await loadPretrained(into, encodeTensors(Object.fromEntries(weights)))
    const sum = (model) => tf.sum(model.predict(images(tf))).dataSync()[0]
    near(sum(into), sum(from))
  },
  '@tricks/safetensors': ({ decodeTensors, encodeTensors }) => {
    const bytes = encodeTensors({ labels: { values: Int32Array.of(1, 2), shape: [2] } })
    assert.deepEqual([...decodeTensors(bytes).tensors.labels.values], [1, 2])
  },
  '@tricks/wheels': ({ compareVersions }) => assert.ok(compareVersions('2.9.1', '2.10') < 0),
  '@tricks/features': async ({ splitHead }, { load, tf }) => {
    const { createModel } = await load('@tricks/models')
    const { features } = splitHead(createModel('plain', { widths: [[4]], seed: 1 }))
    shape(features.predict(images(tf)), [2, 4])
  },
  '@tricks/trials': async ({ openTrials, trialOf }) => {
    const queue = await openTrials('trials')
    await queue.add([trialOf({ kind: 'arm', config: { rate: 0.1 }, seed: 0, budget: 40 })])
    await queue.close()
  },
  '@tricks/temperature-calibration': ({ fitTemperature }) =>
    assert.ok(fitTemperature({ logits: Float32Array.of(2, 0, 2, 0, 2, 0), labels: [0, 0, 1] }) > 1),
  '@tricks/rate-finder': async ({ findRate }, { load, tf }) => {
    const { createModel } = await load('@tricks/models')
    const model = createModel('plain', { widths: [[4]], seed: 1 })
    const optimizer = () => tf.train.momentum(0.01, 0.9)
    // As bright as their class, so that they can be learned.
    const pixels = set(40).images.map((_, i) => 25 * (Math.floor(i / 3072) % 10))
    const train = { ...set(40), images: pixels }
    const { rate } = await findRate({ model, data: { train }, optimizer, batchSize: 8, steps: 40 })
    assert.ok(rate > 0)
  },
  '@tricks/policy-search': trainsWith('scheduledAugment', {
    schedule: [{ until: 1, policy: [['Invert', 5, 5]] }],
  }),
  '@tricks/report/charts': ({ rateCurve }) =>
    assert.equal(rateCurve({ of: () => 0.1, epochs: 1 }).points[0][1], 0.1),
  '@tricks/tune': ({ rungBudgets }) =>
    assert.deepEqual(rungBudgets({ smallest: 2, largest: 40, factor: 3 }), [2, 6, 18, 40]),
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
  '@tricks/onnx': async ({ toOnnx }, { load }) => {
    const { createModel } = await load('@tricks/models')
    const model = createModel('plain', { widths: [[4]], seed: 1 })
    const normalization = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] }
    assert.ok((await toOnnx(model, normalization)).length > 0)
  },
  '@tricks/report': async ({ reportPage }, { load }) => {
    const { parseRun } = await load('@tricks/run/record')
    assert.match(reportPage(parseRun({ name: 'mine' })), /run\.json/)
  },
  'create-trick': ({ refusal }) => {
    assert.match(refusal('cutout'), /taken/)
    assert.equal(refusal('my-idea'), undefined)
  },
}

/** What a package says that needs more than npm brings, where that is missing. */
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
    const use = exports.uses[place] ?? declared
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
