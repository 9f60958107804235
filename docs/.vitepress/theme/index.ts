import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import Step from './Step.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    // Otherwise the build would succeed with a half-empty page if rendering fails.
    app.config.throwUnhandledErrorInProduction = import.meta.env.SSR
    app.component('Step', Step)
  },
} satisfies Theme
