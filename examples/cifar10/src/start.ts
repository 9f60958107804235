// What `npm start` runs: the command line of @tricks/cli, on CIFAR-10 unless a command is named.
//
//     npm start                              trains the quick recipe, in two to five minutes on two cores
//     npm start -- --recipe six              trains another recipe
//     npm start -- report runs/…             any other command
//
// The quick recipe: 76.5 % on wasm (seed 0), in 2:25 min on two cores of a Xeon with AVX-512, n = 1. On @tricks/native with bfloat16 the larger quick-native: 80.7 % in the same time.
import { main } from '@tricks/cli'

// npm runs scripts in the package's folder; the user is elsewhere.
process.chdir(process.env['INIT_CWD'] ?? '.')
const words = process.argv.slice(2)
const isFlag = /^-(?!-?h(elp)?$|-version$)/.test(words[0] ?? '-')
process.exitCode = await main(isFlag ? ['train', 'cifar10', ...words] : words, 'npm start --')
