import { cards, groups } from './cards.ts'

export interface Group {
  readonly title: string
  readonly cards: readonly { readonly name: string; readonly description: string }[]
}
declare const data: readonly Group[]
export { data }

export default {
  load: (): Group[] =>
    groups.map(({ title, stages }) => ({
      title,
      cards: cards
        .filter(({ stage }) => (stages as readonly string[]).includes(stage))
        .map(({ name, description }) => ({ name, description })),
    })),
}
