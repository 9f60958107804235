import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { BackendName } from '@tricks/backend'
import { defineRecipe, type Recipe } from '@tricks/run'
import { lackOf } from '@tricks/train'
import { fromUser, nearest, UsageError } from '../usage.ts'
import airbench from './airbench.ts'
import { articleRecipe, type ArticleTrick, articleTricks } from './article.ts'
import pictures from './pictures.ts'
import quickNative from './quick-native.ts'
import quick from './quick.ts'
import resnet18 from './resnet-18.ts'
import six from './six.ts'
import teacher from './teacher.ts'

/** The recipes that come along, by what `--recipe` takes. */
export const recipes: Readonly<Record<string, Recipe>> = {
  quick,
  'quick-native': quickNative,
  pictures,
  six,
  airbench,
  'resnet-18': resnet18,
  teacher,
  'bag-of-tricks': articleRecipe(
    'all tricks of the article together, for long runs',
    articleTricks,
  ),
}

/** The recipe that takes a few minutes, and why it is the one. */
export function defaultRecipe(
  ofPictures: boolean,
  backend: BackendName,
): { readonly name: string; readonly why: string } {
  if (ofPictures) return { name: 'pictures', why: 'the data is a folder of pictures' }
  return backend === 'tfjs-node-gpu' || lackOf('bfloat16') === undefined
    ? { name: 'quick-native', why: `a larger network, as ${backend} is fast here` }
    : { name: 'quick', why: 'a few minutes on any machine' }
}

/**
 * A recipe by its name, or from a file whose default export it is. `NAME#teacher` is the recipe of its teacher.
 *
 * @throws UsageError if there is none by that name; Error if the file can't be loaded
 * @example
 * const { epochs } = await recipeNamed('quick')
 */
export async function recipeNamed(spec: string): Promise<Recipe> {
  const [name, part] = spec.split('#') as [string, string | undefined]
  const recipe = Object.hasOwn(recipes, name) ? recipes[name]! : await found(name)
  if (part === undefined) return recipe
  if (part === 'teacher' && recipe.teacher) return recipe.teacher
  throw new UsageError(`--recipe: ${name} has no ${part}`)
}

async function found(name: string): Promise<Recipe> {
  const [, kind, trick] = /^(only|all-but):(.+)$/.exec(name) ?? []
  if (kind !== undefined) return ofArticle(kind, trick!)
  if (/[./\\]/.test(name)) return fromFile(fromUser(name))
  const near = nearest(name, Object.keys(recipes))
  throw new UsageError(
    `--recipe: no recipe is called ${name}${near === undefined ? '' : ` (did you mean ${near}?)`}: ` +
      `${Object.keys(recipes).join(', ')}, only:TRICK, all-but:TRICK, or a file such as ./my.recipe.ts`,
  )
}

function ofArticle(kind: string, trick: string): Recipe {
  if (!articleTricks.includes(trick as ArticleTrick)) {
    const near = nearest(trick, articleTricks)
    throw new UsageError(
      `--recipe: the article has no trick ${trick}${near === undefined ? '' : ` (did you mean ${near}?)`}: ` +
        articleTricks.join(', '),
    )
  }
  return kind === 'only'
    ? articleRecipe(`${trick} alone`, [trick as ArticleTrick])
    : articleRecipe(
        `all of the article but ${trick}`,
        articleTricks.filter((each) => each !== trick),
      )
}

async function fromFile(path: string): Promise<Recipe> {
  if (!existsSync(path)) throw new UsageError(`--recipe: there is no file ${path}`)
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(
      code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? `${path}: this Node (${process.version}) can't read TypeScript: use Node 22.18 or later, or write the recipe as .mjs`
        : `${path} can't be loaded: ${message}`,
      { cause: error },
    )
  }
  if (typeof module.default !== 'object' || module.default === null)
    throw new Error(
      `${path}: expected a recipe as the default export: export default defineRecipe({ … })`,
    )
  return defineRecipe(module.default as Recipe)
}
