import { cards, contentOf } from '../.vitepress/cards.ts'

export default {
  watch: ['../../packages/**/README.md', '../../bench/**/README.md'],
  paths: () =>
    cards.map((card) => ({
      params: { name: card.name, description: card.description },
      content: contentOf(card),
    })),
}
