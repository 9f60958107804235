import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import { defineAsyncComponent } from 'vue'
import Layout from './Layout.vue'
import Step from './Step.vue'
import './style.css'
import './tools.css'

/** Loaded only by the pages that use them. */
const tools = {
  Playground: () => import('../../playground/Playground.vue'),
  Race: () => import('../../race/Race.vue'),
  Trainer: () => import('../../training/Trainer.vue'),
}

export default {
  extends: DefaultTheme,
  Layout,
  enhanceApp({ app }) {
    // Otherwise the build would succeed with a half-empty page if rendering fails.
    app.config.throwUnhandledErrorInProduction = import.meta.env['SSR'] as unknown as boolean
    app.component('Step', Step)
    for (const [name, load] of Object.entries(tools))
      app.component(name, defineAsyncComponent(load))
  },
} satisfies Theme
