import type { Components } from './components.ts'

/** The components of CIFAR-10's 50,000 training images in `@tricks/cifar10`; the first is brightness. */
export const cifar10Components: Components = {
  eigenvalues: [0.171832, 0.012528, 0.002649],
  eigenvectors: [
    [0.557631, 0.702955, 0.441476],
    [0.576686, 0.05447, -0.815148],
    [0.59706, -0.709145, 0.37501],
  ],
}
