import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import Step from './Step.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    // Otherwise a page that fails to render is written half empty, and the build succeeds.
    app.config.throwUnhandledErrorInProduction = import.meta.env.SSR
    app.component('Step', Step)
  },
} satisfies Theme
