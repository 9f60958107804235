import type { BackendName } from '@tricks/backend'
import type { Recipe } from '@tricks/run'
import { unsupportedReason } from '@tricks/train'
import { meant, UsageError } from '../usage.ts'
import airbench from './airbench.ts'
import { articleRecipe, type ArticleTrick, articleTricks } from './article.ts'
import distilled from './distilled.ts'
import { isFile, recipeFrom } from './file.ts'
import pictures from './pictures.ts'
import { pretrainedRecipe } from './pretrained.ts'
import quickNative from './quick-native.ts'
import quick from './quick.ts'
import resnet18 from './resnet-18.ts'
import six from './six.ts'
import teacher from './teacher.ts'
import tuned from './tuned.ts'

/** The built-in recipes, by name. */
export const recipes: Readonly<Record<string, Recipe>> = {
  quick,
  'quick-native': quickNative,
  pictures,
  pretrained: pretrainedRecipe(),
  distilled,
  six,
  tuned,
  airbench,
  'resnet-18': resnet18,
  teacher,
  base: articleRecipe('the small net with batch norm and cosine decay, to which tricks are added', [
    'batch-norm',
    'cosine-decay',
  ]),
  'bag-of-tricks': articleRecipe('all tricks of the article, for long runs', articleTricks),
}

/** The default recipe, which takes a few minutes, and the reason for the choice. */
export function defaultRecipe(
  ofPictures: boolean,
  backend: BackendName,
): { readonly name: string; readonly why: string } {
  if (ofPictures) return { name: 'pictures', why: 'the data is a folder of pictures' }
  return backend === 'tfjs-node-gpu' || unsupportedReason('bfloat16') === undefined
    ? { name: 'quick-native', why: `larger than quick, as ${backend} is fast on this machine` }
    : { name: 'quick', why: 'a few minutes on any machine' }
}

/** The suffix of a recipe's name that selects its teacher's recipe. */
export const teacherPart = '#teacher'

/**
 * Finds a recipe by name, or loads it from a file. `NAME#teacher` is the recipe of its teacher.
 *
 * @throws UsageError for an unknown name; Error if the file can't be loaded
 * @example
 * const { epochs } = await recipeNamed('quick')
 */
export async function recipeNamed(name: string): Promise<Recipe> {
  if (name.endsWith(teacherPart)) {
    const student = name.slice(0, -teacherPart.length)
    const found = (await recipeNamed(student)).teacher
    if (found) return found
    throw new UsageError(`--recipe: ${student} has no teacher`)
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
    ? articleRecipe(`only ${trick}`, [trick as ArticleTrick])
    : articleRecipe(
        `all tricks of the article except ${trick}`,
        articleTricks.filter((each) => each !== trick),
      )
}
