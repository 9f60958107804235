'use strict'
// The module that a repaired @tensorflow/tfjs-node requires as its addon. It has no imports from this package, as it is
// copied into tfjs-node's folder.
const { constants } = require('node:os')
const { join } = require('node:path')
const util = require('node:util')

// tfjs-node 4.22.0 calls these, which Node 22 deprecates and Node 23 removed.
Object.assign(util, {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: Array.isArray,
})
// As @tricks/native does: oneDNN on every processor, and GPU memory on demand.
process.env.TF_ENABLE_ONEDNN_OPTS ??= '1'
if (require(join(__dirname, 'install.json')).variant === 'cuda')
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'
const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen
process.dlopen({ exports: {} }, join(__dirname, 'quiet.node'), RTLD_NOW | RTLD_GLOBAL)
module.exports = require(join(__dirname, 'tfjs_binding.node'))
// With it, @tricks/native finds its own ops for the same library.
globalThis[Symbol.for('@tricks/native folder')] = __dirname
