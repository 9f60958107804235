import { existsSync, realpathSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineRecipe, type Recipe } from '@tricks/run'
import { UsageError } from '../usage.ts'

/** Whether `--recipe` names a file: built-in names contain no dot and no slash. */
export const isFile = (recipe: string): boolean => /[./\\]/.test(recipe)

/**
 * Loads a recipe, a file's default export.
 *
 * @throws UsageError if the file doesn't exist; Error if it can't be loaded or exports something else
 */
export async function recipeFrom(file: string): Promise<Recipe> {
  const path = resolve(file)
  if (!existsSync(path)) throw new UsageError(`--recipe: the file ${path} does not exist`)
  resolveOwn()
  checkOneTensorflow(path)
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module
  } catch (error) {
    throw new Error(`${path} can't be loaded: ${reasonOf(error as Error, path)}`, { cause: error })
  }
  if (typeof module.default !== 'object' || module.default === null)
    throw new Error(
      `${path}: expected a recipe as the default export: export default defineRecipe({ … })`,
    )
  try {
    return defineRecipe(module.default as Recipe)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

let resolves = false

/**
 * Lets a recipe import this program's packages if none are installed beside it, as with npx, and in the folder of a
 * search. Installed packages take precedence.
 */
function resolveOwn(): void {
  // Node has it since 22.15; in older versions, the packages must be installed beside the recipe.
  if (resolves || typeof registerHooks !== 'function') return
  resolves = true
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        const isOwn = /^@(?:tricks|tensorflow)\//.test(specifier)
        if (!isOwn || (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
}

function reasonOf({ message, ...error }: Error, path: string): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /^\.[cm]?ts$/.test(extname(path)))
    return `Node ${process.version} doesn't read TypeScript. Use Node 22.18 or later, or write the recipe as a .mjs file.`
  const [, missing] = /^Cannot find package '([^']+)'/.exec(message) ?? []
  if (missing !== undefined)
    return `it imports ${missing}, which is not installed. Run npm install ${missing}.`
  if (/import statement outside a module|Unexpected token 'export'/.test(message))
    return 'Node loads it as a CommonJS script. Rename it to .mjs.'
  return message
}

/** A recipe that imports another copy of TensorFlow.js would have no backend. */
function checkOneTensorflow(path: string): void {
  const [theirs, ours] = [path, import.meta.url].map((from) => {
    try {
      return realpathSync(createRequire(from).resolve('@tensorflow/tfjs-core/package.json'))
    } catch {
      return undefined
    }
  })
  if (theirs !== undefined && theirs !== ours)
    throw new Error(
      `${path} uses the TensorFlow.js in ${resolve(theirs, '..')}, but this program uses another copy. Run npm install @tricks/cli in the recipe's folder, and npx tricks.`,
    )
}
