import type { BackendName } from '@tricks/backend'
import type { Recipe } from '@tricks/run'
import { unsupportedReason } from '@tricks/train'
import { meant, UsageError } from '../usage.ts'
import airbench from './airbench.ts'
import { articleRecipe, type ArticleTrick, articleTricks } from './article.ts'
import { isFile, recipeFrom } from './file.ts'
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
  return backend === 'tfjs-node-gpu' || unsupportedReason('bfloat16') === undefined
    ? { name: 'quick-native', why: `a larger network, as ${backend} is fast here` }
    : { name: 'quick', why: 'a few minutes on any machine' }
}

/** What comes after a recipe's name to mean the recipe of its teacher. */
export const teacherPart = '#teacher'

/**
 * A recipe by its name, or from a file whose default export it is. `NAME#teacher` is the recipe of its teacher.
 *
 * @throws UsageError if there is none by that name; Error if the file can't be loaded
 * @example
 * const { epochs } = await recipeNamed('quick')
 */
export async function recipeNamed(name: string): Promise<Recipe> {
  if (name.endsWith(teacherPart)) {
    const student = name.slice(0, -teacherPart.length)
    const found = (await recipeNamed(student)).teacher
    if (found) return found
    throw new UsageError(`--recipe: ${student} learns from no teacher`)
  }
  if (Object.hasOwn(recipes, name)) return recipes[name]!
  const [, kind, trick] = /^(only|all-but):(.+)$/.exec(name) ?? []
  if (kind !== undefined) return ofArticle(kind, trick!)
  if (isFile(name)) return recipeFrom(name)
  const names = [...Object.keys(recipes), 'only:NAME', 'all-but:NAME']
  throw new UsageError(
    `--recipe: expected one of ${names.join(', ')} (see the command recipes) or a file such as ./my.recipe.ts, got ${name}${meant(name, Object.keys(recipes))}`,
  )
}

function ofArticle(kind: string, trick: string): Recipe {
  if (!articleTricks.includes(trick as ArticleTrick))
    throw new UsageError(
      `--recipe: expected ${kind}: and one of ${articleTricks.join(', ')}, got ${trick}${meant(trick, articleTricks)}`,
    )
  return kind === 'only'
    ? articleRecipe(`${trick} alone`, [trick as ArticleTrick])
    : articleRecipe(
        `all of the article but ${trick}`,
        articleTricks.filter((each) => each !== trick),
      )
}
