import type { Components } from './components.ts'

/**
 * The components of ImageNet, as published with facebookarchive/fb.resnet.torch and in use since; the sign of each
 * component is arbitrary.
 *
 * @see https://github.com/facebookarchive/fb.resnet.torch/blob/master/datasets/imagenet.lua
 */
export const imagenetComponents: Components = {
  eigenvalues: [0.2175, 0.0188, 0.0045],
  eigenvectors: [
    [-0.5675, 0.7192, 0.4009],
    [-0.5808, -0.0045, -0.814],
    [-0.5836, -0.6948, 0.4203],
  ],
}
